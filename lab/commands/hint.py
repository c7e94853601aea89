"""`lab hint N`: the next hint for the task that the last run did not pass."""

import shutil

import click

from grader.language import catalogue
from lab.course import chosen, number_argument
from lab.hints import Hints
from lab.prose import reflow
from lab.session import Session
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    about = _("Show the next hint for the task that failed last: a nudge first, nearly the answer in the end.")
    return build("hint", run, about, [number_argument()])


def run(session: Session, number: int) -> None:
    """Shows one hint more than last time."""
    console = session.console
    hint = Hints(session.settings.reports).next(chosen(number, session.settings))
    if hint is None:
        console.say(_("No task waits for a hint. Check your work with: make exercise-{number}", number=number), "good")
        return
    console.say(_("Hint {number} of {total} for: {task}", number=hint.number, total=hint.total, task=hint.task))
    console.say()
    console.say(reflow(hint.text, shutil.get_terminal_size().columns))
    console.say()
    if hint.number < hint.total:
        console.say(_("Still stuck? One more hint: make hint-{number}", number=number), "quiet")
    else:
        console.say(_("That was the last hint for this task. Your trainer is glad to help."), "quiet")
