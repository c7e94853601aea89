"""The lab in containers: found, started, stopped. See `lab.running` for what commands ask of it."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from grader.language import Text, catalogue
from lab.agencies import agencies, fingerprint
from lab.docker import keys, words
from lab.docker.compose import CONTROL, Compose
from lab.docker.record import ContainersRecord
from lab.outcomes import LabFailedError, WrongUsageError
from lab.ports import is_free, is_ready
from lab.running import Begun, Condition, Part, Started
from lab.settings import DEFAULT_BIND, DEFAULT_PORT_BASE, DEFAULT_VERSION, DOCKER, Settings
from lab.turn import alone

if TYPE_CHECKING:
    from docker.models.containers import Container

    from lab.docker.engine import Engine

_ = catalogue(__file__)

LOCK_TIMEOUT_SECONDS = 1800.0
READY_TIMEOUT_SECONDS = 60.0
_LOG_LINES_SHOWN = 8
_POLL_SECONDS = 0.1
_PROJECT_LETTERS = 8


def project(settings: Settings) -> str:
    """Returns what Compose calls the lab of `settings`: one name for each folder, so that labs stay apart."""
    return "spbe-lab-" + hashlib.sha256(str(settings.home).encode()).hexdigest()[:_PROJECT_LETTERS]


class Town:
    """The containers of one lab."""

    def __init__(self, settings: Settings, say: Callable[[Text | str], None]) -> None:
        """Describes the containers of the lab of `settings`; touches nothing.

        Args:
            settings: of the lab.
            say: is told what is being done.
        """
        self._settings = settings
        self._say = say
        self._project = project(settings)
        self._file = settings.state / "lab.json"

    def condition(self) -> Condition:
        """Tells how the containers are, by asking the engine."""
        if self.record() is None:
            return Condition.STOPPED
        with self._engine() as engine:
            found = engine.containers(self._begun)
        wanted = {agency.name for agency in agencies(self._settings.root)} | {"gateway", "postgres"}
        running = {name for name, one in found.items() if one.status == "running"}
        return Condition.RUNNING if wanted <= running else Condition.CRASHED

    def record(self) -> ContainersRecord | None:
        """Returns how to reach the lab that was started last, whether it still runs or not."""
        return ContainersRecord.read(self._file)

    def start(self, on_progress: Callable[[int, int], None], on_wait: Callable[[], None]) -> Started:
        """Makes sure that the containers run, of the present code, and that every agency is ready.

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
        """Stops the containers if there are any; returns whether there were.

        Where a lab was started and there is no engine any more, the lab is forgotten, and what is left to do returned.

        Raises:
            LabFailedError: another command does not let go of the lab, or the engine fails.
        """
        if not self._settings.state.is_dir():
            return False
        with alone(self._settings, LOCK_TIMEOUT_SECONDS, on_wait):
            try:
                engine = self._engine()
            except words.EngineAwayError:
                if not self._file.exists():
                    raise
                self._file.unlink()
                return words.left_behind(DOCKER)
            with engine:
                there = bool(engine.containers(self._begun))
                if there:
                    record = self.record()
                    port_base = record.port_base if record else DEFAULT_PORT_BASE
                    self._compose(self._settled(record), engine, port_base, self._begun).down()
                self._file.unlink(missing_ok=True)
                return there

    def log_tail(self) -> str:
        """Returns the last lines that the containers wrote."""
        try:
            return "\n".join(list(self.log_lines(None, lines=_LOG_LINES_SHOWN, follow=False))[-_LOG_LINES_SHOWN:])
        except LabFailedError:
            return ""

    def log_place(self) -> str:
        """Returns the command that shows the log."""
        return "lab logs"

    def log_lines(self, service: str | None, *, lines: int, follow: bool) -> Iterator[str]:
        """Gives the last lines of each container, and to follow all new ones. See `Running.log_lines`.

        Raises:
            WrongUsageError: there is no such container.
        """
        with self._engine() as engine:
            found = engine.containers(self._begun)
            if service is not None and service not in found:
                raise WrongUsageError(
                    _("The lab has no container {name}.", name=service),
                    _("These are there: {names}", names=", ".join(sorted(found)) or "-"),
                )
            chosen = {name: one for name, one in found.items() if service in {None, name}}
            yield from _followed(chosen, lines) if follow else _last(chosen, lines)

    def parts(self) -> list[Part]:
        """Returns the containers."""
        with self._engine() as engine:
            return engine.parts(self._begun)

    def _start(self, engine: "Engine", on_progress: Callable[[int, int], None]) -> Started:
        from lab.docker import images  # noqa: PLC0415 - a lab that runs already does without

        there = self.record()
        settings = self._settled(there)
        running = engine.containers(self._project)
        port_base = settings.port_base or (there.port_base if there else DEFAULT_PORT_BASE)
        compose = self._compose(settings, engine, port_base, self._project)
        compose.require()
        keys.require(settings, engine, self._project, DOCKER)
        record = self._new_record(settings, port_base, keys.make(settings), engine)
        ours = {images.name(target, settings.version) for target in images.TARGETS}
        images.ensure(settings, engine, [one for one in compose.images() if one not in ours], self._say)
        if self._begun != self._project:  # the containers of the place that it was moved from have its ports
            self._compose(settings, engine, port_base, self._begun).down()
        self._refuse_taken_ports(engine, port_base, are_ours=bool(running) and there == record)
        record.write(self._file)
        names = [agency.name for agency in agencies(self._settings.root)]
        on_progress(0, len(names))
        compose.up(lambda: on_progress(_healthy(engine, self._project, names), len(names)))
        self._wait(record)
        if not running:
            return Started(record, Begun.STARTED)
        return Started(record, Begun.MENDED if there == record else Begun.RENEWED)

    def _wait(self, record: ContainersRecord) -> None:
        """Waits until the gateway lets calls through, which it does a moment after the agencies are well."""
        deadline, pause = time.monotonic() + READY_TIMEOUT_SECONDS, threading.Event()
        while not all(is_ready(url) for url in record.services.values()):
            if time.monotonic() > deadline:
                raise LabFailedError(
                    _("The agencies were not ready after {seconds} seconds.", seconds=int(READY_TIMEOUT_SECONDS)),
                    _("Look at the log with: lab logs, then run: make doctor"),
                    self.log_tail(),
                )
            pause.wait(_POLL_SECONDS)

    def _new_record(self, settings: Settings, port_base: int, secrets: Path, engine: "Engine") -> ContainersRecord:
        return ContainersRecord.of(
            settings,
            project=self._project,
            port_base=port_base,
            fingerprint=self._fingerprint(settings),
            secrets=secrets,
            engine=engine.variables,
        )

    def _is_current(self, record: ContainersRecord) -> bool:
        """Tells whether all agencies of the record are ready, with the present code, on the wanted ports.

        A lab that was started before its folder was moved is not this one, and has its secrets where it was.
        """
        if record.project != self._project or not (record.secrets / keys.TOKEN).exists():
            return False
        wanted = self._settings.port_base or record.port_base
        same = record.port_base == wanted and record.fingerprint == self._fingerprint(self._settled(record))
        return same and all(is_ready(url) for url in record.services.values())

    @property
    def _begun(self) -> str:
        """What Compose calls the lab that was started last: not its name of now where the folder was moved since.

        Where the folder is a copy, so that the secrets are still where they were, the record is of the other one's lab.
        """
        record = self.record()
        return record.project if record and not record.secrets.exists() else self._project

    def _settled(self, record: ContainersRecord | None) -> Settings:
        return record.filled(self._settings) if record else self._settings

    def _fingerprint(self, settings: Settings) -> str:
        """Returns a text that changes with the code, the compose file, the images' tag and the address."""
        root = settings.root
        files = ("docker-compose.yml", "Dockerfile", "deploy/gateway/haproxy.cfg")
        times = [str((root / name).stat().st_mtime_ns) for name in files]
        keeper = max(file.stat().st_mtime_ns for file in (root / "grader/isolation/keeper").glob("*.py"))
        version, bind = settings.version or DEFAULT_VERSION, settings.bind or DEFAULT_BIND
        return " ".join([fingerprint(root), *times, str(keeper), version, bind])

    def _refuse_taken_ports(self, engine: "Engine", port_base: int, *, are_ours: bool) -> None:
        if are_ours:
            return
        own = {binding for one in engine.containers(self._project).values() for binding in _published(one)}
        offsets = [agency.port_offset for agency in agencies(self._settings.root)]
        for port in [port_base + offset + control for control in (0, CONTROL) for offset in offsets]:
            if port not in own and not is_free(port):
                raise words.port_taken(port, engine.publisher(port))

    def _compose(self, settings: Settings, engine: "Engine", port_base: int, of: str) -> Compose:
        return Compose(settings, of, port_base, keys.folder(settings), engine.variables)

    def _engine(self) -> "Engine":
        from lab.docker.engine import Engine  # noqa: PLC0415 - a lab that runs already does without it

        return Engine(self._settings)


