"""Where the grader makes containers for participants' programs in a lab of containers."""

from grader.isolation.engine import Place
from lab.docker.record import ContainersRecord
from lab.running import Reach
from lab.settings import DEFAULT_VERSION, Settings
from lab.swarm.record import SwarmRecord


def place_of(record: Reach, settings: Settings) -> Place | None:
    """Returns the place for the lab of `record`; None where that is no lab of containers."""
    if isinstance(record, SwarmRecord):
        return Place(
            image=f"spbe-lab/learner:{record.version or settings.version or DEFAULT_VERSION}",
            gates=f"{record.stack}_gates",
            sockets={record.port_base + offset: f"{name}.sock" for name, offset in record.offsets.items()},
            engine=record.engine,
        )
    if not isinstance(record, ContainersRecord):
        return None
    return Place(
        image=f"spbe-lab/learner:{record.version or settings.version or DEFAULT_VERSION}",
        gates=f"{record.project}_gates",
        sockets={record.port_base + offset: f"{name}.sock" for name, offset in record.offsets.items()},
        project=record.project,
        engine=record.engine,
    )
