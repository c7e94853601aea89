"""The words that every report uses: verdicts, what to do next, and what to know about a run."""

from dataclasses import dataclass
from typing import Final

from grader.language import Text, catalogue
from grader.results import Results, TaskResult
from grader.verdicts import Verdict

_ = catalogue(__file__)

PLAIN_RUNG: Final = "process"
"""Name of the isolation rung that leaves files and ports open (`grader.isolation.process`)."""


@dataclass(frozen=True, slots=True)
class Badge:
    """How a verdict looks: each has its own word, its own symbol and its own colour.

    Attributes:
        style: a style of `grader.ink`, also the name of the class in the page.
    """

    word: Text
    symbol: str
    style: str


BADGES: Final = {
    Verdict.PASS: Badge(_("PASSED"), "✓", "good"),
    Verdict.FAIL: Badge(_("NOT YET"), "✗", "bad"),
    Verdict.SKIP: Badge(_("WAITING"), "○", "quiet"),
    Verdict.ERROR: Badge(_("LAB ERROR"), "▲", "lab"),
}

_LIMITS: Final = {
    "wall": _("time"),
    "cpu": _("computing time"),
    "memory": _("memory"),
    "processes": _("number of processes"),
    "disk": _("size of all files together"),
    "file": _("size of one file"),
}


def title(results: Results) -> Text:
    """Return the heading of a report."""
    name = results.exercise.title or results.exercise.slug
    return _("Exercise {number}: {name}", number=results.exercise.number, name=name)


def waiting(task: TaskResult, results: Results) -> Text:
    """Return what a skipped task waits for, by the numbers that people see."""
    numbers = {other.task: other.number for other in results.tasks}
    return _("Waits for task {numbers}.", numbers=", ".join(numbers.get(name, name) for name in task.waits_for))


def sentence(task: TaskResult, results: Results) -> Text | str:
    """Return the sentence about a task; empty for a pass."""
    if task.verdict is Verdict.SKIP and task.waits_for:
        return waiting(task, results)
    return task.output


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: in words, and the command to type where there is one."""

    words: Text
    command: str = ""


def next_steps(results: Results) -> list[NextStep]:
    """Return what to do next, the first thing first."""
    number = results.exercise.number
    again = NextStep(_("Then grade once more:"), f"make exercise-{number}")
    if results.verdict is Verdict.ERROR:
        return [
            NextStep(_("See what is wrong with the lab:"), "lab doctor"),
            again,
            NextStep(_("If it happens again, show your trainer this report of run {run}.", run=results.run_id)),
        ]
    look = NextStep(_("See what your program did:"), f"make trace-{number}")
    first = next((task for task in results.tasks if task.verdict is Verdict.FAIL), None)
    if first is None:
        return [look]
    return [
        NextStep(_("Work on task {number} first: {name}.", number=first.number, name=first.name)),
        NextStep(_("Stuck? Ask for a hint:"), f"make hint-{number}"),
        look,
        again,
    ]


def notes(results: Results) -> list[Text]:
    """Return what a reader should know about how the run was made, most of all what limits its worth."""
    told = []
    if results.provisional and results.verdict is not Verdict.ERROR:  # what counts for nothing is not provisional
        told.append(
            _("Provisional: graded on the participant's own computer. The grading on the trainer's machine decides.")
        )
    if results.practice:
        told.append(_("Practice: a seed was asked for, so the data were known beforehand."))
    if results.isolation == PLAIN_RUNG:
        told.append(_("The program ran without full isolation: this computer offers none."))
    return told


def ending(results: Results) -> Text | None:
    """Return how the participant's program ended, if not quietly."""
    program = results.program
    if program is None or (program.ended_by == "exit" and program.exit_status == 0):
        return None
    if program.ended_by == "exit" and program.exit_status is None:
        return _("Your program was ended by a signal, without an exit code of its own.")
    if program.ended_by == "exit":
        return _("Your program ended with exit code {code}.", code=program.exit_status)
    limit = _LIMITS.get(program.ended_by, program.ended_by)
    return _("Your program was stopped: it reached a limit ({limit}).", limit=limit)
