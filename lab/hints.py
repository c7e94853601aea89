"""Which hint comes next: for the first task that the last run did not pass, one more each time."""

import json
from dataclasses import dataclass
from pathlib import Path

from grader import filing, resultsfile
from grader.exercise import Exercise
from grader.results import TaskResult
from grader.strictjson import NotStrictJson
from grader.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint.

    Attributes:
        task: title of the task it is for.
        number: which one this is, from 1.
        total: how many there are for the task.
    """

    task: str
    number: int
    total: int
    text: str


class Hints:
    """The hints that a participant was given so far, remembered in one file."""

    def __init__(self, reports: Path) -> None:
        """Describes the hints given in the lab whose reports are in `reports`; touches nothing."""
        self._reports = reports
        self._file = reports / "hints.json"

    def next(self, exercise: Exercise) -> Hint | None:
        """Gives the next hint, and remembers it; after the last one, the last one again.

        Returns:
            None when the last run passed every task, so that there is nothing to hint at.

        Raises:
            OSError: when it cannot be remembered.
        """
        key, title = self._wanted(exercise)
        if not key:
            return None
        steps = exercise.hints().get(key, [])
        if not steps:
            return None
        given = self._given()
        number = min(given.get(exercise.name, {}).get(key, 0) + 1, len(steps))
        given.setdefault(exercise.name, {})[key] = number
        filing.replace(self._file, json.dumps(given, indent=1), durable=False)
        return Hint(title, number, len(steps), steps[number - 1])

    def _wanted(self, exercise: Exercise) -> tuple[str, str]:
        """Returns the key and the title of the task to hint at; before the first run it is the first task."""
        first = exercise.tasks[0]
        try:
            results = resultsfile.load(self._reports / exercise.name / "results.json")
        except (OSError, NotStrictJson):
            return first.id, first.title.in_language()
        if not results.tasks:
            return first.id, first.title.in_language()
        failed = next((task for task in results.tasks if task.verdict is Verdict.FAIL), None)
        return (_key(failed, exercise), _title(failed, exercise)) if failed else ("", "")

    def _given(self) -> dict[str, dict[str, int]]:
        try:
            given = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return given if isinstance(given, dict) else {}


def _key(task: TaskResult, exercise: Exercise) -> str:
    """Returns the hints' key that the verdict names, if the exercise has it, else the task itself."""
    named = task.cause.hint if task.cause else ""
    return named if named in exercise.hints() else task.task


def _title(task: TaskResult, exercise: Exercise) -> str:
    """Returns the task's title in the reader's language, which may not be that of the run."""
    return next((one.title.in_language() for one in exercise.tasks if one.id == task.task), task.name)
