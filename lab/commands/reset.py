"""`lab reset [N]`: puts the city back to its first day; with N also begins the exercise's work folder anew."""

import click

from grader.exercise import Exercise
from grader.language import catalogue
from lab import workspace
from lab.course import chosen, number_argument
from lab.opening import opened
from lab.reset import reset
from lab.session import Session
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    about = _(
        "Put your city back to its first day: its state, journal, faults and clock. Scores are kept. With N, also lay "
        "a fresh starter into the work folder of that exercise; your old folder is kept aside."
    )
    return build("reset", run, about, [number_argument(required=False)])


def run(session: Session, number: int | None) -> None:
    """Resets the sandbox, and the work folder of exercise `number` if there is one."""
    exercise = None if number is None else chosen(number, session.settings)
    with opened(session) as lab:
        reset(lab.city, session, lab.sandbox)
    session.console.say(_("Your city is as on its first day again. Your scores are kept."), "good")
    if exercise:
        _begin_anew(session, exercise)


def _begin_anew(session: Session, exercise: Exercise) -> None:
    aside = workspace.set_aside(exercise, session.settings)
    workspace.prepare(exercise, session.settings)
    place = workspace.shown(workspace.folder(exercise, session.settings))
    session.console.say(_("A fresh starter is in {place}", place=place), "good")
    if aside:
        session.console.say(_("Your work until now is kept in {aside}", aside=workspace.shown(aside)), "good")
