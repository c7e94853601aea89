"""What a machine must offer for the lab on a Swarm, and how the Swarm's other machines are."""

from collections.abc import Iterator

from grader.language import catalogue
from lab.docker.doctor import equipment
from lab.docker.engine import Engine
from lab.doctor import Finding, State
from lab.outcomes import LabFailedError
from lab.settings import Settings
from lab.swarm.engine import Node, Swarm
from lab.swarm.record import SwarmRecord

_ = catalogue(__file__)


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at the engine and its Swarm; ends early where there is no engine to look at. Changes nothing."""
    try:
        engine = Engine(settings)
    except LabFailedError as failed:
        yield Finding("engine", State.BAD, failed.problem, failed.advice)
        return
    with engine:
        record = SwarmRecord.read(settings.state / "lab.json")
        settings = record.filled(settings) if record else settings
        yield from equipment(settings, engine)
        swarm = Swarm(engine, settings)
        try:
            if not swarm.is_joined():
                found = _("This machine is in no Swarm yet; the lab begins one when it starts.")
                yield Finding("swarm", State.GOOD, found)
                return
            yield from map(_node, swarm.nodes())
        except LabFailedError as failed:
            yield Finding("swarm", State.BAD, failed.problem, failed.advice)


def _node(node: Node) -> Finding:
    if not node.ready:
        found = _("The machine {name} of the Swarm is down.", name=node.name)
        advice = _("Start it, or take it out of the Swarm: docker node rm --force {name}", name=node.name)
        return Finding(f"node_{node.id}", State.WARN, found, advice)
    found = _("The machine {name} of the Swarm is there, with {n} processors.", name=node.name, n=node.cpus)
    return Finding(f"node_{node.id}", State.GOOD, found)
