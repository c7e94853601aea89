"""What runs the agencies, seen from the commands: a process of this machine, or containers.

Commands ask `running` for it and need not know which it is. Modules of the `docker` package are loaded only where it is
containers.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from grader.language import Text, catalogue
from lab.outcomes import WrongUsageError
from lab.settings import DOCKER, EMBEDDED, SWARM, Settings

_ = catalogue(__file__)


class Condition(Enum):
    """How what runs the agencies is."""

    STOPPED = "stopped"
    RUNNING = "running"
    CRASHED = "crashed"


class Begun(Enum):
    """What `start` found and did."""

    ALREADY = "already"
    STARTED = "started"
    MENDED = "mended"
    RENEWED = "renewed"


class Reach(Protocol):
    """How to reach a running lab; `lab.json` keeps it."""

    @property
    def port_base(self) -> int:
        """The agencies' ports are this plus their offsets."""

    @property
    def services(self) -> Mapping[str, str]:
        """The base URL of each agency."""

    def backdoor(self, service: str) -> str:
        """Returns where an agency's back door is: `unix:PATH` or a URL; `OSError` when it is not there."""

    def token(self) -> str:
        """Returns the back doors' token; `OSError` when it is not there."""


@dataclass(frozen=True, slots=True)
class Started:
    """The running lab, and what had to be done for it."""

    record: Reach
    how: Begun


@dataclass(frozen=True, slots=True)
class Part:
    """One container of a lab.

    Attributes:
        name: the agency's, or what else it is.
        state: what the engine says: `running`, `exited` …; `healthy` or `unhealthy` where it looks.
        restarts: how often it ended by itself and was started again.
        memory_bytes: that it uses now; None where it does not run.
    """

    name: str
    state: str
    restarts: int
    memory_bytes: int | None


class Running(Protocol):
    """What runs the agencies of one lab."""

    def condition(self) -> Condition:
        """Tells how it is, by looking."""

    def record(self) -> Reach | None:
        """Returns how to reach what was started last, whether it still runs or not."""

    def start(self, on_progress: Callable[[int, int], None], on_wait: Callable[[], None]) -> Started:
        """Makes sure that it runs, with the present code, and that every agency is ready; see `Background.start`."""

    def stop(self, on_wait: Callable[[], None]) -> bool | Text:
        """Stops it if it runs; returns whether there was something to stop.

        Where that cannot be asked any more, the lab is given up: then it returns what a person is to know of that.
        """

    def log_tail(self) -> str:
        """Returns the last few lines of the log."""

    def log_place(self) -> str:
        """Returns where the log is, or how to see it, in words for a person or a program."""

    def log_lines(self, service: str | None, *, lines: int, follow: bool) -> Iterator[str]:
        """Gives the last lines of the log, of one service or of all; then, to follow, every new one without end."""

    def parts(self) -> list[Part]:
        """Returns what it consists of, empty where that is one process."""


def running(settings: Settings, say: Callable[[Text | str], None] = lambda _step: None) -> Running:
    """Returns what runs, or is to run, the agencies of the lab of `settings`.

    Args:
        settings: of the lab.
        say: is told what is being done, where that can take longer than people wait without a word.

    Raises:
        WrongUsageError: when another mode is asked for than the lab is running in.
    """
    there = _running_mode(settings)
    if settings.mode is not None and there is not None and settings.mode != there:
        raise WrongUsageError(
            _("This lab is running with LAB_MODE={there}, not with LAB_MODE={mode}.", there=there, mode=settings.mode),
            _("Stop it first: LAB_MODE={there} make down", there=there),
        )
    chosen = mode(settings)
    if chosen == SWARM:
        from lab.swarm.province import Province  # noqa: PLC0415 - only for those who have a Swarm

        return Province(settings, say)
    if chosen == DOCKER:
        from lab.docker.town import Town  # noqa: PLC0415 - only for those who have containers

        return Town(settings, say)
    from lab.city import Background  # noqa: PLC0415 - one of the three

    return Background(settings)


def mode(settings: Settings) -> str:
    """Returns the mode that is asked for; where none is, the one in which the lab is running, else embedded."""
    return settings.mode or _running_mode(settings) or EMBEDDED


def _running_mode(settings: Settings) -> str | None:
    try:
        content = json.loads((settings.state / "lab.json").read_text(encoding="utf-8"))
        return str(content.get("mode", EMBEDDED))
    except (OSError, ValueError, AttributeError):
        return None
