"""Which processes a program has started, what they use, and the end of them all. Reads /proc, so Linux only."""

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Usage:
    """What a family of processes uses: memory in bytes, processor time in seconds, tasks."""

    __slots__ = ("cpu", "memory", "tasks")

    def __init__(self) -> None:
        self.tasks = 0
        self.memory = 0
        self.cpu = 0.0


class Family:
    """All that descends from this process, which must be a subreaper, so that nobody can leave the family."""

    def __init__(self, main: int) -> None:
        """Begin with the child whose process id is `main`."""
        self.main = main
        self.ending: int | None = None
        self._me = os.getpid()
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._listed = os.path.exists(f"/proc/{self._me}/task/{self._me}/children")  # noqa: PTH110 - as in landlock.py

    def reap(self) -> None:
        """Take note of who has ended; the ending of `main` is kept, as `os.waitpid` gives it."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == self.main:
                self.ending = status
            if not pid:
                return

    def measure(self, *, exact_above: int) -> Usage:
        """Return what all use together, those included that have ended.

        Args:
            exact_above: bytes of memory above which shared pages are told apart, which takes longer.
        """
        usage = Usage()
        past = os.times()
        usage.cpu = past.children_user + past.children_system
        pids = self.members()
        for pid in pids:
            fields = _stat(pid)
            if fields:
                usage.cpu += sum(map(int, fields[11:15])) / self._ticks
                usage.tasks += int(fields[17])
                usage.memory += int(fields[21]) * self._page
        if usage.memory > exact_above:
            usage.memory = sum(map(self._proportional_memory, pids))
        return usage

    def stop(self, *, patience: float, user: int | None = None) -> bool:
        """Kill all until there is none; say whether that was reached within `patience` seconds.

        A process that keeps forking away is outrun: killing one takes a small part of the time in which one starts.
        With a `user` that owns nothing else, and inside a container, whose first process this is, all are killed in one
        stroke, which nobody can outrun.
        """
        deadline = time.monotonic() + patience
        while True:
            if user is not None:
                _kill_user(user)
            elif self._me == 1:
                _kill_everybody()
            left = self.members()
            for pid in left:
                _kill(pid)
            self.reap()
            if not left:
                return True
            if time.monotonic() > deadline:
                return False

    def members(self) -> list[int]:
        """Return the process ids of all, zombies included, parents before children."""
        children = _children if self._listed else _parents().get
        found, seen = [self._me], {self._me}
        for pid in found:
            new = [child for child in children(pid) or () if child not in seen]
            found += new
            seen.update(new)
        return found[1:]

    def _proportional_memory(self, pid: int) -> int:
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
        fields = _stat(pid)
        return int(fields[21]) * self._page if fields else 0


def tasks_of(user: int) -> int:
    """Return how many tasks (processes and threads) `user` has on this machine, which is what the kernel limits."""
    count = 0
    for pid in _numbers("/proc"):
        status = _read(f"/proc/{pid}/status")
        if status.partition(b"\nUid:\t")[2].split(None, 1)[:1] == [b"%d" % user]:
            count += int(status.partition(b"\nThreads:\t")[2].split(None, 1)[0])
    return count


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_everybody() -> None:
    """Kill all of this container at one stroke, but for this process, which is its first."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_user(user: int) -> None:
    child = os.fork()
    if not child:
        try:
            os.setresuid(user, user, user)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _numbers(f"/proc/{pid}/task"):
        found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    return found


def _parents() -> dict[int, list[int]]:
    """Return everybody's children by looking at everybody, for kernels built without the lists of children."""
    children: dict[int, list[int]] = {}
    for pid in _numbers("/proc"):
        fields = _stat(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    return children


def _numbers(folder: str) -> "Iterator[int]":
    try:
        names = os.listdir(folder)  # noqa: PTH208 - as in landlock.py
    except OSError:
        names = []
    return (int(name) for name in names if name.isdigit())


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/PID/stat after the name, which may contain anything."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as in landlock.py
            return file.read()
    except OSError:  # the process has ended meanwhile, or does not let itself be read
        return b""
