"""How a command ends when it cannot do what was asked: exceptions that carry an exit code and words for people.

Only `lab/__main__.py` catches them all. The codes are the grader's: a participant's failure and the lab's share none.
"""

from grader.language import Text
from grader.verdicts import ExitCode


class EndedError(Exception):
    """A command cannot do what was asked.

    Attributes:
        code: the exit code.
        problem: what happened, and what was expected.
        advice: what to do next.
        detail: lines to show as they are, such as the end of a log.
    """

    code = ExitCode.LAB_FAILED

    def __init__(self, problem: Text, advice: Text, detail: str = "") -> None:
        super().__init__(problem, advice, detail)
        self.problem = problem
        self.advice = advice
        self.detail = detail


class WrongUsageError(EndedError):
    """What was asked for does not exist or makes no sense."""

    code = ExitCode.USAGE


class RefusedError(EndedError):
    """A participant's program cannot be taken in, so nothing was run."""

    code = ExitCode.NOT_PASSED


class LabFailedError(EndedError):
    """The lab itself cannot do its part; never the participant's fault."""
