"""What a room's server must offer for the lab in containers, looked at one by one."""

import shutil
from collections.abc import Iterator

from grader.isolation.container import Container
from grader.language import catalogue
from lab.agencies import agencies
from lab.docker import images, keys
from lab.docker.compose import CONTROL, Compose
from lab.docker.engine import Engine
from lab.docker.place import place_of
from lab.docker.record import ContainersRecord
from lab.docker.town import Town, project
from lab.doctor import Finding, State, ports, shown
from lab.outcomes import LabFailedError
from lab.running import Condition
from lab.settings import DEFAULT_PORT_BASE, Settings

_ = catalogue(__file__)

_GIB = 1024**3
_MEMORY_NEEDED = 2 * _GIB
_MEMORY_COMFORTABLE = 3 * _GIB
_DISK_NEEDED = 2 * _GIB
_DISK_COMFORTABLE = 5 * _GIB


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at the engine and at what it has for the lab; ends early where there is no engine to look at."""
    try:
        engine = Engine(settings)
    except LabFailedError as failed:
        yield Finding("engine", State.BAD, failed.problem, failed.advice)
        return
    with engine:
        record = ContainersRecord.read(settings.state / "lab.json")
        settings = record.filled(settings) if record else settings
        yield from equipment(settings, engine)
        yield from _lab(settings)


def equipment(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Looks at the engine, its Compose and its images."""
    yield from _engine(engine)
    yield _compose(settings, engine)
    yield from _images(settings, engine)


def _engine(engine: Engine) -> Iterator[Finding]:
    facts = engine.facts()
    yield Finding("engine", State.GOOD, _("Docker Engine {version} answers.", version=facts.version))
    found = _("{size} of memory for containers", size=shown(facts.memory_bytes))
    advice = _("Give Docker more memory: a room of 80 needs {size}.", size=shown(_MEMORY_COMFORTABLE))
    state = State.GOOD if facts.memory_bytes >= _MEMORY_COMFORTABLE else State.WARN
    yield Finding("engine_memory", state if facts.memory_bytes >= _MEMORY_NEEDED else State.BAD, found, advice)
    if facts.folder.is_dir():
        free = shutil.disk_usage(facts.folder).free
        found = _("{size} free where Docker keeps its data", size=shown(free))
        advice = _("Free some space: the lab needs {size}.", size=shown(_DISK_COMFORTABLE))
        state = State.GOOD if free >= _DISK_COMFORTABLE else State.WARN
        yield Finding("engine_disk", state if free >= _DISK_NEEDED else State.BAD, found, advice)


def _compose(settings: Settings, engine: Engine) -> Finding:
    try:
        Compose(settings, project(settings), DEFAULT_PORT_BASE, keys.folder(settings), engine.variables).require()
    except LabFailedError as failed:
        return Finding("compose", State.BAD, failed.problem, failed.advice)
    return Finding("compose", State.GOOD, _("Docker Compose is there."))


def _images(settings: Settings, engine: Engine) -> Iterator[Finding]:
    """Says of each image of ours whether it is there; one that is missing is built by the next `lab up`."""
    for target in images.TARGETS:
        image = images.name(target, settings.version)
        made_from = engine.image_label(image, images.SOURCES)
        if made_from is None:
            found = _("The image {image} is not there yet; the lab builds it when it starts.", image=image)
        elif made_from != images.sources(settings.root, target):
            found = _("The image {image} is older than the code; the lab builds it when it starts.", image=image)
        else:
            found = _("The image {image} is there.", image=image)
        yield Finding(f"image_{target}", State.GOOD, found)


def _lab(settings: Settings) -> Iterator[Finding]:
    """Looks at the running lab and tries its isolation; of one that does not run, at the ports that it needs."""
    town = Town(settings, lambda _step: None)
    record = town.record()
    if record is None or town.condition() is not Condition.RUNNING:
        offsets = [agency.port_offset for agency in agencies(settings.root)]
        base = settings.port_base or DEFAULT_PORT_BASE
        yield ports(base, [*offsets, *(offset + CONTROL for offset in offsets)])
        return
    yield Finding("ports", State.GOOD, _("The lab is running, on ports from {base}.", base=record.port_base))
    place = place_of(record, settings)
    if place is not None:
        container = Container(place)
        try:
            obstacle = container.obstacle()
        finally:
            container.close()
        if obstacle is None:
            found = _("Your programs can be kept apart by: {name}.", name=container.name)
            yield Finding("isolation_container", State.GOOD, found)
        else:
            found = _("{name} does not work here: {reason}", name=container.name, reason=obstacle)
            yield Finding("isolation_container", State.BAD, found)
