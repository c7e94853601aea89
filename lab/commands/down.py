"""`lab down`: stops the lab."""

import click

from grader.language import Text, catalogue
from lab.running import running
from lab.session import Session
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    return build("down", run, _("Stop the lab. Your city, your work and your scores are kept."))


def run(session: Session) -> None:
    """Stops the lab if it runs."""
    waiting = _("Another command is starting, stopping or resetting the lab; waiting for it …")
    session.console.progress(_("Stopping the lab …"))
    ended = running(session.settings, session.console.progress).stop(lambda: session.console.progress(waiting))
    session.console.progress_done()
    if isinstance(ended, Text):
        session.console.say(ended, "warn")
    else:
        session.console.say(_("The lab is stopped.") if ended else _("The lab was not running."), "good")
