"""The four verdicts, their order, and the exceptions that become them.

*Fail* is the participant's and *error* is the lab's; they never share a value, a word or an exit code. A check ends in
one of a small family of exceptions or in none, and `verdict_of` is the one place that translates. Pure: no files, no
framework.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from typing import ClassVar

from grader.exchange import Exchange
from grader.language import Text


class Verdict(StrEnum):
    """What became of one task."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    SKIP = "skip"
    FAIL = "fail"
    ERROR = "error"

    @property
    def severity(self) -> int:
        """Return the rank of this verdict: the greater, the more it decides about the whole run."""
        return tuple(Verdict).index(self)


class ExitCode(IntEnum):
    """How a command ends."""

    PASSED = 0
    NOT_PASSED = 1
    USAGE = 2
    LAB_FAILED = 3
    INTERRUPTED = 130


def roll_up(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most severe of `verdicts`; of none, `ERROR`: a run that judged nothing is the lab's failure."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.ERROR)


def exit_code(verdict: Verdict, *, passed: bool) -> ExitCode:
    """Return the exit code of a run from its rolled-up verdict and whether its score reached the pass mark.

    An error decides alone: points that were never judged neither pass nor fail anybody.
    """
    if verdict is Verdict.ERROR:
        return ExitCode.LAB_FAILED
    return ExitCode.PASSED if passed else ExitCode.NOT_PASSED


class Outcome(Exception):  # noqa: N818 - the family is named after what it tells, its members after the fact
    """How a check ended, other than well. Catch the members, raise the members; this one is their family name.

    Attributes:
        verdict: what the task gets.
        message: one plain sentence for the participant.
    """

    verdict: ClassVar[Verdict] = Verdict.ERROR

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message.render("en")


class Mismatch(Outcome):
    """The participant's program did something else than the task asks."""

    verdict = Verdict.FAIL

    def __init__(
        self,
        message: Text,
        *,
        expected: Text | str = "",
        actual: Text | str = "",
        exchange: Exchange | Sequence[Exchange] = (),
        hint: str = "",
        read: str = "",
    ) -> None:
        """Say what is wrong and show it.

        Args:
            message: one plain sentence: what happened, and what was expected.
            expected: the right value, short.
            actual: the value found, short; may come from the participant's program.
            exchange: the HTTP exchanges that show it, the most telling first.
            hint: key of the hint to ask for next.
            read: where to read on, a path inside the project or a section's name.
        """
        super().__init__(message)
        self.expected = expected
        self.actual = actual
        self.exchange = [exchange] if isinstance(exchange, Exchange) else list(exchange)
        self.hint = hint
        self.read = read


class Waiting(Outcome):
    """The task was not judged, because the tasks it builds on are not done."""

    verdict = Verdict.SKIP

    def __init__(self, message: Text, *, waits_for: Sequence[str] = ()) -> None:
        """Name the tasks (`waits_for`, their ids) that have to pass first."""
        super().__init__(message)
        self.waits_for = tuple(waits_for)


class LabFault(Outcome):
    """The lab did not do its own part; nobody's score suffers."""

    verdict = Verdict.ERROR


def verdict_of(ending: BaseException | None) -> Verdict:
    """Return the verdict for what escaped a check: none is a pass, a stranger to the family is the lab's error."""
    if ending is None:
        return Verdict.PASS
    return ending.verdict if isinstance(ending, Outcome) else Verdict.ERROR
