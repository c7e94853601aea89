"""A group's submissions graded all over a Swarm: one task of a replicated job for each, spread by Swarm.

Swarm is the queue: a task's number is its submission's place in the list. Swarm repeats a task that fails; a task whose
machine is lost it leaves alone (tried with Docker 20.10), so those go into another job here. Whichever try brings a
result first counts, see `counter`.
"""

import base64
import contextlib
import io
import secrets
import time
import zipfile
from collections import Counter as Counts
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.errors import APIError
from docker.types import (
    ContainerSpec,
    DriverConfig,
    EndpointSpec,
    Mount,
    NetworkAttachmentConfig,
    Resources,
    RestartPolicy,
    SecretReference,
    ServiceMode,
    TaskTemplate,
)

from grader import filing
from grader.exercise import Exercise
from grader.isolation import workplace
from grader.language import catalogue, current_language
from grader.submissions import SubmissionRefused, take_in
from grader.workers import Said, Work
from lab.docker.engine import Engine
from lab.filelock import held
from lab.graders import lab_version
from lab.opening import Opened
from lab.ports import is_ready
from lab.session import Session
from lab.swarm import words
from lab.swarm.counter import Counter, Result, opened
from lab.swarm.engine import NAMESPACE, Swarm, Task, worded
from lab.swarm.record import SwarmRecord
from lab.swarm.stackfile import DESK, DESK_FOLDER, GATES, desk_options

_ = catalogue(__file__)

GRADER = "grader"
JOB_LABEL = "spbe-lab.grading"
ENTRY = ("python", "-m", "lab.swarm")
WAVE, NUMBER = "LAB_WAVE", "LAB_NUMBER"

_TEMPORARY = "/tmp"  # noqa: S108 - the container's own
_MIB = 1 << 20
_MEMORY, _WORK = 1024 * _MIB, 320 * _MIB
_CPU = 1_000_000_000
_TASKS = 400
"""What a learner may have (`Limits.processes`) twice over, and the grader's own threads."""
_TRIES = 3
_LOOK_SECONDS = 1.0
_STANDSTILL_SECONDS = 180.0
_MOVED = ""
"""Stands where a submission was whose task is in another job now."""
_LOCK_SECONDS = 12 * 3600.0
_GATES_OPTIONS = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=0755,uid=10001,gid=10001"}
_REPORT_BYTES = 32 * _MIB


def jobs(session: Session, lab: Opened) -> "Jobs":
    """Returns the jobs of a running lab.

    Raises:
        TypeError: that lab is on no Swarm.
    """
    if not isinstance(lab.record, SwarmRecord):
        raise TypeError(lab.record)
    return Jobs(session, lab.record)


class Jobs:
    """Grades submissions as tasks of replicated jobs. See `grader.workers.Workers`."""

    def __init__(self, session: Session, record: SwarmRecord) -> None:
        """Describes it; touches nothing.

        Args:
            session: of the command that asks.
            record: of the running lab.
        """
        self._session = session
        self._record = record

    def grade(self, exercise: Exercise, works: Sequence[Work]) -> Generator[tuple[Work, Said], None, None]:
        """Grades all of `works`, each once; gives them as they are done. Closed in between, it ends the tasks.

        Raises:
            LabFailedError: no machine of the Swarm can do it.
        """
        taken: list[Work] = []
        orders: dict[str, Mapping[str, Any]] = {}
        for work in works:
            try:
                orders[work.source.name] = self._order(exercise, work)
                taken.append(work)
            except SubmissionRefused as refusal:
                yield work, Said("refused", refusal.message.render(), refusal.code)
        if taken:
            with self._alone(), Engine(self._session.settings) as engine:
                swarm = Swarm(engine, self._session.settings)
                counter = Counter(orders, self._record.token())
                with _Waves(swarm, self._record, counter) as waves, opened(counter, self._record.counter):
                    yield from _collected(waves, counter, {work.source.name: work for work in taken})

    def _order(self, exercise: Exercise, work: Work) -> dict[str, Any]:
        """Returns what a job is told. The submission goes along as a clean copy: what is refused is refused here.

        Raises:
            SubmissionRefused: it is not taken at all.
        """
        with workplace() as place:
            submission = take_in(work.source, place / "submission")
            archive = base64.b64encode(_packed(submission.path)).decode("ascii")
        return {
            "exercise": exercise.name,
            "hash": exercise.hash,
            "participant": work.participant,
            "submission": archive,
            "services": dict(self._record.services),
            "lab_version": lab_version(),
            "language": current_language(),
        }

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        waiting = _("Another command is grading; waiting for it …")
        console = self._session.console
        with held(self._session.settings.state / "grading.lock", _LOCK_SECONDS, lambda: console.progress(waiting)):
            yield


