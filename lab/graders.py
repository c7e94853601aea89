"""What the lab hands to the grader: the participants' interpreter, its own version, and the way to the agencies."""

import os
from importlib import metadata
from typing import TYPE_CHECKING

from grader.isolation import prefixes
from grader.run import Learner
from lab.installation.environment import python_in
from lab.opening import Opened
from lab.record import Record
from lab.running import Reach, mode
from lab.session import Session
from lab.settings import SWARM, Settings

if TYPE_CHECKING:
    from grader.workers import Room, Workers

_MOST_AT_ONCE = 8


def learner(settings: Settings, record: Reach) -> Learner:
    """Returns where participants' programs run: the interpreter, what it has to read, and containers if there are.

    Args:
        settings: of the lab.
        record: of the running lab, which says whether it consists of containers.
    """
    python = python_in(settings.learner)
    place = None
    if not isinstance(record, Record):
        from lab.docker.place import place_of  # noqa: PLC0415 - only for those who have containers

        place = place_of(record, settings)
    return Learner(python, tuple(prefixes(python)), place)


def lab_version() -> str:
    """Returns the version that reports name."""
    return metadata.version("spbe-lab")


def room(settings: Settings, lab: Opened) -> "Room":
    """Returns what the grading processes of one command share."""
    from grader.workers import Room  # noqa: PLC0415 - who checks one exercise has no use for it

    return Room(
        services=dict(lab.city.services),
        token=lab.record.token(),
        learner=learner(settings, lab.record),
        lab_version=lab_version(),
    )


def at_once() -> int:
    """Returns how many grading runs may go on side by side: one for each processor, within reason."""
    return min(os.cpu_count() or 1, _MOST_AT_ONCE)


def workers(session: Session, lab: Opened) -> "Workers":
    """Returns who grades a group's submissions: processes of this machine, or jobs all over a Swarm."""
    if mode(session.settings) == SWARM:
        from lab.swarm.jobs import jobs  # noqa: PLC0415 - only for those who have a Swarm

        return jobs(session, lab)
    from grader.workers import Processes  # noqa: PLC0415 - likewise

    return Processes(room(session.settings, lab), at_once=at_once())
