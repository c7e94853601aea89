"""The pytest plugin that turns checks into verdicts.

It orders the checks as `exercise.toml` does (a task after those it needs), lets a task wait when what it needs has not
passed, and hands each verdict on as soon as it is known. pytest itself prints and writes nothing.
"""

import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.exercise import Exercise
from grader.grading import Grading
from grader.language import catalogue
from grader.results import TaskResult
from grader.verdicts import LabFault, Mismatch, Verdict, Waiting

_ = catalogue(__file__)

CONFIG = Path(__file__).with_name("checks.ini")
_UNUSED = (
    "cacheprovider", "terminal", "junitxml", "doctest", "unittest", "faulthandler", "unraisableexception",
    "threadexception", "debugging", "logging", "pastebin", "setuponly", "setupplan", "stepwise", "subtests",
)  # fmt: skip
"""Plugins that checks have no use for. `unraisableexception` and `threadexception` look through all memory five times
over before they let go; all take time to load while a participant waits."""

_MEANT_FOR_OTHERS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
"""Variables that a person may have set for tests of their own."""


class ChecksBroken(LabFault):
    """The exercise's checks do not fit its `exercise.toml`, or cannot be collected."""


class Judge:
    """The plugin of one grading run.

    Args:
        exercise: whose checks these are.
        grading: what they judge.
        tell: is given each task's result, in order.
    """

    def __init__(self, exercise: Exercise, grading: Grading, tell: Callable[[TaskResult], None]) -> None:
        self._exercise = exercise
        self._grading = grading
        self._tell = tell
        self._verdicts: dict[str, Verdict] = {}
        self._started = 0.0
        self._trouble: list[str] = []
        self._collected = False

    def judge(self) -> None:
        """Run all checks.

        Raises:
            ChecksBroken: the checks could not be collected, or do not fit the exercise.
            KeyboardInterrupt: the person stopped it.
        """
        arguments = [
            str(self._exercise.checks), "-c", str(CONFIG), f"--rootdir={self._exercise.checks}",
            "--import-mode=importlib", "--disable-plugin-autoload", "--capture=sys", "--strict-markers",
            *(f"-pno:{name}" for name in _UNUSED),
        ]  # fmt: skip
        _forget_checks()
        with pytest.MonkeyPatch.context() as environment:
            for name in _MEANT_FOR_OTHERS:
                environment.delenv(name, raising=False)
            code = pytest.main(arguments, plugins=[self])
        if code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if not self._collected or code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            about = "\n".join(self._trouble)
            raise ChecksBroken(
                _("The checks of exercise {name} cannot be run: {about}", name=self._exercise.name, about=about)
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what is wrong with a file of checks."""
        if report.failed:
            self._trouble.append(report.longreprtext)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep what went wrong in the plugin itself, instead of printing it."""
        self._trouble.append(str(excinfo.value))
        return True

    @pytest.fixture(scope="session")
    def grading(self) -> Grading:
        """The city of this run, and the way to run the participant's program in it."""
        return self._grading

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known."""
        config.addinivalue_line("markers", "task(name, needs, hint): which task of exercise.toml this check judges")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order the checks, having made sure that there is exactly one for each task."""
        found = {_mark(item).args[0]: item for item in items}
        stated = [task.id for task in self._exercise.tasks]
        if len(items) != len(found) or set(found) != set(stated):
            raise ChecksBroken(
                _("The checks of exercise {name} do not fit its exercise.toml.", name=self._exercise.name)
            )
        items[:] = [
            found[name] for name in ordered(stated, {name: _mark(item).kwargs["needs"] for name, item in found.items()})
        ]
        self._collected = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let a task wait for what it needs, before anything is made for it."""
        self._started = time.perf_counter()
        missing = [need for need in _mark(item).kwargs["needs"] if self._verdicts.get(need) is not Verdict.PASS]
        if missing:
            titles = ", ".join(self._exercise.task(need).title.in_language() for need in missing)
            raise Waiting(_("This task waits for: {titles}", titles=titles), waits_for=missing)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge a task when its check has ended, wherever it ended."""
        report = yield
        ending = call.excinfo.value if call.excinfo else None
        if call.when == "call" or (call.when == "setup" and ending is not None):
            self._judged(item, ending)
        return report

    def _judged(self, item: pytest.Item, ending: BaseException | None) -> None:
        mark = _mark(item)
        if isinstance(ending, Mismatch):
            ending.hint = ending.hint or mark.kwargs["hint"]
            ending = self._grading.doubt or ending
        name = mark.args[0]
        number = [task.id for task in self._exercise.tasks].index(name) + 1
        task = self._exercise.tasks[number - 1]
        result = TaskResult.judged(
            ending,
            task=name,
            name=task.title.in_language(),
            number=str(number),
            max_score=task.points,
            duration=time.perf_counter() - self._started,
        )
        self._verdicts[name] = result.verdict
        self._tell(result)


def _forget_checks() -> None:
    """Let a second run in this process not find the first one's checks, which pytest keeps under the same names."""
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent.name == "checks":
            del sys.modules[name]


def _mark(item: pytest.Item) -> Any:  # noqa: ANN401 - pytest's Mark
    mark = item.get_closest_marker("task")
    if mark is None:
        raise ChecksBroken(_("The check {name} does not say which task it judges.", name=item.name))
    return mark


def ordered(tasks: Sequence[str], needs: dict[str, Sequence[str]]) -> list[str]:
    """Give the tasks in their stated order, each after those it needs.

    Raises:
        ChecksBroken: a task needs an unknown one, or tasks need each other.
    """
    order: list[str] = []
    while len(order) < len(tasks):
        ready = next((task for task in tasks if task not in order and set(needs[task]) <= set(order)), None)
        if ready is None:
            raise ChecksBroken(_("The tasks wait for each other, or for one that does not exist."))
        order.append(ready)
    return order
