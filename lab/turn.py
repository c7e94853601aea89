"""One command at a time starts, stops or resets a lab, whatever runs its agencies."""

import contextlib
from collections.abc import Callable, Iterator

from grader.language import catalogue
from lab.filelock import LockTimeoutError, held
from lab.outcomes import LabFailedError
from lab.settings import Settings

_ = catalogue(__file__)


@contextlib.contextmanager
def alone(settings: Settings, seconds: float, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keeps other commands from starting, stopping or resetting this lab for the time of a block.

    Args:
        seconds: how long another command is waited for.
        on_wait: called once when there is one.

    Raises:
        LabFailedError: when the other command does not let go of the lab.
    """
    try:
        with held(settings.state / "city.lock", seconds, on_wait):
            yield
    except LockTimeoutError as timeout:
        raise LabFailedError(
            _("Another lab command has been starting, stopping or resetting the lab for too long."),
            _("End that command, then repeat yours."),
        ) from timeout
