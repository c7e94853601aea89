"""What the lab hands to the grader: the participants' interpreter, its own version, and the way to the agencies."""

import os
from importlib import metadata

from grader.isolation import prefixes
from grader.run import Learner
from grader.workers import Room
from lab.installation.environment import python_in
from lab.opening import Opened
from lab.settings import Settings

_MOST_AT_ONCE = 8


def learner(settings: Settings) -> Learner:
    """Returns the interpreter that participants' programs run in, and what it has to read."""
    python = python_in(settings.learner)
    return Learner(python, tuple(prefixes(python)))


def lab_version() -> str:
    """Returns the version that reports name."""
    return metadata.version("spbe-lab")


def room(settings: Settings, lab: Opened) -> Room:
    """Returns what the grading processes of one command share."""
    return Room(
        services=dict(lab.city.services),
        token=lab.record.token(),
        learner=learner(settings),
        lab_version=lab_version(),
    )


def at_once() -> int:
    """Returns how many grading runs may go on side by side: one for each processor, within reason."""
    return min(os.cpu_count() or 1, _MOST_AT_ONCE)
