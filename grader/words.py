"""What a check may say: the words for authors of exercises, and nothing else of the grader.

    _ = catalogue(__file__)

    @task("token_once", needs=["read_all"])
    def test_token_once(run: Run) -> None:
        "The token is fetched once and used again."
        expect(len(run.tokens) == 1, _("The token was fetched {n} times.", n=len(run.tokens)), exchange=run.tokens)

One check is one task is one test. A check that ends quietly passes; `expect`, `fail` and `Mismatch` make a fail;
anything else that escapes is an error of the lab, so a check never uses a plain `assert`.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

import pytest

from grader.exchange import Exchange
from grader.grading import Faults, Grading, Run
from grader.language import Text, catalogue
from grader.verdicts import LabFault, Mismatch

__all__ = [
    "Exchange", "Faults", "Grading", "LabFault", "Mismatch", "Run", "Text", "catalogue", "expect", "fail", "fixture",
    "task",
]  # fmt: skip

Check = TypeVar("Check", bound=Callable[..., None])


def task(name: str, *, needs: Sequence[str] = (), hint: str = "") -> Callable[[Check], Check]:
    """Mark a check as judging the task `name` of `exercise.toml`, where its title and points stand.

    Args:
        needs: tasks that must pass first; until then this one waits and is not judged.
        hint: key of its hints in `hints.md`; by default the task's own name.
    """
    mark = pytest.mark.task(name, needs=tuple(needs), hint=hint or name)

    def marked(check: Check) -> Check:
        result: Check = mark(check)
        return result

    return marked


def fixture(make: Callable[..., object]) -> Callable[..., object]:
    """Make something once for all checks of a run, such as the run itself."""
    return pytest.fixture(scope="session")(make)


def expect(
    holds: bool,
    message: Text,
    *,
    expected: Text | str = "",
    actual: Text | str = "",
    exchange: Exchange | Sequence[Exchange] = (),
    read: str = "",
) -> None:
    """Go on if `holds`; otherwise end the check as a fail.

    Args:
        message: one plain sentence: what happened, and what was expected.
        expected: the right value, short.
        actual: the value found, short.
        exchange: the HTTP exchanges that show it, the most telling first.
        read: where to read on.

    Raises:
        Mismatch: it does not hold.
    """
    if not holds:
        raise Mismatch(message, expected=expected, actual=actual, exchange=exchange, read=read)


def fail(
    message: Text,
    *,
    expected: Text | str = "",
    actual: Text | str = "",
    exchange: Exchange | Sequence[Exchange] = (),
    read: str = "",
) -> NoReturn:
    """End the check as a fail; the arguments are those of `expect`.

    Raises:
        Mismatch: always.
    """
    raise Mismatch(message, expected=expected, actual=actual, exchange=exchange, read=read)
