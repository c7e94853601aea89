"""`lab audit`: an exercise proves itself before a participant meets it.

By reading: everything stated and nothing stray, every task with its hints, both languages, checks that say only the
words for checks. By running: the starter scores 0, the reference 100 on three seeds, every other right answer 100, and
every mutant loses exactly the tasks that its folder's name says.
"""

import ast
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from grader import resultsfile, workers
from grader.exercise import FULL_SCORE, Exercise, ExerciseBroken, load
from grader.isolation.programs import MAIN_FILES
from grader.language import Text, catalogue
from grader.results import Results
from grader.verdicts import Verdict
from grader.workers import Room

_ = catalogue(__file__)

SEEDS = (1, 20_262_026, 2**62 + 3)
LEAST_WRONG = 5
LEAST_RIGHT = 2
FAILS = "__fails__"
_FILES = {"exercise.toml", "README.md", "README.en.md", "hints.md", "hints.en.md", "DESIGN.md"}
_FOLDERS = {"starter", "checks", "solution", "right", "wrong", "locale"}
_STRAY = {"__pycache__"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: which answer or file of the exercise.
        complaint: what is wrong; None where it is as it should be.
        skipped: it could not be looked at here, such as an answer in a language that is not installed.
    """

    exercise: str
    subject: str
    complaint: Text | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class _Trial:
    """An answer to run, and what must come of it."""

    subject: str
    folder: Path
    seed: int | None
    loses: frozenset[str]


def audit(folder: Path, room: Room, *, at_once: int = 2) -> Iterator[Finding]:
    """Audit one exercise's folder; give every finding as soon as it is known, good or bad.

    Args:
        at_once: how many runs go on side by side.
    """
    try:
        exercise = load(folder)
    except ExerciseBroken as broken:
        yield Finding(folder.name, "exercise.toml", _("{reason}", reason=str(broken)))
        return
    yield from _read(exercise)
    trials = list(_trials(exercise))
    with TemporaryDirectory(prefix="lab-audit-") as out, ThreadPoolExecutor(at_once) as pool:
        runs = [
            pool.submit(_run, exercise, trial, room, Path(out) / str(number)) for number, trial in enumerate(trials)
        ]
        for run in runs:
            yield run.result()


def _read(exercise: Exercise) -> Iterator[Finding]:
    """What can be seen without running anything."""
    looks: dict[str, Callable[[Exercise], Iterator[Text]]] = {
        "files": _files,
        "instructions": _instructions,
        "hints": _hints,
        "checks": _checks,
        "answers": _answers,
    }
    for subject, look in looks.items():
        complaints = list(look(exercise))
        yield from (Finding(exercise.name, subject, complaint) for complaint in complaints)
        if not complaints:
            yield Finding(exercise.name, subject)


def _files(exercise: Exercise) -> Iterator[Text]:
    present = {path.name for path in exercise.folder.iterdir()} - _STRAY
    for name in sorted((_FILES | _FOLDERS) - present):
        yield _("{name} is missing.", name=name)
    for name in sorted(present - _FILES - _FOLDERS):
        yield _("{name} does not belong here.", name=name)
    for folder in ("right", "wrong"):
        for path in sorted((exercise.folder / folder).glob("*")):
            if not path.is_dir():
                yield _("{name} does not belong here.", name=f"{folder}/{path.name}")


def _instructions(exercise: Exercise) -> Iterator[Text]:
    for language, name in (("id", "README.md"), ("en", "README.en.md")):
        text = (exercise.folder / name).read_text(encoding="utf-8")
        for task in exercise.tasks:
            row = f"| {task.title.id if language == 'id' else task.title.en} | {task.points} |"
            if row not in text:
                yield _("{name} has no row: {row}", name=name, row=row)
        title = exercise.title.id if language == "id" else exercise.title.en
        if title not in text.splitlines()[0]:
            yield _("The first line of {name} does not name the exercise as exercise.toml does.", name=name)


def _hints(exercise: Exercise) -> Iterator[Text]:
    indonesian, english = exercise.hints("id"), exercise.hints("en")
    for task in exercise.tasks:
        steps = (len(indonesian.get(task.id, [])), len(english.get(task.id, [])))
        if min(steps) < 2 or steps[0] != steps[1]:
            yield _("The task {task} needs at least two hints, as many in both languages.", task=task.id)
    for name in sorted((set(indonesian) | set(english)) - {task.id for task in exercise.tasks}):
        yield _("There are hints for {task}, which is no task.", task=name)


def _checks(exercise: Exercise) -> Iterator[Text]:
    for path in sorted(exercise.checks.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                yield _("{place} has a plain assert; say expect(…) instead.", place=f"{path.name}:{node.lineno}")
            for module in _imported(node):
                if module.split(".")[0] not in sys.stdlib_module_names and module != "grader.words":
                    place = f"{path.name}:{getattr(node, 'lineno', 0)}"
                    yield _("{place} imports {module}; checks import grader.words only.", place=place, module=module)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."]
    return []


def _answers(exercise: Exercise) -> Iterator[Text]:
    tasks = {task.id for task in exercise.tasks}
    wrong = _folders(exercise.folder / "wrong")
    for folder in wrong:
        named = _loses(folder.name)
        if not named or not named <= tasks:
            yield _("wrong/{name} must be called <what>__fails__<task>[__<task>…].", name=folder.name)
    caught = frozenset().union(*(_loses(folder.name) for folder in wrong))
    for task in sorted(tasks - caught):
        yield _("No wrong answer loses the task {task}.", task=task)
    if len(wrong) < LEAST_WRONG:
        yield _("There are {n} wrong answers; at least {least} are needed.", n=len(wrong), least=LEAST_WRONG)
    right = _folders(exercise.folder / "right")
    if len(right) < LEAST_RIGHT:
        yield _("There are {n} other right answers; at least {least} are needed.", n=len(right), least=LEAST_RIGHT)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*") if path.is_dir() and path.name not in _STRAY)


def _loses(name: str) -> frozenset[str]:
    _what, found, tasks = name.partition(FAILS)
    return frozenset(re.split(r"__", tasks)) if found else frozenset()


def _trials(exercise: Exercise) -> Iterator[_Trial]:
    every = frozenset(task.id for task in exercise.tasks)
    yield _Trial("starter", exercise.starter, None, every)
    for seed in SEEDS:
        yield _Trial(f"solution, seed {seed}", exercise.folder / "solution", seed, frozenset())
    for folder in _folders(exercise.folder / "right"):
        yield _Trial(f"right/{folder.name}", folder, None, frozenset())
    for folder in _folders(exercise.folder / "wrong"):
        yield _Trial(f"wrong/{folder.name}", folder, None, _loses(folder.name))


def _run(exercise: Exercise, trial: _Trial, room: Room, out: Path) -> Finding:
    if not _can_run(trial.folder):
        return Finding(exercise.name, trial.subject, skipped=True)
    said = workers.run(room, exercise, trial.folder, out, seed=trial.seed)
    if said.outcome != "graded":
        return Finding(exercise.name, trial.subject, _("It was not graded: {why}", why=said.message))
    return Finding(exercise.name, trial.subject, _differs(resultsfile.load(out / "results.json"), trial))


def _can_run(folder: Path) -> bool:
    """Whether the interpreter of an answer in another language is installed."""
    interpreters = [MAIN_FILES[path.name] for path in folder.iterdir() if path.name in MAIN_FILES]
    return all(names == ("python",) or all(shutil.which(name) for name in names) for names in interpreters)


def _differs(results: Results, trial: _Trial) -> Text | None:
    if results.verdict is Verdict.ERROR:
        told = results.error.message if results.error else next(
            (task.output for task in results.tasks if task.verdict is Verdict.ERROR), ""
        )  # fmt: skip
        return _("The lab failed: {why}", why=told)
    lost = {task.task: task.output for task in results.tasks if task.verdict is not Verdict.PASS}
    if set(lost) == trial.loses:
        return None
    if not trial.loses:
        why = next(iter(lost.values()))
        return _("A right answer got {score} of {full}: {why}", score=results.score, full=FULL_SCORE, why=why)
    return _(
        "It must lose exactly {named}, and lost {lost}.",
        named=", ".join(sorted(trial.loses)),
        lost=", ".join(sorted(lost)) or "0",
    )
