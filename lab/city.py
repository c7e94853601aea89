"""The background process that serves every agency: found, started, stopped.

Started at most once: whoever starts or stops it holds `.lab/city.lock`, and `lab.json` is written before the process
is waited for, so that a command that is killed while waiting leaves nothing that the next one cannot find.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from grader.language import catalogue
from lab import rundir
from lab.agencies import Agency, agencies, fingerprint
from lab.logfile import tail
from lab.outcomes import LabFailedError
from lab.ports import free_base, holder, is_free, is_ready
from lab.record import Record
from lab.running import Begun, Condition, Part, Started
from lab.settings import DEFAULT_PORT_BASE, Settings
from lab.turn import alone

_ = catalogue(__file__)

READY_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 10.0
LOCK_TIMEOUT_SECONDS = 60.0
LOG_LINES_SHOWN = 8
_LOG_BYTES_READ = 16_384
_POLL_SECONDS = 0.02

SERVE = (sys.executable, "-m", "services")
"""What serves the agencies; tests put a process of their own in its place."""


class Background:
    """The background process of one lab."""

    def __init__(self, settings: Settings, command: Sequence[str] = SERVE) -> None:
        """Describes the process of the lab of `settings`; touches nothing."""
        self._settings = settings
        self._command = command
        self._file = settings.state / "lab.json"
        self.log = settings.state / "services.log"

    def condition(self) -> Condition:
        """Tells how the process is, by looking at the process itself."""
        record = self.record()
        if record is None:
            return Condition.STOPPED
        return Condition.RUNNING if _process(record) else Condition.CRASHED

    def record(self) -> Record | None:
        """Returns how to reach the process that was started last, whether it still runs or not."""
        return Record.read(self._file)

    def log_tail(self) -> str:
        """Returns the last lines that the process wrote."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _LOG_BYTES_READ))
                lines = log.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def log_place(self) -> str:
        """Returns the file that the process writes its log to."""
        return str(self.log)

    def log_lines(self, service: str | None, *, lines: int, follow: bool) -> Iterator[str]:
        """Gives the last lines of the log; of one service, those that name it. See `Running.log_lines`."""
        return (line for line in tail(self.log, lines=lines, follow=follow) if service is None or service in line)

    def parts(self) -> list[Part]:
        """Returns nothing: one process serves all agencies."""
        return []

    def start(self, on_progress: Callable[[int, int], None], on_wait: Callable[[], None]) -> Started:
        """Makes sure that the process runs, with the present code, and that every agency is ready.

        Args:
            on_progress: called with how many agencies are ready and how many there are, whenever that changes.
            on_wait: called once when another command is starting, stopping or resetting the lab.

        Raises:
            LabFailedError: when a port is taken, or the process ends or is not ready in time.
        """
        self._settings.state.mkdir(parents=True, exist_ok=True)
        with alone(self._settings, LOCK_TIMEOUT_SECONDS, on_wait):
            condition, record = self.condition(), self.record()
            if record and condition is Condition.RUNNING and self._is_current(record):
                self._wait(record, on_progress)
                return Started(record, Begun.ALREADY)
            if record:
                self._end(record)
            record = self._spawn(self._settings.port_base or (record.port_base if record else DEFAULT_PORT_BASE))
            self._wait(record, on_progress)
            how = {Condition.STOPPED: Begun.STARTED, Condition.CRASHED: Begun.MENDED, Condition.RUNNING: Begun.RENEWED}
            return Started(record, how[condition])

    def stop(self, on_wait: Callable[[], None]) -> bool:
        """Stops the process if it runs, kindly first; returns whether there was one.

        Raises:
            LabFailedError: when another command does not let go of the lab.
        """
        if self.record() is None:
            return False
        with alone(self._settings, LOCK_TIMEOUT_SECONDS, on_wait):
            record = self.record()
            if record is None:
                return False
            ran = _process(record) is not None
            self._end(record)
            return ran

    def _is_current(self, record: Record) -> bool:
        """Tells whether the process runs the present code on the wanted ports, and its back doors can be reached.

        One that was started before the lab's folder was moved writes into a folder that is not there any more.
        """
        wanted_base = self._settings.port_base or record.port_base
        same_code = record.fingerprint == fingerprint(self._settings.root)
        same_place = _process(record, str(self._settings.data)) is not None
        return same_code and same_place and record.port_base == wanted_base and (record.run / "token").exists()

    def _spawn(self, port_base: int) -> Record:
        served = agencies(self._settings.root)
        _refuse_taken_ports(served, port_base)
        code = fingerprint(self._settings.root)
        urls = {agency.name: agency.url(port_base) for agency in served}
        run = rundir.make(self._settings.run_folders)
        process = None
        try:
            process = self._serve(list(urls), port_base, run)
            record = Record(process.pid, run, port_base, code, urls)
            record.write(self._file)
        except BaseException:  # without its record no command would find the process again
            if process:
                process.kill()
                process.wait()
            shutil.rmtree(run, ignore_errors=True)
            raise
        process.returncode = 0  # it outlives this command on purpose: nobody is to be warned about that
        return record

    def _serve(self, names: Sequence[str], port_base: int, run: Path) -> "subprocess.Popen[bytes]":
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own module, no shell
                [*self._command, *names, "--data", str(self._settings.data), "--run", str(run)],
                cwd=self._settings.root,
                env={**self._settings.passed_on, "LAB_PORT_BASE": str(port_base), "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_DETACHED,
            )

    def _wait(self, record: Record, on_progress: Callable[[int, int], None]) -> None:
        waiting = list(record.services.values())
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        on_progress(0, len(waiting))
        while waiting:
            before = len(waiting)
            waiting = [url for url in waiting if not is_ready(url)]
            if len(waiting) < before:
                on_progress(len(record.services) - len(waiting), len(record.services))
            if waiting and time.monotonic() > deadline:
                self._end(record)
                raise LabFailedError(
                    _("The agencies were not ready after {seconds} seconds.", seconds=int(READY_TIMEOUT_SECONDS)),
                    _("Run make doctor, then make up again. The log is {log}.", log=self.log),
                    self.log_tail(),
                )
            if waiting and _has_ended(record, within_seconds=_POLL_SECONDS):
                self._end(record)
                raise LabFailedError(
                    _("The agencies' process ended while it was starting."),
                    _("Run make doctor, then make up again. The log is {log}.", log=self.log),
                    self.log_tail(),
                )

    def _end(self, record: Record) -> None:
        process = _process(record)
        if process:
            try:
                process.terminate()
                process.wait(STOP_TIMEOUT_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_SECONDS)
            except psutil.NoSuchProcess:
                pass
        shutil.rmtree(record.run, ignore_errors=True)
        self._file.unlink(missing_ok=True)


