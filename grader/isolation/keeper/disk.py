"""How much room on disk a program takes: in a folder that is its own, or on file systems that are.

In a folder of the machine's disk, what can be hidden is counted by other means: files without a name by who has them
open, and files that are only mapped into memory by what was ever written.
"""

import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ENTRY = 1024
"""Bytes that a file counts for beside its contents: a million empty files are not nothing."""

_ENDLESS = 1 << 62
_MOST_ENTRIES = 100_000
_REWRITES = 8
"""How often a program may write what it may keep; files are written anew, and not all that is written stays."""
_LOOKS_AT_HIDING = 5
"""A process cannot be looked into for a moment while it starts or ends. Longer than that it hides on purpose."""

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - watched, not written


def of_file_systems(folders: "Sequence[int]") -> int:
    """Return the bytes used on the file systems of the open `folders`, which nobody else writes to."""
    used = 0
    for folder in folders:
        answer = os.fstatvfs(folder)
        used += (answer.f_blocks - answer.f_bfree) * answer.f_frsize + (answer.f_files - answer.f_ffree) * _ENTRY
    return used


class Watch:
    """Watches a folder on a disk that others use, too, and shared memory; takes at most a fifth of the time."""

    def __init__(self, folder: str, user: int | None) -> None:
        """Watch `folder`, and what `user` (None: this process' user, from now on) leaves in shared memory."""
        self._folder = folder
        self._user = os.geteuid() if user is None else user
        self._own_user = user is not None
        self._foreign = set() if self._own_user else set(_listing(_SHARED_MEMORY))
        self._hiding: dict[int, int] = {}
        self._next = 0.0
        self._used = 0

    def used(self, family: "Callable[[], Sequence[int]]", *, now: bool) -> int:
        """Return the bytes used, unless `now` possibly as of a moment ago.

        Args:
            family: tells the processes that may hold files open that have no name any more.
            now: look, even if it was only just done.
        """
        started = time.monotonic()
        if now or started >= self._next:
            pids = family()
            seen = _tree(self._folder) + sum(map(_size, self._shared())) + self._nameless(pids)
            self._used = max(seen, _written((os.getpid(), *pids)) // _REWRITES)
            self._next = time.monotonic() + max(0.1, 4 * (time.monotonic() - started))
        return self._used

    def clean_up(self) -> None:
        """Remove what the program has left in shared memory, if it had a user of its own; else whose is it?"""
        if self._own_user:
            for path in self._shared():
                os.unlink(path)  # noqa: PTH108 - as in landlock.py

    def _nameless(self, pids: "Sequence[int]") -> int:
        """Return the bytes of files that were removed while one of `pids` has them open."""
        found: dict[tuple[int, int], int] = {}
        hiding: dict[int, int] = {}
        for pid in pids:
            files = _nameless(pid)
            if files is None:
                hiding[pid] = self._hiding.get(pid, 0) + 1
            else:
                found |= files
        self._hiding = hiding
        return _ENDLESS if max(hiding.values(), default=0) >= _LOOKS_AT_HIDING else sum(found.values())

    def _shared(self) -> "Iterator[str]":
        for name in _listing(_SHARED_MEMORY):
            path = f"{_SHARED_MEMORY}/{name}"
            if name not in self._foreign and _owner(path) == self._user:
                yield path


def _tree(folder: str) -> int:
    """Return the bytes used in `folder`; no end of them where there is no end of files or depth."""
    used = entries = 0
    waiting = [folder]
    for path in waiting:
        if len(path) > 3000 or entries > _MOST_ENTRIES:
            return _ENDLESS
        for entry in _entries(path):
            entries += 1
            used += _size(entry.path)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    return used


def _entries(folder: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _size(path: str) -> int:
    try:
        return _ENTRY + os.lstat(path).st_blocks * 512
    except OSError:
        return 0


def _owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None


def _nameless(pid: int) -> dict[tuple[int, int], int] | None:
    """Return the sizes of the removed files that a process has open, by their numbers; None where it hides them."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 - as in landlock.py
    except PermissionError:
        return None
    except OSError:
        return {}
    found: dict[tuple[int, int], int] = {}
    for name in names:
        try:
            answer = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116 - as in landlock.py
        except OSError:
            continue
        if stat.S_ISREG(answer.st_mode) and not answer.st_nlink:
            found[answer.st_dev, answer.st_ino] = answer.st_blocks * 512
    return found


def _written(pids: "Sequence[int]") -> int:
    """Return the bytes that processes, and their children that have ended, have caused to be written to a disk."""
    written = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/io", "rb") as file:  # noqa: PTH123 - as in landlock.py
                counted = dict(line.split(b": ") for line in file)
        except OSError:
            continue
        written += int(counted.get(b"write_bytes", 0)) - int(counted.get(b"cancelled_write_bytes", 0))
    return written


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - as in landlock.py
    except OSError:
        return []