def clear(swarm: Swarm, stack: str) -> None:
    """Removes the grading jobs of a stack; a network that a task has not left yet is removed the next time."""
    for service in swarm.services(**{JOB_LABEL.replace(".", "__"): stack}):
        swarm.remove(service)
    for network in swarm.client.api.networks(filters={"label": f"{JOB_LABEL}={stack}"}):
        with contextlib.suppress(APIError):
            swarm.client.api.remove_network(network["Id"])


class _Waves:
    """The jobs of one command. As a context it removes them in the end, and first what a killed command has left."""

    def __init__(self, swarm: Swarm, record: SwarmRecord, counter: Counter) -> None:
        self._swarm = swarm
        self._record = record
        self._counter = counter
        self._open: dict[str, list[str]] = {}
        self._due: list[str] = []
        self._moved_at = time.monotonic()
        self._network = f"{record.stack}_grading_{secrets.token_hex(4)}"
        """There is nothing in it; a task without a network would get the machine's own."""

    def __enter__(self) -> "_Waves":
        clear(self._swarm, self._record.stack)
        with worded():
            self._swarm.client.networks.create(
                self._network, driver="overlay", internal=True, labels={JOB_LABEL: self._record.stack}
            )
        return self

    def __exit__(self, *_error: object) -> None:
        clear(self._swarm, self._record.stack)

    def begin(self, names: Sequence[str]) -> None:
        """Starts a job for these submissions."""
        wave = secrets.token_hex(4)
        self._counter.open_wave(wave, names)
        with worded():
            made = self._swarm.client.api.create_service(
                self._template(wave),
                name=f"{self._record.stack}_grading_{wave}",
                labels={JOB_LABEL: self._record.stack, NAMESPACE: self._record.stack},
                mode=ServiceMode("replicated-job", replicas=len(names), concurrency=self._at_once(len(names))),
                endpoint_spec=EndpointSpec(mode="dnsrr"),
            )
        self._open[made["ID"]] = list(names)

    def again(self, name: str) -> None:
        """Has a submission graded once more, as soon as every agency is ready."""
        for names in self._open.values():
            names[:] = [_MOVED if one == name else one for one in names]
        self._due.append(name)

    def look(self) -> list[tuple[str, str]]:
        """Looks after the tasks: begins a job for those whose machine is lost; returns hopeless ones with the reason.

        Raises:
            LabFailedError: a machine does not have the image, or none has room although nothing runs.
        """
        nodes = {node.id: node for node in self._swarm.nodes()}
        missing = self._counter.missing()
        lost = self._take_due()
        hopeless: list[tuple[str, str]] = []
        waiting: list[Task] = []
        for service, names in self._open.items():
            for number, tasks in _by_number(self._swarm.tasks([service])).items():
                last, name = tasks[-1], names[number] if number < len(names) else _MOVED
                if name not in missing:
                    continue
                words.refuse_without_image(last.error, GRADER, nodes[last.node].name if last.node in nodes else "")
                waiting.append(last)
                if last.node and not (last.node in nodes and nodes[last.node].ready):
                    lost.append(name)
                    names[number] = _MOVED
                elif last.has_failed and sum(task.has_failed for task in tasks) > _TRIES:
                    hopeless.append((name, last.error))
        if lost:
            self.begin(lost)
        self._refuse_standstill(waiting)
        return hopeless

    def _take_due(self) -> list[str]:
        if not self._due or not all(map(is_ready, self._record.services.values())):
            return []
        due, self._due = self._due, []
        return due

    def _refuse_standstill(self, waiting: Sequence[Task]) -> None:
        """Gives up where for a good while every task has waited for a machine."""
        moving = [task for task in waiting if task.node] or not (waiting or self._due)
        self._moved_at = time.monotonic() if moving else self._moved_at
        if time.monotonic() - self._moved_at > _STANDSTILL_SECONDS:
            raise words.task_failed(GRADER, "", waiting[-1].error) if waiting else words.agencies_gone()

    def _at_once(self, wanted: int) -> int:
        room = sum(node.cpus for node in self._swarm.nodes() if node.ready and node.active)
        return max(1, min(room, wanted))

    def _template(self, wave: str) -> TaskTemplate:
        stack = self._record.stack
        image = next(key for name, key in self._record.images.items() if name.startswith(f"spbe-lab/{GRADER}:"))
        private = {**_GATES_OPTIONS, "o": desk_options(_GATES_OPTIONS)}
        container = ContainerSpec(
            image,
            command=list(ENTRY),
            env=[f"{WAVE}={wave}", f"{NUMBER}={{{{.Task.Slot}}}}"],
            user="0:0",
            read_only=True,
            cap_drop=["ALL"],
            cap_add=["SETUID", "SETGID"],
            init=True,
            secrets=[self._token()],
            mounts=[
                _volume(f"{stack}_{GATES}", "/run/gates", _GATES_OPTIONS, read_only=True),
                _volume(f"{stack}_{DESK}", DESK_FOLDER, private, read_only=True),
                _volume(None, _TEMPORARY, {**_GATES_OPTIONS, "o": f"size={_WORK},mode=1777"}),
            ],
        )
        # Nothing is reserved: Swarm (20.10) goes on counting what a job's finished tasks had reserved, and in the end
        # rejects the others for it.
        resources = Resources(cpu_limit=_CPU, mem_limit=_MEMORY)
        resources["Limits"]["Pids"] = _TASKS
        return TaskTemplate(
            container,
            resources=resources,
            restart_policy=RestartPolicy("on-failure", delay=_CPU, max_attempts=_TRIES),
            networks=[NetworkAttachmentConfig(self._network)],
        )

    def _token(self) -> SecretReference:
        """Returns the stack's own secret with the back doors' token, under the name that the job knows."""
        with worded():
            found = self._swarm.client.secrets.list(filters={"label": f"{NAMESPACE}={self._record.stack}"})
        newest = max(
            (one for one in found if "_backdoor_token_" in one.name), key=lambda one: str(one.attrs["CreatedAt"])
        )
        return SecretReference(newest.id, newest.name, "backdoor_token", uid="0", gid="0", mode=0o400)


