"""What a person may set from outside; nothing else in `lab` but `__main__` reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader.language import Language, catalogue
from lab.outcomes import WrongUsageError

_ = catalogue(__file__)

ROOT = Path(__file__).resolve().parents[1]
"""The clone: where `services/` and `exercises/` are."""

DEFAULT_PORT_BASE = 8100
LOWEST_PORT_BASE = 1024
HIGHEST_PORT_BASE = 65000
EMBEDDED, DOCKER, SWARM = "embedded", "docker", "swarm"
MODES = (EMBEDDED, DOCKER, SWARM)
MOST_REPLICAS = 8
"""The gateway has places for so many of each agency."""
DEFAULT_VERSION = "dev"
DEFAULT_BIND = "127.0.0.1"

_PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP"}
    | {"SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "PATHEXT", "COMSPEC"}
    | {"COVERAGE_PROCESS_CONFIG"}
)
"""What the services get of a person's environment: never a URL or a secret that somebody exported in a shell."""

_ENGINE = frozenset({"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"})
"""Where the container engine is, as its own command line reads it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where this lab is and how it speaks.

    Attributes:
        root: the clone.
        home: the folder that `.lab/` and `work/` are in; the clone, unless `LAB_HOME` says otherwise.
        port_base: from `LAB_PORT_BASE`; None where nobody asked for one.
        language: of everything that people read.
        passed_on: the part of the environment that background processes get.
        run_folders: where private sockets may be, best first.
        mode: from `LAB_MODE`; None where nobody asked for one, which means: as the lab is running, else embedded.
        engine: the environment variables that say where the container engine is.
        version: the tag of the lab's images, from `LAB_VERSION`; None where nobody asked for one.
        bind: the address of this machine at which the agencies are published, from `LAB_BIND`; None likewise.
        replicas: of each agency in a Swarm, from `LAB_REPLICAS`; None where nobody asked for a number.
        address: of this machine, as other machines of a Swarm reach it, from `LAB_ADDRESS`; empty: Docker chooses.
    """

    root: Path
    home: Path
    port_base: int | None
    language: Language
    passed_on: Mapping[str, str] = field(repr=False)
    run_folders: tuple[str, ...] = ()
    mode: str | None = None
    engine: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: str | None = None
    bind: str | None = None
    replicas: int | None = None
    address: str = ""

    @property
    def state(self) -> Path:
        """Everything that the lab writes, but for the participants' own work."""
        return self.home / ".lab"

    @property
    def data(self) -> Path:
        """The sandboxes' stores."""
        return self.state / "data"

    @property
    def reports(self) -> Path:
        """Results, one folder per exercise, and the history of scores."""
        return self.state / "reports"

    @property
    def work(self) -> Path:
        """The participants' own work, one folder per exercise."""
        return self.home / "work"

    @property
    def sandbox(self) -> Path:
        """The participant's own sandbox and its client's secret; mode 0600."""
        return self.state / "sandbox.json"

    @property
    def learner(self) -> Path:
        """The virtual environment that participants' programs run in; the set-up makes it in the clone."""
        return self.root / ".lab" / "learner"


def read(environment: Mapping[str, str]) -> Settings:
    """Reads what `Settings` names: `LAB_MODE`, `LAB_PORT_BASE`, `LAB_LANG`, `LAB_HOME`, and more for containers.

    Raises:
        WrongUsageError: when one of them has a value that the lab does not know.
    """
    mode = environment.get("LAB_MODE") or None
    if mode not in {None, *MODES}:
        raise WrongUsageError(
            _("LAB_MODE is {mode}, which this lab does not know.", mode=str(mode)),
            _("Unset LAB_MODE, or set it to: {modes}.", modes=", ".join(MODES)),
        )
    return Settings(
        root=ROOT,
        home=Path(environment["LAB_HOME"]).resolve() if environment.get("LAB_HOME") else ROOT,
        port_base=_port_base(environment.get("LAB_PORT_BASE", "")),
        language=language(environment),
        passed_on={name: value for name, value in environment.items() if name.upper() in _PASSED_ON},
        run_folders=(environment.get("XDG_RUNTIME_DIR", ""),),
        mode=mode,
        engine={name: value for name, value in environment.items() if name in _ENGINE and value},
        version=environment.get("LAB_VERSION") or None,
        bind=environment.get("LAB_BIND") or None,
        replicas=_replicas(environment.get("LAB_REPLICAS", "")),
        address=environment.get("LAB_ADDRESS", ""),
    )


def language(environment: Mapping[str, str]) -> Language:
    """Reads `LAB_LANG`, Indonesian where it is not set.

    Raises:
        WrongUsageError: when it names another language than `id` and `en`.
    """
    known: dict[str, Literal["id", "en"]] = {"": "id", "id": "id", "en": "en"}
    given = environment.get("LAB_LANG", "")
    if given not in known:
        raise WrongUsageError(
            _("LAB_LANG is {language}, which this lab does not speak.", language=given),
            _("Set LAB_LANG to id or en."),
        )
    return known[given]


def _port_base(given: str) -> int | None:
    if not given:
        return None
    if given.isascii() and given.isdigit() and LOWEST_PORT_BASE <= int(given) <= HIGHEST_PORT_BASE:
        return int(given)
    raise WrongUsageError(
        _("LAB_PORT_BASE is {given}, which is not a port number that can be used.", given=given),
        _("Set it to a number from {low} to {high}, such as 8200.", low=LOWEST_PORT_BASE, high=HIGHEST_PORT_BASE),
    )


def _replicas(given: str) -> int | None:
    if not given:
        return None
    if given.isascii() and given.isdigit() and 1 <= int(given) <= MOST_REPLICAS:
        return int(given)
    raise WrongUsageError(
        _("LAB_REPLICAS is {given}, which is no number of replicas that an agency can have.", given=given),
        _("Set it to a number from {low} to {high}, such as 2.", low=1, high=MOST_REPLICAS),
    )
