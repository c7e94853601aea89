"""Serving several services from one process: each on its own port, each back door on its own private listener."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.kit.language import catalogue, preferred
from services.kit.pipeline import CLOSE
from services.kit.problems import Problem
from services.kit.service import Assembled
from services.kit.tracing import trace_id

_ = catalogue(__file__)

MAX_HEAD_BYTES = 32 * 1024
"""Longest address and headers of a request, together."""
LINGER_SECONDS = 2.0
"""How long a refused sender is listened to, so that it comes to read why: closing at once would cut its line."""


class ClosableProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it: a fault can cut the line, and what is no HTTP is answered with a problem too."""

    _in_head = False
    _head_bytes = 0
    _piece_bytes = 0
    _refused = False

    def data_received(self, data: bytes) -> None:
        """Read on, but no head without end."""
        if self._refused:
            return
        self._piece_bytes = len(data)
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self._refused:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Offer the cut to the application as an ASGI extension."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self.scope["extensions"] = {CLOSE: {"cut": self.transport.abort, "end": self.transport.close}}

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too long."""
        if max(self._piece_bytes, self._head_bytes) > MAX_HEAD_BYTES:
            # What came may hold some of the body too.
            self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if self._head_bytes > MAX_HEAD_BYTES:
                message = "the head of a request is too long"
                raise ValueError(message)
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with something that cannot be read as a request."""
        self._refuse(431 if self._head_bytes > MAX_HEAD_BYTES else 400)

    def _refuse(self, status: int) -> None:
        self._refused = True
        asked = next((value for name, value in self.headers or [] if name == b"accept-language"), b"")
        answer = _unreadable(status).answer(preferred(asked.decode("latin-1")), instance="/", trace_id=trace_id(""))
        head = [STATUS_LINE[status], b"connection: close\r\ncontent-length: %d\r\n" % len(answer.body)]
        head += [f"{name}: {value}\r\n".encode("latin-1") for name, value in answer.headers.items()]
        self.transport.write(b"".join([*head, b"\r\n", answer.body]))
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _unreadable(status: int) -> Problem:
    if status == 431:
        detail = _("Address and headers of the request are longer than {limit} bytes.", limit=MAX_HEAD_BYTES)
    else:
        detail = _("The request cannot be read.")
    return Problem(status, "malformed_request", detail, source="gateway")


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application
        http=ClosableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        loop="none",
    )


def public_socket(host: str, port: int) -> socket.socket:
    """Bind an agency's public port.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.setblocking(False)
    return listener


def private_socket(run: Path, service: str) -> socket.socket:
    """Bind a back door: a UNIX socket of mode 0600, or a loopback port told in a file where there are none."""
    if not hasattr(socket, "AF_UNIX"):
        listener = public_socket("127.0.0.1", 0)
        (run / f"{service}.port").write_text(str(listener.getsockname()[1]), encoding="ascii")
        return listener
    path = run / f"{service}.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


async def serve(services: Sequence[tuple[Assembled, socket.socket, socket.socket]]) -> None:
    """Serve until SIGTERM or SIGINT, then write what is unwritten and return."""
    for service, _public, _private in services:
        await service.sandboxes.clear_throwaways()
    servers = []
    for service, public, private in services:
        servers += [
            (uvicorn.Server(_config(service.public)), public),
            (uvicorn.Server(_config(service.backdoor)), private),
        ]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(server._serve([listener])) for server, listener in servers]  # noqa: SLF001 - the public serve() takes over the process's signals
    try:
        await asyncio.wait([asyncio.create_task(stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        for server, _listener in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
    finally:
        for service, _public, _private in services:
            await service.sandboxes.close()
