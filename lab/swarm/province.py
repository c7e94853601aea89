"""The lab on a Swarm: found, started, stopped. See `lab.running` for what commands ask of it."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from grader.backdoor import Backdoor, BackdoorUnreachableError
from grader.language import Text, catalogue
from lab.agencies import agencies, fingerprint
from lab.docker import images, keys
from lab.docker.compose import PORTS, Compose
from lab.docker.engine import Engine
from lab.docker.town import project
from lab.docker.words import EngineAwayError, left_behind
from lab.outcomes import LabFailedError, WrongUsageError
from lab.ports import is_ready
from lab.running import Begun, Condition, Part, Started
from lab.settings import DEFAULT_PORT_BASE, DEFAULT_VERSION, SWARM, Settings
from lab.swarm import servicelog, words
from lab.swarm.desk import Desk
from lab.swarm.engine import NAMESPACE, Swarm, Task, worded
from lab.swarm.jobs import GRADER, clear
from lab.swarm.record import SwarmRecord
from lab.swarm.stackfile import Wishes, stack
from lab.turn import alone

_ = catalogue(__file__)

DEFAULT_REPLICAS = 2
READY_TIMEOUT_SECONDS = 300.0
GONE_TIMEOUT_SECONDS = 120.0
LOCK_TIMEOUT_SECONDS = 1800.0
_POLL_SECONDS = 0.5
_ALIVE = {"starting", "running"}
"""In Swarm's words a container that runs is starting until it has said that it is well."""
_TRIES = 3
_LOG_LINES_SHOWN = 8
_FIRST_PORT = 8100
_LEAST_CONNECTIONS = 128
_CONNECTIONS = 10
"""That one process of an agency may have with the database, with the locks of its sandboxes' homes."""
_FILES = (
    "docker-compose.yml", "Dockerfile", "deploy/gateway/haproxy.cfg", "deploy/swarm/gateway.cfg",
    "deploy/swarm/desk.cfg",
)  # fmt: skip


