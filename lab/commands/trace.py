"""`lab trace N`: what the program did between the agencies in the last run, as a sequence diagram."""

import shutil

import click

from grader import trace
from grader.exchange import read_evidence
from grader.language import catalogue
from grader.reports import EVIDENCE
from grader.strictjson import NotStrictJson
from lab.course import chosen, number_argument
from lab.outcomes import LabFailedError, WrongUsageError
from lab.session import Session
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    about = _("Draw what your program did between the agencies in the last run of exercise N.")
    return build("trace", run, about, [number_argument()])


def run(session: Session, number: int) -> None:
    """Draws the last run of exercise `number`."""
    exercise = chosen(number, session.settings)
    again = _("Run it first: make exercise-{number}", number=number)
    try:
        exchanges = read_evidence(session.settings.reports / exercise.name / EVIDENCE)
    except FileNotFoundError as missing:
        raise WrongUsageError(_("Exercise {number} was not run yet.", number=number), again) from missing
    except (OSError, NotStrictJson) as broken:
        raise LabFailedError(_("What the last run left cannot be read."), again) from broken
    console = session.console
    columns = shutil.get_terminal_size().columns
    console.say(trace.terminal(exchanges, columns, console.in_colour, unicode=console.unicode))
