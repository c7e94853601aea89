"""The exercises, as commands ask for them: by number, with an answer for people when there is none."""

import click

from grader.exercise import Exercise, ExerciseBroken, ExerciseNotFound, find, folders
from grader.language import catalogue
from grader.plaintext import sanitise
from lab.outcomes import LabFailedError, WrongUsageError
from lab.settings import Settings
from lab.usage import Number

_ = catalogue(__file__)

HIGHEST_NUMBER = 99


def number_argument(*, required: bool = True) -> click.Argument:
    """Returns the argument N, the exercise's number."""
    return click.Argument(["number"], type=Number(HIGHEST_NUMBER, 1), metavar="N", required=required)


def chosen(number: int, settings: Settings) -> Exercise:
    """Returns the exercise with this number.

    Raises:
        WrongUsageError: there is none.
        LabFailedError: its folder is not in order.
    """
    root = settings.root / "exercises"
    try:
        return find(number, root)
    except ExerciseNotFound as missing:
        there = ", ".join(str(known) for known in folders(root))
        raise WrongUsageError(
            _("There is no exercise {number}.", number=number), _("These are there: {numbers}", numbers=there)
        ) from missing
    except ExerciseBroken as broken:
        raise LabFailedError(
            _("Exercise {number} is not in order, so it cannot be used.", number=number),
            _("Get the lab again, or tell your trainer."),
            sanitise(str(broken)),
        ) from broken
