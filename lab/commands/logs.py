"""`lab logs [SERVICE]`: what the agencies have written to their log, and with --follow what they write now."""

import click

from grader.language import catalogue
from lab.running import running
from lab.session import Session
from lab.usage import command as build
from lab.usage import option

_ = catalogue(__file__)

LINES = 50


def command() -> click.Command:
    """Returns the command."""
    parameters = [
        click.Argument(["service"], metavar="[SERVICE]", required=False),
        option("--follow", _("Go on showing what is written, until Ctrl+C."), is_flag=True),
    ]
    about = _("Show the last lines of the log: of all agencies, or of one, such as population.")
    return build("logs", run, about, parameters)


def run(session: Session, service: str | None, *, follow: bool) -> None:
    """Shows the log."""
    none = True
    for line in running(session.settings).log_lines(service, lines=LINES, follow=follow):
        none = False
        session.console.line(line)
    if none:
        session.console.say(_("The log is empty. Start the lab with: make up"), "quiet")
