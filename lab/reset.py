"""Puts the participant's city back to its first day, in all services or in none, even over a crash.

The intent is written down before the first service is told, and removed after the last one has agreed; whoever opens
the lab next and finds it does the whole reset again, which is harmless. One command at a time does so: an intent found
is then always one that was interrupted.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from grader import filing
from grader.language import catalogue
from lab.agencies import agencies
from lab.sandbox import Sandbox
from lab.session import Session
from lab.turn import alone

if TYPE_CHECKING:
    from grader.city import City

_ = catalogue(__file__)

_INTENT = "reset.json"
_LOCK_TIMEOUT_SECONDS = 60.0


def own_sandbox(city: "City", session: Session) -> Sandbox:
    """Returns the participant's sandbox, making what is missing of it; finishes a reset that was interrupted.

    Raises:
        LabFault: when a service does not do its part.
        LabFailedError: when another command keeps the lab busy for too long.
    """
    with _alone(session):
        sandbox = Sandbox.read(session.settings.sandbox)
        if sandbox is None:
            sandbox = Sandbox.invent(_scopes(session))
            sandbox.write(session.settings.sandbox)
        city.create(sandbox.id, sandbox.spec())
        if (session.settings.state / _INTENT).exists():
            _reset(city, session, sandbox)
        return sandbox


def reset(city: "City", session: Session, sandbox: Sandbox) -> Sandbox:
    """Puts the sandbox back: its state, journal, faults and clock. Returns it, with the scopes that agencies have now.

    Raises:
        LabFault: when a service does not do its part; the next command that opens the lab tries again.
        LabFailedError: when another command keeps the lab busy for too long.
    """
    with _alone(session):
        return _reset(city, session, sandbox)


def _reset(city: "City", session: Session, sandbox: Sandbox) -> Sandbox:
    intent = session.settings.state / _INTENT
    filing.replace(intent, json.dumps({"sandbox": sandbox.id}))
    scopes = _scopes(session)
    if sandbox.scopes == scopes:
        city.restore(sandbox.id)
    else:
        sandbox = replace(sandbox, scopes=scopes)
        city.delete(sandbox.id)
        sandbox.write(session.settings.sandbox)
        city.create(sandbox.id, sandbox.spec())
    intent.unlink()
    return sandbox


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Waits for another command that is at the lab."""

    def wait() -> None:
        session.console.progress(_("Another command is starting, stopping or resetting the lab; waiting for it …"))

    session.settings.state.mkdir(parents=True, exist_ok=True)
    with alone(session.settings, _LOCK_TIMEOUT_SECONDS, wait):
        yield


def _scopes(session: Session) -> tuple[str, ...]:
    return tuple(sorted(scope for agency in agencies(session.settings.root) for scope in agency.scopes))
