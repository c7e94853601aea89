"""What a computer must offer, looked at one by one: what was found, whether it is enough, and how to mend it."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psutil

from grader.isolation import rungs
from grader.language import Text, catalogue, verbatim
from lab.agencies import agencies
from lab.installation.environment import Environment, digest
from lab.ports import free_base, holder, is_free
from lab.running import Condition, mode, running
from lab.settings import DEFAULT_PORT_BASE, DOCKER, SWARM, Settings

_ = catalogue(__file__)

_GIB = 1024**3
_MIB = 1024**2
_DISK_NEEDED = 200 * _MIB
_DISK_COMFORTABLE = _GIB
_MEMORY_NEEDED = 300 * _MIB
_MEMORY_COMFORTABLE = 800 * _MIB
_INDONESIAN_HOURS = frozenset({7, 8, 9})
_IMPORTS_TIMEOUT_SECONDS = 20
_MEND_ISOLATION = {"bubblewrap": _("Optional, on Debian or Ubuntu: sudo apt install bubblewrap")}


class State(StrEnum):
    """Whether what was found is enough."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: stable, for programs.
        state: `BAD` where the lab cannot work, `WARN` where it works worse.
        found: what is there.
        mend: what to do; None where nothing has to be done.
    """

    name: str
    state: State
    found: Text
    mend: Text | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything, one after the other, so that each can be shown as soon as it is known."""
    everywhere: list[Callable[[Settings], Finding]] = [_python, _installation, _disk, _memory, _clock, _encoding]
    for look in everywhere:
        yield look(settings)
    if mode(settings) == SWARM:
        from lab.swarm.doctor import examine as examine_swarm  # noqa: PLC0415 - only for those who have a Swarm

        yield from examine_swarm(settings)
        return
    if mode(settings) == DOCKER:
        from lab.docker.doctor import examine as examine_engine  # noqa: PLC0415 - only for those who have containers

        yield from examine_engine(settings)
        return
    yield _learner(settings)
    yield _ports(settings)
    yield from _isolations()
    yield _node()


