"""Starts keepers ahead of time, which a run should not have to wait for.

Each needs some 40 ms to be ready, and as long again where it builds a sandbox.
"""

import atexit
import marshal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from grader.isolation import visibility
from grader.isolation.keeper.order import Sandbox

KEEPER = Path(__file__).parent / "keeper" / "__main__.py"
"""The keeper's program."""

_PATIENCE = 30.0
"""Seconds within which a keeper has to have stopped everything once it is told to."""


class Nursery:
    """Has one keeper ready, that waits for its order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: subprocess.Popen[bytes] | None = None
        self._built: Sandbox | None = None

    def warm(self, sandbox: Sandbox | None = None) -> None:
        """Have a keeper start, if none is ready.

        Args:
            sandbox: to be built by it, for an order that names the same.
        """
        with self._lock:
            if self._ready is None:
                atexit.register(self._close)
                self._renew()
            elif sandbox is not None and self._built not in (None, sandbox):
                _discard(self._ready)
                self._renew()
            if sandbox is not None and self._built is None:
                self._build(sandbox)

    def take(self, sandbox: Sandbox | None = None) -> subprocess.Popen[bytes]:
        """Return a keeper, and have the next one start meanwhile. `dismiss` it in the end.

        Args:
            sandbox: what the order will name; None where it needs none.
        """
        self.warm()
        with self._lock:
            keeper, built = self._ready or _start(), self._built
            self._renew()
        if keeper.poll() is not None or built not in (None, sandbox):
            _discard(keeper)
            keeper = _start()
        return keeper

    def _renew(self) -> None:
        self._ready, self._built = _start(), None

    def _build(self, sandbox: Sandbox) -> None:
        assert self._ready is not None  # noqa: S101 - for the type checker, as the next line
        assert self._ready.stdin is not None  # noqa: S101
        self._built = sandbox
        with suppress(BrokenPipeError):  # whoever takes it sees that it has died
            self._ready.stdin.write(marshal.dumps(sandbox))  # type: ignore[arg-type]  # a TypedDict of plain values
            self._ready.stdin.flush()

    def _close(self) -> None:
        with self._lock:
            if self._ready is not None:
                _discard(self._ready)
                self._ready = None


def _discard(keeper: "subprocess.Popen[bytes]") -> None:
    """End a keeper that has no order, at once: it has nothing to stop, and its sandbox ends with it."""
    keeper.kill()
    dismiss(keeper)


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
