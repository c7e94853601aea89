"""The counter at which grading jobs fetch their submission and leave its results: HTTP on a UNIX socket of `lab grade`.

Two calls, both with the lab's token:

    GET /work/<wave>/<number>   -> 200 the order as JSON, 410 where its result is here already or nobody wants it
    PUT /work/<wave>/<number>   -> 204, whether it is the first result or another try's, which is not looked at

A job that Swarm runs twice, because a machine seemed lost, therefore counts once.
"""

import contextlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from socketserver import ThreadingUnixStreamServer
from typing import Any

_MOST_BYTES = 64 << 20
"""A result with all its reports is far smaller; more is nobody's honest result."""
_PATIENCE_SECONDS = 60.0

Result = dict[str, Any]


class Counter:
    """The submissions that are out, and the results that come in.

    Args:
        orders: what a job is told, by submission.
        token: that jobs show.
    """

    def __init__(self, orders: Mapping[str, Mapping[str, Any]], token: str) -> None:
        self._orders = {name: json.dumps(order).encode() for name, order in orders.items()}
        self._token = token
        self._lock = threading.Lock()
        self._waves: dict[str, Sequence[str]] = {}
        self._done: set[str] = set()
        self._results: SimpleQueue[tuple[str, Result]] = SimpleQueue()

    def open_wave(self, wave: str, names: Sequence[str]) -> None:
        """Gives out `names`, by their place in the list, to the jobs of `wave`."""
        with self._lock:
            self._waves[wave] = tuple(names)

    def missing(self) -> set[str]:
        """Returns the submissions without a result."""
        with self._lock:
            return set(self._orders) - self._done

    def take(self, seconds: float) -> tuple[str, Result] | None:
        """Returns the next result that came in, by submission; None where none comes within `seconds`."""
        try:
            return self._results.get(timeout=seconds)
        except Empty:
            return None

    def settle(self, name: str) -> bool:
        """Counts a submission as done, whoever may still be at it; returns whether it was not done before."""
        with self._lock:
            first = name not in self._done
            self._done.add(name)
            return first

    def reopen(self, name: str) -> None:
        """Counts a submission as not done, because its result is one to try again for."""
        with self._lock:
            self._done.discard(name)

    def order(self, wave: str, number: int) -> bytes | None:
        """Returns what the job of this number is to do; None where nothing is left for it to do."""
        name = self._name(wave, number)
        with self._lock:
            return None if name is None or name in self._done else self._orders[name]

    def bring(self, wave: str, number: int, result: Result) -> None:
        """Takes in a job's result, if it is its submission's first."""
        name = self._name(wave, number)
        if name is not None and self.settle(name):
            self._results.put((name, result))

    def admits(self, authorization: str) -> bool:
        """Tells whether somebody who says this may come to the counter."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())

    def _name(self, wave: str, number: int) -> str | None:
        with self._lock:
            names = self._waves.get(wave, ())
        return names[number] if 0 <= number < len(names) else None


@contextlib.contextmanager
def opened(counter: Counter, socket: Path) -> Iterator[None]:
    """Serves the counter on `socket`, in threads of this process, while the block runs."""
    socket.unlink(missing_ok=True)
    with _Server(str(socket), counter) as server:
        socket.chmod(0o666)  # the desk is another user; whom the folder lets in is decided by the folder
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        serving.start()
        try:
            yield
        finally:
            server.shutdown()
            serving.join()
            socket.unlink(missing_ok=True)


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: str, counter: Counter) -> None:
        self.counter = counter
        super().__init__(address, _Call)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base's
        """A job that was ended in the middle of a call is no news."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        place = self._place()
        if place is not None:
            order = self.server.counter.order(*place)
            self._answer(410 if order is None else 200, order or b"")

    def do_PUT(self) -> None:
        place, length = self._place(), int(self.headers.get("content-length") or 0)
        if place is None:
            return
        if length > _MOST_BYTES:
            self._answer(413)
            return
        try:
            result = json.loads(self.rfile.read(length))
        except ValueError:
            self._answer(400)
            return
        self.server.counter.bring(*place, result)
        self._answer(204)

    def _place(self) -> tuple[str, int] | None:
        """Returns the wave and the number that are meant; None after having answered that it cannot be."""
        if not self.server.counter.admits(self.headers.get("authorization") or ""):
            self._answer(401)
            return None
        parts = self.path.split("/")
        if len(parts) != 4 or parts[1] != "work" or not parts[3].isdecimal():
            self._answer(404)
            return None
        return parts[2], int(parts[3])

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        if status >= 400:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base's
        """Calls are not logged."""