def _healthy(engine: "Engine", of: str, names: list[str]) -> int:
    found = engine.containers(of)
    return sum(found[name].health == "healthy" for name in names if name in found)


def _published(container: "Container") -> Iterator[int]:
    for bindings in container.ports.values():
        for binding in bindings or ():
            yield int(binding["HostPort"])


def _last(containers: "dict[str, Container]", lines: int) -> Iterator[str]:
    stamped = [
        (*line.split(" ", 1), name)
        for name, one in containers.items()
        for line in one.logs(tail=lines, timestamps=True).decode("utf-8", "replace").splitlines()
    ]
    for _stamp, text, name in sorted(one for one in stamped if len(one) == 3):
        yield f"{name} | {text}"


def _followed(containers: "dict[str, Container]", lines: int) -> Iterator[str]:
    """Gives the containers' lines as they come, until every container has ended."""
    said: SimpleQueue[str | None] = SimpleQueue()

    def listen(name: str, container: "Container") -> None:
        for piece in container.logs(stream=True, follow=True, tail=lines):
            for line in piece.decode("utf-8", "replace").splitlines():
                said.put(f"{name} | {line}")
        said.put(None)

    for name, container in containers.items():
        threading.Thread(target=listen, args=(name, container), daemon=True).start()
    left = len(containers)
    while left:
        line = said.get()
        if line is None:
            left -= 1
        else:
            yield line
