"""Runs a program where there is no keeper (macOS, Windows): limits by looking on, everything stopped as far as seen."""

import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil

from grader.isolation.contract import Finished, IsolationFailed, Limit, Limits, Program
from grader.isolation.keeper import copying
from grader.isolation.keeper.outlet import Outlet
from grader.isolation.leftovers import new_mark, stop_marked
from grader.isolation.surroundings import surroundings
from grader.isolation.workplace import workplace
from grader.language import catalogue

_ = catalogue(__file__)

_GLANCE = 0.05
"""Seconds between two looks at what the program uses."""

_DRAIN = 5.0


def run(program: Program, limits: Limits) -> Finished:
    """Run `program` to its end, or to a limit, and stop what it started.

    A process that leaves its family and clears its environment between two looks is not found again.

    Raises:
        IsolationFailed: the interpreter could not be started.
    """
    with workplace() as place:
        work, temporary = place / "work", place / "tmp"
        for folder in (work, temporary):
            folder.mkdir()
        copying.copy(str(program.work_dir), str(work))
        argv = [str(work / program.argv[0]), *program.argv[1:]]
        environment = {**surroundings(argv[0], work, temporary, program.environment), **new_mark()}
        outlets = Outlet(limits.output_bytes), Outlet(limits.output_bytes)
        try:
            child = _start(argv, work, environment)
        except OSError as error:
            return _unstartable(Path(argv[0]), work, error)
        return _Overseer(child, place, limits, outlets, environment).finish()


def _start(argv: Sequence[str], work: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - running a stranger's program is what this is for
        argv,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _unstartable(program: Path, work: Path, error: OSError) -> Finished:
    if not program.is_relative_to(work):
        raise IsolationFailed(_("{program} could not be started.", program=str(program)), detail=str(error)) from error
    code = 127 if isinstance(error, FileNotFoundError) else 126
    said = f"{program.name}: {type(error).__name__}: {error.strerror}\n"
    return Finished(exit_code=code, signal=None, stdout="", stderr=said, seconds=0.0, cut=False, limit=None)


class _Overseer:
    """Looks at a running program again and again until it has ended."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        place: Path,
        limits: Limits,
        outlets: tuple[Outlet, Outlet],
        environment: dict[str, str],
    ) -> None:
        self._child = child
        self._place = place
        self._limits = limits
        self._outlets = outlets
        self._environment = environment
        self._known: dict[psutil.Process, float] = {}
        self._begun = time.monotonic()
        pipes = zip((child.stdout, child.stderr), outlets, strict=True)
        self._readers = [threading.Thread(target=_read, args=pair, daemon=True) for pair in pipes]
        for reader in self._readers:
            reader.start()

    def finish(self) -> Finished:
        """Wait for the end of the program, or bring it about, and return how it went."""
        try:
            limit = self._watch()
            seconds = time.monotonic() - self._begun
        finally:
            self._stop()
        code = self._child.wait()
        stdout, stderr = (outlet.text().decode(errors="replace") for outlet in self._outlets)
        return Finished(
            exit_code=None if code < 0 else code,
            signal=-code if code < 0 else None,
            stdout=stdout,
            stderr=stderr,
            seconds=seconds,
            cut=any(outlet.dropped for outlet in self._outlets),
            limit=limit,
        )

    def _watch(self) -> Limit | None:
        while True:
            limit = self._limit_hit()
            if limit is not None:
                return limit
            try:
                self._child.wait(_GLANCE)
            except subprocess.TimeoutExpired:
                continue
            return None

    def _limit_hit(self) -> Limit | None:
        limits = self._limits
        if time.monotonic() - self._begun > limits.wall_seconds:
            return Limit.WALL
        memory = tasks = 0
        for process in self._family():
            try:
                with process.oneshot():
                    memory += process.memory_info().rss
                    tasks += process.num_threads()
                    times = process.cpu_times()
                    self._known[process] = times.user + times.system
            except psutil.Error:
                continue
        used = (
            (memory, limits.memory_bytes, Limit.MEMORY),
            (tasks, limits.processes, Limit.PROCESSES),
            (sum(self._known.values()), limits.cpu_seconds, Limit.CPU),
            (self._disk(), limits.work_bytes, Limit.DISK),
        )
        return next((limit for value, most, limit in used if value > most), None)

    def _family(self) -> list[psutil.Process]:
        """Return the processes of the program that are alive, those included that have lost their parents."""
        try:
            main = psutil.Process(self._child.pid)
            for process in (main, *main.children(recursive=True)):
                self._known.setdefault(process, 0.0)
        except psutil.Error:
            pass
        return [process for process in self._known if process.is_running()]

    def _disk(self) -> int:
        used = 0
        for path in self._place.rglob("*"):
            try:
                used += 1024 + path.lstat().st_size
            except OSError:
                continue
        return used

    def _stop(self) -> None:
        for process in self._family():
            try:
                process.kill()
            except psutil.Error:
                continue
        stop_marked(self._environment)
        for reader in self._readers:
            reader.join(_DRAIN)


def _read(pipe: IO[bytes], outlet: Outlet) -> None:
    with pipe:
        while outlet.read(pipe.fileno()):
            pass
