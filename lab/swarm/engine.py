"""The Swarm that an engine belongs to: its machines, a lab's services and tasks, and how a stack is deployed."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from lab.docker import words as docker_words
from lab.docker.engine import Engine
from lab.settings import Settings
from lab.swarm import words
from lab.swarm.stackfile import DATABASE_LABEL

NAMESPACE = "com.docker.stack.namespace"
_SERVICE_NAME = "Name"
_FAILED = frozenset({"failed", "rejected", "orphaned"})
_CPU = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the Swarm.

    Attributes:
        id: of Swarm.
        name: its host name.
        ready: it answers its manager.
        active: it takes new tasks.
        cpus: its processors.
        holds_database: it has the label of the machine that keeps the database.
    """

    id: str
    name: str
    ready: bool
    active: bool
    cpus: int
    holds_database: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One try to run one container of a service.

    Attributes:
        service: its service's identifier.
        slot: its number in the service; 0 for services that run everywhere, and for a job's first task.
        node: the identifier of its machine; empty where it has none yet.
        state: what Swarm says, such as `running`.
        wanted: what Swarm aims at, such as `shutdown` for a task that has a successor.
        error: why it does not run; empty where nothing is wrong.
        made_at: when, as Swarm writes it; comparable.
    """

    service: str
    slot: int
    node: str
    state: str
    wanted: str
    error: str
    made_at: str

    @property
    def has_failed(self) -> bool:
        """Whether it ended, or never began, because something is wrong."""
        return self.state in _FAILED


class Swarm:
    """The Swarm of an engine, seen from a manager."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Describes it; touches nothing."""
        self._engine = engine
        self._settings = settings

    @property
    def client(self) -> Any:  # noqa: ANN401 - the package has no types
        """The `docker` package's own client."""
        return self._engine.client

    def join(self) -> bool:
        """Makes sure that this machine is a manager, beginning a Swarm where it is in none; returns whether it did.

        Raises:
            LabFailedError: it is a worker, or no Swarm can be begun.
        """
        if self.is_joined():
            return False
        try:
            self.client.swarm.init(advertise_addr=self._settings.address or None)
        except APIError as error:
            raise words.no_address(str(error.explanation or error)) from error
        return True

    def is_joined(self) -> bool:
        """Tells whether this machine is a manager; False where it is in no Swarm.

        Raises:
            LabFailedError: it is a worker, or has lost its Swarm.
        """
        with worded():
            state = self.client.info()["Swarm"]
        if state["LocalNodeState"] == "inactive":
            return False
        if state["LocalNodeState"] != "active":
            raise words.locked()
        if not state["ControlAvailable"]:
            raise words.not_a_manager(one["Addr"] for one in state.get("RemoteManagers") or ())
        return True

    def keep_database(self) -> None:
        """Has this machine keep the database, if none does yet."""
        nodes = self.nodes()
        if not any(node.holds_database for node in nodes):
            with worded():
                own = self.client.nodes.get(self.client.info()["Swarm"]["NodeID"])
                spec = own.attrs["Spec"]
                own.update({**spec, "Labels": {**spec.get("Labels", {}), DATABASE_LABEL: "true"}})

    def nodes(self) -> list[Node]:
        """Returns the machines."""
        with worded():
            return [_node(one.attrs) for one in self.client.nodes.list()]

    def services(self, **labels: str) -> dict[str, str]:
        """Returns the names of services with all these labels, by identifier; a `.` in a label is written `__`."""
        wanted = [f"{key.replace('__', '.')}={value}" for key, value in labels.items()]
        with worded():
            found = self.client.api.services(filters={"label": wanted})
        return {one["ID"]: one["Spec"][_SERVICE_NAME] for one in found}

    def of_stack(self, stack: str) -> dict[str, str]:
        """Returns the names of a stack's services without the stack's own, by identifier."""
        found = self.services(com__docker__stack__namespace=stack)
        return {key: name.removeprefix(f"{stack}_") for key, name in found.items()}

    def tasks(self, services: Sequence[str]) -> list[Task]:
        """Returns the tasks of services, whose identifiers are given, the newest last."""
        if not services:
            return []
        with worded():
            found = self.client.api.tasks(filters={"service": list(services)})
        return sorted((_task(one) for one in found), key=lambda task: task.made_at)

    def deploy(self, stack: str, spec: Mapping[str, Any]) -> None:
        """Deploys a stack, which only the command line offers; what is there already is brought up to date.

        Raises:
            LabFailedError: it was refused.
        """
        command = ["stack", "deploy", "--resolve-image", "never", "--prune", "--compose-file", "-", stack]
        done = self._docker(command, json.dumps(spec))
        if done.returncode != 0:
            raise words.deploy_failed(done.stderr)

    def remove_stack(self, stack: str) -> str:
        """Begins to remove a stack, but for volumes, in which everything is kept; returns what Docker complains of."""
        done = self._docker(["stack", "rm", stack])
        return done.stderr if done.returncode != 0 else ""

    def knows(self, network: str) -> bool:
        """Tells whether a network is there; this machine goes on naming one that is gone while a task was in it."""
        with worded():
            try:
                self.client.api.inspect_network(network, scope="swarm")
            except NotFound:
                return False
        return True

    def remove(self, service: str) -> None:
        """Removes a service with all its tasks, if it is there."""
        with worded(), contextlib.suppress(NotFound):
            self.client.api.remove_service(service)

    def _docker(self, arguments: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
        docker = shutil.which("docker", path=self._settings.passed_on.get("PATH"))
        if docker is None:
            raise docker_words.engine_missing()
        return subprocess.run(  # noqa: S603 - the docker command, found in the PATH
            [docker, *arguments],
            env={**self._settings.passed_on, **self._engine.variables},
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


@contextlib.contextmanager
def worded() -> Iterator[None]:
    """Turns what the engine refuses into words for people."""
    try:
        yield
    except (DockerException, RequestException) as error:
        explained = str(error.explanation or error) if isinstance(error, APIError) else str(error)
        raise docker_words.engine_failed(explained) from error


def _node(facts: Mapping[str, Any]) -> Node:
    spec = facts["Spec"]
    return Node(
        id=facts["ID"],
        name=facts["Description"].get("Hostname", "?"),
        ready=facts["Status"]["State"] == "ready",
        active=spec["Availability"] == "active",
        cpus=max(1, int(facts["Description"].get("Resources", {}).get("NanoCPUs", _CPU)) // _CPU),
        holds_database=spec.get("Labels", {}).get(DATABASE_LABEL) == "true",
    )


def _task(facts: Mapping[str, Any]) -> Task:
    status = facts["Status"]
    return Task(
        service=facts["ServiceID"],
        slot=int(facts.get("Slot", 0)),
        node=facts.get("NodeID", ""),
        state=status["State"],
        wanted=facts["DesiredState"],
        error=status.get("Err", ""),
        made_at=facts["CreatedAt"],
    )