_DETACHED: dict[str, Any]
if sys.platform == "win32":
    _DETACHED = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _DETACHED = {"start_new_session": True}


def _process(record: Record, *words: str) -> psutil.Process | None:
    """Returns the live process of `record`; a process that only has its pid does not have its run directory.

    Args:
        record: of the process.
        words: that its command line must have too.
    """
    try:
        process = psutil.Process(record.pid)
        return process if {str(record.run), *words} <= set(process.cmdline()) else None
    except psutil.Error:
        return None


def _has_ended(record: Record, within_seconds: float) -> bool:
    """Tells whether the process of `record`, which is ours, ends soon; a new one has no command line at first."""
    try:
        process = psutil.Process(record.pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(within_seconds)
    except psutil.TimeoutExpired:
        return False
    except psutil.NoSuchProcess:
        pass
    return True


def _refuse_taken_ports(served: Sequence[Agency], port_base: int) -> None:
    ports = [port_base + agency.port_offset for agency in served]
    taken = next((port for port in ports if not is_free(port)), None)
    if taken is None:
        return
    by = holder(taken)
    problem = (
        _("Port {port} is already used by {name} (process {pid}).", port=taken, name=by.name, pid=by.pid)
        if by.pid
        else _("Port {port} is already used by another program.", port=taken)
    )
    free = free_base(port_base, [agency.port_offset for agency in served])
    raise LabFailedError(problem, _("Close that program, or use other ports: LAB_PORT_BASE={free} make up", free=free))
