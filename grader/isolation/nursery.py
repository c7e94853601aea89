"""Starts keepers ahead of time: each needs some 40 ms to be ready, which a run should not have to wait for."""

import atexit
import subprocess
import threading
from pathlib import Path

from grader.isolation import visibility

KEEPER = Path(__file__).parent / "keeper" / "__main__.py"
"""The keeper's program."""

_PATIENCE = 30.0
"""Seconds within which a keeper has to have stopped everything once it is told to."""


class Nursery:
    """Has one keeper ready, that waits for its order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: subprocess.Popen[bytes] | None = None

    def warm(self) -> None:
        """Have a keeper start, if none is ready."""
        with self._lock:
            if self._ready is None:
                atexit.register(self._close)
                self._ready = _start()

    def take(self) -> subprocess.Popen[bytes]:
        """Return a keeper, and have the next one start meanwhile. `dismiss` it in the end."""
        self.warm()
        with self._lock:
            keeper, self._ready = self._ready or _start(), _start()
        if keeper.poll() is not None:
            dismiss(keeper)
            keeper = _start()
        return keeper

    def _close(self) -> None:
        with self._lock:
            if self._ready is not None:
                dismiss(self._ready)
                self._ready = None


def dismiss(keeper: subprocess.Popen[bytes]) -> None:
    """End `keeper`: the end of its standard input makes it stop everything, if there is still something to stop."""
    try:
        if keeper.stdin is not None:
            keeper.stdin.close()
    except BrokenPipeError:
        pass
    try:
        keeper.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
    finally:
        for pipe in (keeper.stdout, keeper.stderr):
            if pipe is not None:
                pipe.close()


def _start() -> subprocess.Popen[bytes]:
    command = [str(visibility.own_interpreter()), "-I", "-S", str(KEEPER)]
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=pipe, stdout=pipe, stderr=pipe, env={}, cwd="/", start_new_session=True
    )