class Province:
    """The stack of one lab, and its desk."""

    def __init__(self, settings: Settings, say: Callable[[Text | str], None]) -> None:
        """Describes the stack of the lab of `settings`; touches nothing.

        Args:
            settings: of the lab.
            say: is told what is being done.
        """
        self._settings = settings
        self._say = say
        self._stack = project(settings)
        self._file = settings.state / "lab.json"

    def condition(self) -> Condition:
        """Tells how the stack is, by asking Swarm."""
        if self.record() is None:
            return Condition.STOPPED
        with self._swarm() as swarm:
            services = swarm.of_stack(self._stack)
            tasks = swarm.tasks(list(services))
        running = {services[task.service] for task in tasks if task.state in _ALIVE}
        wanted = {agency.name for agency in agencies(self._settings.root)} | {"gateway", "postgres"}
        return Condition.RUNNING if wanted <= running else Condition.CRASHED

    def record(self) -> SwarmRecord | None:
        """Returns how to reach the lab that was started last, whether it still runs or not."""
        return SwarmRecord.read(self._file)

    def start(self, on_progress: Callable[[int, int], None], on_wait: Callable[[], None]) -> Started:
        """Makes sure that the stack runs, of the present code, and that every agency is ready.

        Raises:
            LabFailedError: something is lacking, or did not start.
        """
        there = self.record()
        if there is not None and self._is_current(there):
            return Started(there, Begun.ALREADY)
        self._settings.state.mkdir(parents=True, exist_ok=True)
        with alone(self._settings, LOCK_TIMEOUT_SECONDS, on_wait), self._engine() as engine:
            return self._start(engine, on_progress)

    def stop(self, on_wait: Callable[[], None]) -> bool | Text:
        """Removes the stack if it is there; returns whether it was. Volumes, in which everything is kept, stay.

        Where a lab was started and there is no engine or Swarm any more, the lab is forgotten, and what is left to do
        returned.

        Raises:
            LabFailedError: another command does not let go of the lab, or the engine fails.
        """
        if not self._settings.state.is_dir():
            return False
        with alone(self._settings, LOCK_TIMEOUT_SECONDS, on_wait):
            try:
                engine = self._engine()
            except EngineAwayError:
                if not self._file.exists():
                    raise
                self._file.unlink()
                return left_behind(SWARM)
            with engine:
                return self._stop(Swarm(engine, self._settings))

    def _stop(self, swarm: Swarm) -> bool | Text:
        if not swarm.is_joined():
            Desk(swarm, self._stack).stop()
            there = self._file.exists()
            self._file.unlink(missing_ok=True)
            return words.stack_left_behind(self._stack) if there else False
        there = bool(swarm.of_stack(self._stack))
        clear(swarm, self._stack)
        Desk(swarm, self._stack).stop()
        if there:
            self._remove(swarm)
        self._file.unlink(missing_ok=True)
        return there

    def log_tail(self) -> str:
        """Returns the last lines that the services wrote."""
        try:
            return "\n".join(list(self.log_lines(None, lines=_LOG_LINES_SHOWN, follow=False))[-_LOG_LINES_SHOWN:])
        except LabFailedError:
            return ""

    def log_place(self) -> str:
        """Returns the command that shows the log."""
        return "lab logs"

    def log_lines(self, service: str | None, *, lines: int, follow: bool) -> Iterator[str]:
        """Gives the last lines of each service, wherever it runs; to follow, all new ones. See `Running.log_lines`.

        Raises:
            WrongUsageError: there is no such service.
        """
        with self._swarm() as swarm:
            found = swarm.of_stack(self._stack)
            if service is not None and service not in found.values():
                raise WrongUsageError(
                    _("The lab has no service {name}.", name=service),
                    _("These are there: {names}", names=", ".join(sorted(found.values())) or "-"),
                )
            chosen = {key: name for key, name in found.items() if service in {None, name}}
            yield from servicelog.lines(swarm, chosen, lines=lines, follow=follow)

    def parts(self) -> list[Part]:
        """Returns the tasks that are to run, with the machine of each."""
        with self._swarm() as swarm:
            services, nodes = swarm.of_stack(self._stack), {node.id: node.name for node in swarm.nodes()}
            tasks = swarm.tasks(list(services))
        found = [task for task in tasks if task.wanted in {"running", "ready"}]
        parts = [_part(task, services[task.service], nodes.get(task.node, "-"), tasks) for task in found]
        return sorted(parts, key=lambda part: part.name)

    def _start(self, engine: Engine, on_progress: Callable[[int, int], None]) -> Started:
        there = self.record()
        settings = self._settled(there)
        swarm = Swarm(engine, settings)
        if swarm.join():
            self._say(_("This machine is a Swarm now. Others join it with: docker swarm join-token worker"))
        swarm.keep_database()
        port_base = settings.port_base or (there.port_base if there else DEFAULT_PORT_BASE)
        keys.require(settings, engine, self._stack, SWARM)
        compose = self._compose(settings, port_base, keys.make(settings), engine)
        compose.require()
        config = compose.config()
        found = self._images(settings, engine, {str(service["image"]) for service in config["services"].values()})
        ran = bool(swarm.of_stack(self._stack))
        self._say(_("Deploying the lab to the Swarm …"))
        swarm.deploy(self._stack, stack(config, self._wishes(settings, found), _digest))
        run = Desk(swarm, self._stack).start(settings, found[config["services"]["gateway"]["image"]], port_base)
        record = self._new_record(settings, port_base, run, found, engine)
        record.write(self._file)
        self._wait(swarm, record, on_progress)
        if not ran:
            return Started(record, Begun.STARTED)
        same = there is not None and there.fingerprint == record.fingerprint and there.port_base == port_base
        return Started(record, Begun.MENDED if same else Begun.RENEWED)

    def _images(self, settings: Settings, engine: Engine, named: set[str]) -> dict[str, str]:
        """Makes sure that all images are on this machine; returns their identifiers by name.

        By its identifier an image is the same one on every node, and no node asks a registry for it.
        """
        targets = (*images.TARGETS, GRADER)
        ours = {images.name(target, settings.version) for target in targets}
        images.ensure(settings, engine, sorted(named - ours), self._say, targets)
        with worded():
            return {name: str(engine.client.images.get(name).id) for name in sorted(named | ours)}

    def _wishes(self, settings: Settings, found: dict[str, str]) -> Wishes:
        return Wishes(
            ports=range(_FIRST_PORT, _FIRST_PORT + PORTS),
            replicas=_replicas(settings),
            agencies=[agency.name for agency in agencies(settings.root)],
            images=found,
            desk_config=settings.root / "deploy/swarm/gateway.cfg",
        )

    def _new_record(
        self, settings: Settings, port_base: int, run: Path, found: dict[str, str], engine: Engine
    ) -> SwarmRecord:
        served = agencies(settings.root)
        return SwarmRecord(
            stack=self._stack,
            port_base=port_base,
            fingerprint=_fingerprint(settings),
            services={agency.name: agency.url(port_base) for agency in served},
            offsets={agency.name: agency.port_offset for agency in served},
            secrets=keys.folder(settings),
            run=run,
            images=found,
            engine=engine.variables,
            version=settings.version or DEFAULT_VERSION,
            replicas=_replicas(settings),
        )

    def _wait(self, swarm: Swarm, record: SwarmRecord, on_progress: Callable[[int, int], None]) -> None:
        """Waits until every agency is ready, and its back door can be reached.

        Raises:
            LabFailedError: a task cannot run, or it takes too long.
        """
        pause, deadline = threading.Event(), time.monotonic() + READY_TIMEOUT_SECONDS
        total = len(record.services)
        while (ready := sum(map(is_ready, record.services.values()))) < total or not _answers(record):
            on_progress(ready, total)
            self._refuse_hopeless(swarm)
            if time.monotonic() > deadline:
                down = [node.name for node in swarm.nodes() if not node.ready]
                raise words.not_ready(int(READY_TIMEOUT_SECONDS), down)
            pause.wait(_POLL_SECONDS)

    def _refuse_hopeless(self, swarm: Swarm) -> None:
        """Gives up on a service that was tried often enough, with what Swarm says of it."""
        services = swarm.of_stack(self._stack)
        nodes = {node.id: node.name for node in swarm.nodes()}
        bad = [task for task in swarm.tasks(list(services)) if task.error]
        for key, name in services.items():
            failures = [task for task in bad if task.service == key and (task.has_failed or not task.node)]
            if len(failures) >= _TRIES or any(task.state == "pending" for task in failures):
                last = failures[-1]
                raise words.task_failed(name, nodes.get(last.node, ""), last.error)

    def _remove(self, swarm: Swarm) -> None:
        """Removes the stack, and waits until its tasks and networks are gone: then it may be deployed anew.

        Raises:
            LabFailedError: something of it stays.
        """
        pause, deadline = threading.Event(), time.monotonic() + GONE_TIMEOUT_SECONDS
        label = f"{NAMESPACE}={self._stack}"
        said = ""
        while time.monotonic() < deadline:
            said = swarm.remove_stack(self._stack)  # again, because a network stays as long as a task is in it
            with worded():
                networks = [
                    one for one in swarm.client.api.networks(filters={"label": label}) if swarm.knows(one["Id"])
                ]
                containers = swarm.client.api.containers(all=True, filters={"label": label})
            if not networks and not containers:
                return
            pause.wait(_POLL_SECONDS)
        raise words.remove_failed(said)

    def _is_current(self, record: SwarmRecord) -> bool:
        """Tells whether all agencies of the record are ready, with the present code, on the wanted ports."""
        wanted = self._settings.port_base or record.port_base
        same = record.port_base == wanted and record.fingerprint == _fingerprint(self._settled(record))
        return same and all(map(is_ready, record.services.values())) and _answers(record)

    def _settled(self, record: SwarmRecord | None) -> Settings:
        return record.filled(self._settings) if record else self._settings

    def _compose(self, settings: Settings, port_base: int, secrets: Path, engine: Engine) -> Compose:
        connections = _CONNECTIONS * _replicas(settings) * len(agencies(settings.root)) + _CONNECTIONS
        also = {"LAB_DATABASE_MAX_CONNECTIONS": str(max(connections, _LEAST_CONNECTIONS))}
        return Compose(settings, self._stack, port_base, secrets, engine.variables, also)

    def _engine(self) -> Engine:
        return Engine(self._settings)

    @contextlib.contextmanager
    def _swarm(self) -> Iterator[Swarm]:
        with self._engine() as engine:
            yield Swarm(engine, self._settings)


