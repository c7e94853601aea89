"""The container engine as the rung `container` uses it: one container for one run, and what is left of killed graders.

The only module of the grader that knows the `docker` package, which takes a quarter of a second to load and is
therefore loaded where the first container is wanted.
"""

import contextlib
import secrets
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from grader.isolation.contract import IsolationFailed, Limits
from grader.language import catalogue

if TYPE_CHECKING:
    from docker import APIClient

_ = catalogue(__file__)

KEEPER = ("/opt/learner/bin/python", "-I", "-S", "/opt/keeper/grader/isolation/keeper/__main__.py", "contained")
"""The keeper in the image of learners' programs, started by the interpreter that these get."""

FOLDER, TEMPORARY, SHARED_MEMORY, GATES = "/submission", "/tmp", "/dev/shm", "/run/gates"  # noqa: S108 - the container's own
LABEL = "spbe-lab.learner"
_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"

_MARGIN = 64 << 20
"""Bytes beyond a limit at which the kernel steps in: by then the keeper has looked, and can say what it was."""
_INODES = 300_000
_CPU = 1_000_000_000
_USERS = range(61184, 65520)
"""Users without a name that distributions leave to whoever needs one for a moment."""
_PATIENCE = 60.0
"""Seconds that the engine may take for anything, on the slowest machine in its worst moment."""
_STALE_SECONDS = 120.0
_HEADER = struct.Struct(">BxxxL")
_STDOUT = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where programs run in containers.

    Attributes:
        image: with an interpreter, its packages and the keeper, and nothing else of the lab.
        gates: the volume, or the folder of this machine, that holds the agencies' socket files.
        sockets: by port of 127.0.0.1 as the program sees it, the name of the agency's socket file.
        project: of Compose, whose gateway stands between; empty where there is none to look at.
        engine: the environment variables that say where the engine is, as the docker command line knows them.
    """

    image: str
    gates: str
    sockets: Mapping[int, str]
    project: str = ""
    engine: Mapping[str, str] = field(default_factory=dict)


def knock(host: str) -> None:
    """Connect with the socket of an engine, if it has one: the package leaves its own open where that fails.

    Args:
        host: as in `DOCKER_HOST`.

    Raises:
        OSError: nobody is there.
    """
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(host.removeprefix("unix://"))


class Cell:
    """One running container, whose keeper has said hello and waits for its order."""

    def __init__(self, engine: "Engine", name: str, attached: Any) -> None:  # noqa: ANN401 - the package does not say
        self._engine, self._name, self._attached = engine, name, attached
        self._line: socket.socket = getattr(attached, "_sock", attached)
        self._said = bytearray()
        self._complaint = bytearray()
        self._deadline = time.monotonic() + _PATIENCE
        self.hello = self._hear_hello()

    def ask(self, order: bytes, seconds: float) -> bytes:
        """Give the keeper its order and return its answer, empty where it died over it.

        Args:
            order: as the keeper reads it.
            seconds: that the program may take.
        """
        self._deadline = time.monotonic() + seconds + _PATIENCE
        self._line.settimeout(_PATIENCE)
        with contextlib.suppress(OSError):
            self._line.sendall(order)
            while self._listen():
                continue
        return bytes(self._said)

    @property
    def complaint(self) -> str:
        """What the keeper wrote to standard error: nothing, unless it failed."""
        return self._complaint.decode(errors="replace")[-2000:]

    def close(self) -> None:
        """End the container, if it has not ended: the end of its input makes the keeper stop everything."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._attached.close()
        self._line.close()

    def kill(self) -> None:
        """End the container at once."""
        self.close()
        self._engine.remove(self._name)

    def _hear_hello(self) -> dict[str, str]:
        while b"\n\n" not in self._said:
            if not self._listen():
                break
        head, _separator, rest = bytes(self._said).partition(b"\n\n")
        self._said[:] = rest
        return dict(line.split("=", 1) for line in head.decode(errors="replace").splitlines() if "=" in line)

    def _listen(self) -> bool:
        """Take one frame of what the container says; say whether there was one."""
        header = self._take(_HEADER.size)
        if len(header) < _HEADER.size:
            return False
        kind, length = _HEADER.unpack(header)
        (self._said if kind == _STDOUT else self._complaint).extend(self._take(length))
        return True

    def _take(self, length: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < length:
            self._line.settimeout(max(self._deadline - time.monotonic(), 0.001))
            piece = self._line.recv(length - len(pieces))
            if not piece:
                break
            pieces += piece
        return bytes(pieces)


class Engine:
    """The engine of a `Place`. Connects when it is first asked."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._client: APIClient | None = None

    def start(self, limits: Limits) -> Cell:
        """Start a container with the walls that are asked of this rung, and hear its keeper's hello.

        Raises:
            IsolationFailed: the engine could not do it.
        """
        from docker.errors import DockerException  # noqa: PLC0415 - see the module
        from requests.exceptions import RequestException  # noqa: PLC0415 - likewise

        name = f"spbe-lab-learner-{secrets.token_hex(6)}"
        try:
            client = self._connected()
            client.create_container(name=name, **self._order(client, limits))
            attached = client.attach_socket(name, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            client.start(name)
            return Cell(self, name, attached)
        except (DockerException, RequestException, OSError) as error:
            self.remove(name)
            raise IsolationFailed(
                _("The container for the program could not be started."), detail=str(error)
            ) from error

    def gateway_since(self) -> str:
        """Return since when the gateway before the agencies has been running; empty where there is none to look at.

        Raises:
            IsolationFailed: the engine does not say, or the gateway does not run.
        """
        if not self._place.project:
            return ""
        from docker.errors import DockerException  # noqa: PLC0415 - see the module
        from requests.exceptions import RequestException  # noqa: PLC0415 - likewise

        wanted = [f"{_PROJECT}={self._place.project}", f"{_SERVICE}=gateway"]
        try:
            client = self._connected()
            found = client.containers(filters={"label": wanted})
            return " ".join(sorted(client.inspect_container(one["Id"])["State"]["StartedAt"] for one in found))
        except (DockerException, RequestException, OSError) as error:
            raise IsolationFailed(_("The container engine does not answer."), detail=str(error)) from error

    def remove(self, name: str) -> None:
        """Remove a container, running or not, if it is there; what cannot be removed now is found by `sweep`."""
        from docker.errors import DockerException  # noqa: PLC0415 - see the module
        from requests.exceptions import RequestException  # noqa: PLC0415 - likewise

        with contextlib.suppress(DockerException, RequestException, OSError):
            self._connected().remove_container(name, force=True)

    def sweep(self) -> None:
        """Remove the containers that graders have made here and did not live to start; all others remove themselves."""
        from docker.errors import DockerException  # noqa: PLC0415 - see the module
        from requests.exceptions import RequestException  # noqa: PLC0415 - likewise

        with contextlib.suppress(DockerException, RequestException, OSError):
            filters = {"label": f"{LABEL}={self._place.project}", "status": ["created", "exited", "dead"]}
            for one in self._connected().containers(all=True, filters=filters):
                if datetime.now().astimezone().timestamp() - one["Created"] > _STALE_SECONDS:
                    self.remove(one["Id"])

    def close(self) -> None:
        """Close the connections with the engine."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> "APIClient":
        if self._client is None:
            from docker import APIClient  # noqa: PLC0415 - see the module
            from docker.utils import kwargs_from_env  # noqa: PLC0415 - likewise

            knock(self._place.engine.get("DOCKER_HOST", ""))
            where = kwargs_from_env(environment=dict(self._place.engine))
            self._client = APIClient(**where, version="auto", timeout=int(_PATIENCE))
        return self._client

    def _order(self, client: "APIClient", limits: Limits) -> dict[str, Any]:
        from docker.types import LogConfig  # noqa: PLC0415 - see the module

        user = _USERS[secrets.randbelow(len(_USERS))]
        room = limits.work_bytes + _MARGIN
        memory = limits.memory_bytes + limits.work_bytes + 4 * _MARGIN
        within = f"rw,exec,nosuid,nodev,size={room},nr_inodes={_INODES}"
        walls: dict[str, Any] = client.create_host_config(
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=2 * limits.processes + 16,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=_CPU,
            tmpfs={FOLDER: f"{within},mode=0700,uid={user},gid={user}", TEMPORARY: f"{within},mode=1777"},
            shm_size=room,
            binds={self._place.gates: {"bind": GATES, "mode": "ro"}},
            auto_remove=True,
            log_config=LogConfig(type=LogConfig.types.NONE),
        )
        return {
            "image": self._place.image,
            "entrypoint": list(KEEPER),
            "command": [],
            "user": f"{user}:{user}",
            "hostname": "lab",
            "stdin_open": True,
            "labels": {LABEL: self._place.project},
            "host_config": {**walls, "IpcMode": "private"},
        }
