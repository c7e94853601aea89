"""Makes the lab ready for a command: the agencies run, and the participant's own sandbox is there."""

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.language import catalogue
from lab.reset import own_sandbox
from lab.running import Begun, Reach, Started, running
from lab.sandbox import Sandbox
from lab.session import Session

if TYPE_CHECKING:
    from grader.city import City

_ = catalogue(__file__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A lab that is ready.

    Attributes:
        city: the way to the agencies' back doors.
        record: how to reach what serves them.
        sandbox: the participant's own.
        how: what had to be done.
    """

    city: "City"
    record: Reach
    sandbox: Sandbox
    how: Begun


@contextlib.contextmanager
def opened(session: Session) -> Iterator[Opened]:
    """Gives the running lab with the own sandbox in it, starting and mending what is needed.

    Raises:
        LabFailedError: when the lab cannot be started.
        LabFault: when a service does not do its part.
    """
    started = _started(session)
    from grader.city import Address, City  # noqa: PLC0415 - loaded while the agencies start, see _started

    addresses = {name: Address(url, started.record.backdoor(name)) for name, url in started.record.services.items()}
    with City(addresses, started.record.token()) as city:
        session.console.progress(_("Preparing your city …"))
        sandbox = own_sandbox(city, session)
        session.console.progress_done()
        yield Opened(city, started.record, sandbox, started.how)


def _started(session: Session) -> Started:
    """Starts the agencies; while they take their second, loads the HTTP client, which is needed next."""
    console = session.console

    def show(ready: int, total: int) -> None:
        console.progress(_("Starting the lab: {ready} of {total} agencies are ready …", ready=ready, total=total))
        importlib.import_module("grader.city")

    def wait() -> None:
        console.progress(_("Another command is starting, stopping or resetting the lab; waiting for it …"))

    try:
        return running(session.settings, console.progress).start(show, wait)
    finally:
        console.progress_done()