def _python(settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    found = _("Python {version} at {path}", version=version, path=sys.prefix)
    if Path(sys.prefix) == settings.root / ".venv":
        return Finding("python", State.GOOD, found)
    return Finding("python", State.WARN, found, _("Run the lab from its own environment: make setup"))


def _installation(settings: Settings) -> Finding:
    environment = Environment(settings.root / ".venv", settings.root)
    lock = settings.root / "requirements" / "lab.lock"
    if environment.is_ready({"lab": digest(lock)}):
        return Finding("installation", State.GOOD, _("The lab's packages are those of the lock file."))
    return Finding(
        "installation", State.WARN, _("The lab's packages may differ from the lock file."), _("Run: make setup")
    )


def _learner(settings: Settings) -> Finding:
    python = Environment(settings.learner, settings.root).python
    probe = "import httpx, importlib.util as u; raise SystemExit(u.find_spec('pytest') is not None)"
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, a fixed program
            [python, "-I", "-c", probe], capture_output=True, timeout=_IMPORTS_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done and done.returncode == 0:
        return Finding("learner", State.GOOD, _("The interpreter for your programs works: {path}", path=python))
    return Finding(
        "learner", State.BAD, _("The interpreter for your programs is missing or broken."), _("Run: make setup")
    )


def _ports(settings: Settings) -> Finding:
    what_runs = running(settings)
    record = what_runs.record()
    if record and what_runs.condition() is Condition.RUNNING:
        return Finding("ports", State.GOOD, _("The lab is running, on ports from {base}.", base=record.port_base))
    offsets = [agency.port_offset for agency in agencies(settings.root)]
    return ports(settings.port_base or DEFAULT_PORT_BASE, offsets)


def ports(base: int, offsets: Sequence[int]) -> Finding:
    """Looks whether the ports from `base` with these offsets are free, and who has the first that is not."""
    taken = next((base + offset for offset in offsets if not is_free(base + offset)), None)
    if taken is None:
        return Finding("ports", State.GOOD, _("The ports from {base} are free.", base=base))
    by = holder(taken)
    who = verbatim(f"{by.name} ({by.pid})") if by.pid else _("another program")
    return Finding(
        "ports",
        State.BAD,
        _("Port {port} is used by {who}.", port=taken, who=who),
        _("Close it, or use other ports: LAB_PORT_BASE={free} make up", free=free_base(base, offsets)),
    )


def _disk(settings: Settings) -> Finding:
    # A folder that LAB_HOME names for the first time is made later, on the disk of the nearest one that exists.
    folder = next(one for one in (settings.home, *settings.home.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    found = _("{size} free on the disk", size=shown(free))
    if free < _DISK_NEEDED:
        return Finding("disk", State.BAD, found, _("Free some space: the lab needs {size}.", size=shown(_DISK_NEEDED)))
    if free < _DISK_COMFORTABLE:
        return Finding("disk", State.WARN, found, _("Free some space before a long day: {size}.", size=shown(_GIB)))
    return Finding("disk", State.GOOD, found)


def _memory(_settings: Settings) -> Finding:
    available = psutil.virtual_memory().available
    found = _("{size} of memory available", size=shown(available))
    advice = _("Close other programs, such as browser tabs you do not need.")
    if available < _MEMORY_NEEDED:
        return Finding("memory", State.BAD, found, advice)
    return Finding("memory", State.WARN if available < _MEMORY_COMFORTABLE else State.GOOD, found, advice)


def _clock(settings: Settings) -> Finding:
    """Looks at the clock: without a network, the only proof that it is slow is a file of the lab from its future."""
    now = datetime.now().astimezone()
    found = _("The clock says {now}.", now=now.strftime("%Y-%m-%d %H:%M %Z"))
    if now.timestamp() < (settings.root / "pyproject.toml").stat().st_mtime:
        return Finding("clock", State.BAD, found, _("The clock is slow: set the date and time of this computer."))
    offset = now.utcoffset()
    if offset is None or offset.total_seconds() / 3600 not in _INDONESIAN_HOURS:
        return Finding("clock", State.WARN, found, _("If you are in Indonesia, set the time zone: WIB, WITA or WIT."))
    return Finding("clock", State.GOOD, found)


def _encoding(_settings: Settings) -> Finding:
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    found = _("The terminal writes {encoding}.", encoding=encoding)
    if encoding == "utf8":
        return Finding("encoding", State.GOOD, found)
    return Finding("encoding", State.WARN, found, _("Set a UTF-8 locale, such as LANG=C.UTF-8; on Windows: chcp 65001"))


def _isolations() -> Iterator[Finding]:
    """Tries every rung of the ladder; only the best one that works matters, so that others may be missing."""
    working = False
    for rung in rungs():
        obstacle = rung.obstacle()
        name = f"isolation_{rung.name}"
        if obstacle is None:
            working = True
            yield Finding(name, State.GOOD, _("Your programs can be kept apart by: {name}.", name=rung.name))
        elif working:
            yield Finding(name, State.GOOD, _("{name} does not work here, and is not needed.", name=rung.name))
        else:
            found = _("{name} does not work here: {reason}", name=rung.name, reason=obstacle)
            yield Finding(name, State.WARN, found, _MEND_ISOLATION.get(rung.name))
    if not working:
        yield Finding("isolation", State.BAD, _("Your programs cannot be kept apart, so nothing can be graded."))


def _node() -> Finding:
    """Looks for Node.js, which only those need who answer exercises in JavaScript."""
    found = shutil.which("node")
    if found:
        return Finding("node", State.GOOD, _("Node.js is there, for answers in JavaScript."))
    return Finding("node", State.GOOD, _("Node.js is not there; only answers in JavaScript would need it."))


def shown(size: int) -> str:
    """Returns a number of bytes as people read it."""
    return f"{size / _GIB:.1f} GB" if size >= _GIB else f"{size // _MIB} MB"
