"""A lock between processes: a file that one process holds, and that the system lets go of when the process dies.

Uses the standard library only: the set-up needs it before anything is installed.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL_SECONDS = 0.05


class LockTimeoutError(Exception):
    """Another process held the lock for too long."""


@contextlib.contextmanager
def held(file: Path, timeout_seconds: float, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock `file` while the block runs.

    Args:
        file: made if it is missing; its folder must exist. Its content does not matter.
        timeout_seconds: how long to wait for another holder.
        on_wait: called once, when there is another holder.

    Raises:
        LockTimeoutError: when another process held it all the time.
    """
    with file.open("a") as lock:
        if not _take(lock.fileno()):
            on_wait()
            deadline = time.monotonic() + timeout_seconds
            pause = threading.Event()
            while not _take(lock.fileno()):
                if time.monotonic() > deadline:
                    raise LockTimeoutError(file)
                pause.wait(_POLL_SECONDS)
        yield


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
