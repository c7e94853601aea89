"""`lab up`: starts the lab in the background, and the participant's sandbox in it."""

import click

from grader.language import Text, catalogue
from lab.agencies import agencies
from lab.opening import opened
from lab.running import Begun
from lab.session import Session
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    return build("up", run, _("Start the lab in the background. Safe to repeat; it mends what broke."))


def run(session: Session) -> None:
    """Starts the lab and says where the agencies are."""
    console, language = session.console, session.settings.language
    with opened(session) as lab:
        console.say(_begun(lab.how), "good")
        served = agencies(session.settings.root)
        for agency in served:
            console.say(f"  {lab.record.services[agency.name]}  {agency.title(language)}")
        console.say()
        console.say(
            _("Open {url}/docs in a browser, or begin with: make exercise-1", url=lab.record.services[served[-1].name])
        )


def _begun(how: Begun) -> Text:
    return {
        Begun.ALREADY: _("The lab is running already."),
        Begun.STARTED: _("The lab is running."),
        Begun.MENDED: _("The lab had stopped by itself and is running again; nothing saved was lost."),
        Begun.RENEWED: _("The lab was started again, because its code, ports or files changed; nothing was lost."),
    }[how]