def _collected(waves: _Waves, counter: Counter, works: Mapping[str, Work]) -> Iterator[tuple[Work, Said]]:
    """Gives each work as its result comes in, and looks after the tasks meanwhile."""
    waves.begin(list(works))
    left, tries = len(works), Counts[str]()
    while left:
        came = counter.take(_LOOK_SECONDS)
        if came is not None and _is_the_labs(came[1]) and tries[came[0]] < _TRIES:
            tries[came[0]] += 1
            counter.reopen(came[0])
            waves.again(came[0])
        elif came is not None:
            left -= 1
            yield works[came[0]], _filed(works[came[0]], came[1])
            continue
        for name, error in waves.look():
            if counter.settle(name):
                left -= 1
                why = _("No machine of the Swarm could grade it: {error}", error=error).render()
                yield works[name], Said("broken", why)


def _is_the_labs(result: Result) -> bool:
    """Tells whether the lab failed on a run, as when the machine of an agency is lost: nobody's verdict yet."""
    return result.get("outcome") == "broken" or bool(result.get("lab_failed"))


def _filed(work: Work, result: Result) -> Said:
    """Writes what a job has brought to the work's folder; returns how the run ended."""
    try:
        said = Said(result["outcome"], str(result.get("message", "")), str(result.get("code", "")))
        if said.outcome == "graded":
            work.out.mkdir(parents=True, exist_ok=True)
            for file, content in _unpacked(base64.b64decode(result["reports"], validate=True)).items():
                filing.replace(work.out / file, content, durable=False)
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return Said("broken", _("The results cannot be read. Grade again.").render())
    return said


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """Returns the files of an archive, which lie in no folders."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        entries = packed.infolist()
        if sum(entry.file_size for entry in entries) > _REPORT_BYTES:
            raise ValueError
        return {Path(entry.filename).name: packed.read(entry) for entry in entries}


def _packed(folder: Path) -> bytes:
    """Returns a submission's clean copy as an archive; nothing is compressed, so that nothing looks like a trick."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())
            entry.external_attr = file.stat().st_mode << 16
            archive.writestr(entry, file.read_bytes())
    return made.getvalue()


def _by_number(tasks: Sequence[Task]) -> dict[int, list[Task]]:
    found: dict[int, list[Task]] = {}
    for task in tasks:
        found.setdefault(task.slot, []).append(task)
    return found


def _volume(name: str | None, target: str, options: Mapping[str, str], *, read_only: bool = False) -> Mount:
    return Mount(target, name, type="volume", read_only=read_only, driver_config=DriverConfig("local", dict(options)))