def _fingerprint(settings: Settings) -> str:
    """Returns a text that changes with the code, the exercises, the stack's files, the images' tag and the replicas."""
    root = settings.root
    times = [str((root / name).stat().st_mtime_ns) for name in _FILES]
    newest = max(file.stat().st_mtime_ns for file in (root / "lab/swarm").rglob("*.py"))
    # A grading job refuses an exercise that is not the one in its image, so everything in that counts.
    job = images.sources(root, GRADER)
    version = settings.version or DEFAULT_VERSION
    return " ".join([fingerprint(root), *times, str(newest), job, version, str(_replicas(settings))])


def _replicas(settings: Settings) -> int:
    return settings.replicas or DEFAULT_REPLICAS


def _answers(record: SwarmRecord) -> bool:
    """Tells whether every back door can be reached, which is to say: the desk is there."""
    try:
        token = record.token()
        doors = [Backdoor(record.backdoor(service), token) for service in record.services]
    except OSError:
        return False
    try:
        return all(door.call("GET", "/_lab").status == 200 for door in doors)
    except BackdoorUnreachableError:
        return False
    finally:
        for door in doors:
            door.close()


def _part(task: Task, service: str, node: str, tasks: Sequence[Task]) -> Part:
    where = f"{service}.{task.slot}@{node}" if task.slot else f"{service}@{node}"
    same = [one for one in tasks if (one.service, one.slot) == (task.service, task.slot)]
    restarts = sum(one.has_failed for one in same if task.slot or one.node == task.node)
    return Part(where, task.state, restarts, None)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
