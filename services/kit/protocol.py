"""HTTP/1.1 as the agencies speak it: uvicorn's, with lines that can be cut, whole answers and kind refusals."""

from collections.abc import Sequence
from functools import partial

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.kit.language import catalogue, preferred
from services.kit.pipeline import CLOSE, WHOLE
from services.kit.problems import Problem
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
        """Offer the application to close the line."""
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
        self.scope["extensions"][WHOLE] = {"send": partial(_send_whole, self.cycle)}

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


async def _send_whole(
    cycle: RequestResponseCycle, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> None:
    """Send an answer in one piece, which wakes the caller once; `RequestResponseCycle.send` needs two.

    Args:
        headers: with a `content-length` where there is a body, and without `connection`.

    Raises:
        ValueError: a header holds a line break.
    """
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    head = b"".join([b"%b: %b\r\n" % header for header in headers])
    if head.count(b"\n") != len(headers) or head.count(b"\r") != len(headers):
        message = "a header holds a line break"
        raise ValueError(message)
    if not cycle.keep_alive:
        head += b"connection: close\r\n"
    shown = b"" if cycle.scope["method"] == "HEAD" else body
    cycle.response_started = True
    cycle.transport.write(b"".join((STATUS_LINE[status], head, b"\r\n", shown)))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def _unreadable(status: int) -> Problem:
    if status == 431:
        detail = _("Address and headers of the request are longer than {limit} bytes.", limit=MAX_HEAD_BYTES)
    else:
        detail = _("The request cannot be read.")
    return Problem(status, "malformed_request", detail, source="gateway")
