"""What a run found, as plain values: the tasks with their verdicts and causes, and the run around them.

While a run goes on, every task that has not been judged yet is an error, and a run that broke has no tasks but a
`Crash`: so results that were never finished cannot be taken for a pass. `grader.resultsfile` writes and reads them.
"""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from grader.exchange import Exchange, masked
from grader.language import Language, Text, catalogue
from grader.plaintext import clip
from grader.verdicts import ExitCode, Mismatch, Outcome, Verdict, Waiting, exit_code, roll_up, verdict_of

_ = catalogue(__file__)

SHOWN_EXCHANGES: Final = 3
"""Exchanges kept with one cause; the others are in `evidence.json`."""
LONGEST_OUTPUT: Final = 20_000
"""Characters kept of what the participant's program printed."""
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange as a report shows it, with the line that repeats it."""

    exchange: Exchange
    curl: str

    @classmethod
    def of(cls, exchange: Exchange) -> "Shown":
        """Return `exchange` with its own `curl` line."""
        return cls(exchange, exchange.curl())


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a task was not passed. Empty texts where there is nothing to say.

    Attributes:
        expected, actual: the right value and the one found, short.
        hint: key of the hint to ask for next.
        read: where to read on.
        exchange: what shows it, the most telling first.
    """

    expected: str = ""
    actual: str = ""
    hint: str = ""
    read: str = ""
    exchange: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The verdict on one task.

    Attributes:
        task: its id; `name`: its title; `number`: as people count it ("1").
        score, max_score: points. `duration`: seconds that judging took.
        output: the sentence for the participant; empty for a pass.
        waits_for: ids of the tasks that have to pass first.
    """

    task: str
    name: str
    number: str
    max_score: float
    score: float
    verdict: Verdict
    output: str = ""
    cause: Cause | None = None
    waits_for: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    duration: float = 0.0

    @classmethod
    def judged(
        cls,
        ending: BaseException | None,
        *,
        task: str,
        name: str,
        number: str,
        max_score: float,
        tags: Iterable[str] = (),
        duration: float = 0.0,
        language: Language | None = None,
    ) -> "TaskResult":
        """Return the result of a task whose check ended in `ending` (None: it passed)."""
        verdict = verdict_of(ending)
        return cls(
            task=task,
            name=name,
            number=number,
            max_score=max_score,
            score=max_score if verdict is Verdict.PASS else 0,
            verdict=verdict,
            output=_sentence(ending).render(language) if ending else "",
            cause=_cause(ending, language),
            waits_for=ending.waits_for if isinstance(ending, Waiting) else (),
            tags=tuple(tags),
            duration=duration,
        )

    @classmethod
    def pending(cls, *, task: str, name: str, number: str, max_score: float, tags: Iterable[str] = ()) -> "TaskResult":
        """Return the result of a task that has not been judged yet: an error, should the run end here."""
        return cls(
            task=task,
            name=name,
            number=number,
            max_score=max_score,
            score=0,
            verdict=Verdict.ERROR,
            output=_("The run ended before this task was judged.").render(),
            tags=tuple(tags),
        )


@dataclass(frozen=True, slots=True)
class Exercise:
    """Which exercise was graded; `hash` is over its folder, so that a changed one is noticed."""

    number: int
    slug: str
    hash: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """What became of the participant's program itself.

    Attributes:
        exit_status: its exit code; None if it had to be stopped.
        ended_by: "exit", or the limit that stopped it, such as "time" or "memory".
        seconds: how long it ran.
        stdout, stderr: what it printed, the middle cut, with tokens and the like masked.
    """

    exit_status: int | None
    ended_by: str
    seconds: float
    stdout: str = ""
    stderr: str = ""

    def __post_init__(self) -> None:
        for name in ("stdout", "stderr"):
            object.__setattr__(self, name, masked(clip(getattr(self, name), LONGEST_OUTPUT)))


@dataclass(frozen=True, slots=True)
class Crash:
    """The lab broke before it could judge; nobody's score suffers. `detail` is for those who mend the lab."""

    message: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run of one submission.

    Attributes:
        tasks: in the order of the exercise; empty if `error` says why.
        pass_mark: per cent of the points that pass the exercise.
        started_at: RFC 3339. `execution_time`: seconds.
        seed_fingerprint: names the seed without giving it away. `practice`: the seed was asked for, not fresh.
        isolation: the rung that kept the program apart. `provisional`: graded on the participant's own machine.
        submission_sha256: of the copy that was graded.
    """

    exercise: Exercise
    run_id: str
    started_at: str
    tasks: tuple[TaskResult, ...] = ()
    error: Crash | None = None
    participant: str = ""
    cohort: str = ""
    submission_sha256: str = ""
    execution_time: float = 0.0
    seed_fingerprint: str = ""
    practice: bool = False
    provisional: bool = True
    isolation: str = ""
    lab_version: str = ""
    pass_mark: float = 100.0
    program: Program | None = None
    max_score_if_broken: float = 0.0

    @property
    def score(self) -> float:
        """The points reached."""
        return tidy(sum(task.score for task in self.tasks))

    @property
    def max_score(self) -> float:
        """The points there are; of a broken run, those that the exercise has."""
        return tidy(sum(task.max_score for task in self.tasks)) if self.tasks else self.max_score_if_broken

    @property
    def verdict(self) -> Verdict:
        """The most severe verdict of all; error for a run that broke."""
        return Verdict.ERROR if self.error else roll_up(task.verdict for task in self.tasks)

    @property
    def passed(self) -> bool:
        """Whether the run has no error and reached the pass mark."""
        reached = self.score + _TOLERANCE >= self.max_score * self.pass_mark / 100
        return self.verdict is not Verdict.ERROR and reached

    @property
    def exit_code(self) -> ExitCode:
        """How a command that shows this run ends."""
        return exit_code(self.verdict, passed=self.passed)

    def with_task(self, judged: TaskResult) -> "Results":
        """Return these results with `judged` in the place of the task of the same id."""
        return replace(self, tasks=tuple(judged if task.task == judged.task else task for task in self.tasks))

    def broken(self, error: Crash) -> "Results":
        """Return these results as those of a run that the lab could not finish."""
        return replace(self, tasks=(), error=error, max_score_if_broken=self.max_score)


def crash(ending: BaseException, language: Language | None = None) -> Crash:
    """Return what to write down when `ending` broke the run itself."""
    return Crash(_sentence(ending).render(language), "".join(traceback.format_exception(ending, limit=-8)))


def headline(results: Results) -> Text:
    """Return the run in one sentence."""
    if results.verdict is Verdict.ERROR:
        return _("The lab itself failed during this run, so it counts for nothing. The participant did nothing wrong.")
    score, most = tidy(results.score), tidy(results.max_score)
    if results.passed:
        return _("Passed: {score} of {max_score} points.", score=score, max_score=most)
    return _("Not passed yet: {score} of {max_score} points.", score=score, max_score=most)


def tidy(number: float) -> float:
    """Return a whole number of points as an int, so that 20.0 reads "20"; other numbers to six places."""
    rounded = round(number, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def _sentence(ending: BaseException) -> Text:
    if isinstance(ending, Outcome):
        return ending.message
    return _("The lab failed while it judged this: {kind}. Your work is not to blame.", kind=type(ending).__name__)


def _cause(ending: BaseException | None, language: Language | None) -> Cause | None:
    if isinstance(ending, Mismatch):
        return Cause(
            expected=_words(ending.expected, language),
            actual=masked(_words(ending.actual, language)),
            hint=ending.hint,
            read=ending.read,
            exchange=tuple(Shown.of(exchange) for exchange in ending.exchange[:SHOWN_EXCHANGES]),
        )
    if ending is None or isinstance(ending, Waiting):
        return None
    return Cause(actual="".join(traceback.format_exception(ending, limit=-4)))


def _words(value: Text | str, language: Language | None) -> str:
    return value.render(language) if isinstance(value, Text) else value
