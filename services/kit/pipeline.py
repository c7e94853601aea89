"""The way of every call through a service: read it, tell who calls, open their city, let them in, send the answer.

Pure ASGI. What happens inside the city is in `visit`; health and documentation are served by FastAPI as they are.
"""

import json
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.answers import Answer
from services.kit.clock import RealTime
from services.kit.envoy import Envoy, Veto
from services.kit.homes import ElsewhereError
from services.kit.incoming import Identify, Incoming
from services.kit.language import catalogue
from services.kit.metrics import Metrics
from services.kit.problems import Problem
from services.kit.routing import Routes
from services.kit.settings import MAX_BODY_BYTES
from services.kit.tenancy import Sandboxes, SandboxUnknownError
from services.kit.tokens import Caller, refused
from services.kit.tracing import request_id, trace_id
from services.kit.visit import Visit, mistake, refusal

_ = catalogue(__file__)
_log = logging.getLogger(__name__)

CLOSE = "lab.close"
"""ASGI extension by which the server lets a fault close the connection (`protocol.ClosableProtocol`).

`cut` closes it at once, `end` after what was sent.
"""

WHOLE = "lab.whole"
"""ASGI extension by which the server takes an answer in one piece: `send(status, headers, body)`."""

DISCARDED_BODY_BYTES = 64 * MAX_BODY_BYTES
"""The most that is read of a body only to be thrown away, so that a client that sends first can read its 413."""

_SINGLE = frozenset({b"authorization", b"content-type", b"content-length", b"idempotency-key", b"host"})
"""Headers of which a second one would leave open which is meant."""


class _GoneError(Exception):
    """The caller hung up in the middle of the request."""


class Pipeline:
    """One service's public ASGI application.

    Args:
        app: health and documentation.
        routes: the agency's.
        open_paths: paths (and prefixes that end in `/`) that `app` serves without a caller.

    Attributes:
        envoy: takes calls to sandboxes whose home is another process; None where there is only one.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: Routes,
        sandboxes: Sandboxes,
        identify: Identify,
        metrics: Metrics,
        real: RealTime,
        open_paths: frozenset[str],
    ) -> None:
        self._app = app
        self._routes = routes
        self._sandboxes = sandboxes
        self._identify = identify
        self._metrics = metrics
        self._real = real
        self._open = open_paths
        self.envoy: Envoy | None = None
        self._open_prefixes = tuple(path for path in open_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        path: str = scope["path"]
        if scope["type"] != "http" or path in self._open or path.startswith(self._open_prefixes):
            await self._app(scope, receive, send)
            return
        incoming = _incoming(scope, self._real())
        extra = {"x-request-id": incoming.request_id}
        try:
            answer = await self._serve(scope, receive, incoming, extra)
        except _GoneError:
            return
        except Problem as problem:
            answer = refusal(problem, incoming)
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", incoming.method, path)
            answer = refusal(mistake(), incoming)
        if answer is None:
            await _close(scope, receive, "cut")
        elif await _send(scope, send, answer, extra):
            await _close(scope, receive, "end")
        status = 0 if answer is None else answer.status
        seconds = self._real() - incoming.started
        self._metrics.count(incoming.method, incoming.route, status, incoming.fault, seconds)

    async def _serve(self, scope: Scope, receive: Receive, incoming: Incoming, extra: dict[str, str]) -> Answer | None:
        _refuse_doubled(incoming)
        incoming.body = await _body(incoming, receive)
        incoming.trouble = nonsense(incoming)
        caller = await self._identify(incoming)
        try:
            return await self.visited(scope, incoming, caller, extra)
        except ElsewhereError as away:
            if self.envoy is None:
                raise
            return await self.envoy.answer(scope, incoming, caller, extra, away)

    async def visited(
        self, scope: Scope, incoming: Incoming, caller: Caller, extra: dict[str, str], veto: Veto | None = None
    ) -> Answer | None:
        """Let a call into its sandbox, whose home this process is.

        Args:
            extra: takes up further headers for the caller.
            veto: says of the sandbox, once the call is inside, that its line is to be closed instead.

        Returns:
            What the caller gets: an answer, or None for a closed connection.

        Raises:
            ElsewhereError: this process is not its home.
            Problem: the sandbox is gone, busy or frozen.
        """
        try:
            sandbox = await self._sandboxes.get(caller.sandbox)
        except SandboxUnknownError as error:
            raise refused(_("The sandbox that this token belongs to is gone. Get a new token.")) from error
        if sandbox.busy:
            detail = _("The sandbox is being reset. Try again in a second.")
            raise Problem(503, "sandbox_busy", detail, headers={"retry-after": "1"}, source="gateway")
        if sandbox.frozen:
            detail = _("This grading run has ended, so its city takes no more calls.")
            raise Problem(403, "sandbox_frozen", detail, source="gateway")
        sandbox.enter()
        try:
            if veto is not None and await veto(sandbox):
                return None
            visit = Visit(self._routes, scope, incoming, caller, sandbox, self._real)
            answer = await visit.made()
            extra.update(visit.limit_headers)
            if visit.rule is not None:
                incoming.fault = visit.rule.kind
            return answer
        finally:
            sandbox.leave()


def _incoming(scope: Scope, started: float) -> Incoming:
    headers = dict(scope["headers"])
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        header_list=scope["headers"],
        body=b"",
        request_id=request_id(headers.get(b"x-request-id", b"").decode("latin-1")),
        trace_id=trace_id(headers.get(b"traceparent", b"").decode("latin-1")),
        started=started,
    )


def _refuse_doubled(incoming: Incoming) -> None:
    if len(incoming.headers) == len(incoming.header_list):
        return
    names = [name for name, _value in incoming.header_list]
    doubled = sorted(name.decode() for name in _SINGLE if names.count(name) > 1)
    if doubled:
        detail = _("The header {name} stands in the request more than once. Send it once.", name=doubled[0])
        raise Problem(400, "malformed_request", detail, source="gateway")


async def _body(incoming: Incoming, receive: Receive) -> bytes:
    """Read the request's body.

    Raises:
        Problem: 413 `body_too_large`.
        _GoneError: the caller hung up before it was complete.
    """
    announced: bytes | None = incoming.headers.get(b"content-length")
    if announced is None and b"transfer-encoding" not in incoming.headers:
        return b""
    length = int(announced) if announced is not None and announced.isdigit() else 0
    if length > DISCARDED_BODY_BYTES or (length > MAX_BODY_BYTES and b"expect" in incoming.headers):
        raise _too_large(close=True)
    body: bytes = b""
    received = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        piece: bytes = message.get("body", b"")
        received += len(piece)
        more = message.get("more_body", False)
        if received <= MAX_BODY_BYTES:
            body += piece
        elif received > DISCARDED_BODY_BYTES:
            raise _too_large(close=True)
    if received > MAX_BODY_BYTES:
        raise _too_large(close=False)
    return body


def _too_large(*, close: bool) -> Problem:
    detail = _("The request's body is larger than {limit} bytes. Send less at once.", limit=MAX_BODY_BYTES)
    headers = {"connection": "close"} if close else {}
    return Problem(413, "body_too_large", detail, headers=headers, source="gateway")


def nonsense(incoming: Incoming) -> Problem | None:
    """Give the problem with text that no agency can mean, if there is one.

    No identifier or text has a NUL in it, and databases differ in what they make of one; JSON can spell half a
    surrogate pair, which is no text and which no database stores.
    """
    body = incoming.body
    if "\x00" in incoming.path or "%00" in incoming.query or b"\x00" in body or b"\\u0000" in body:
        return Problem(400, "nul_character", _("The request holds a NUL character. Remove it."), source="gateway")
    if (b"\\ud" in body or b"\\uD" in body) and _is_broken(body):
        detail = _("The request holds half a Unicode character. Send whole ones.")
        return Problem(400, "broken_unicode", detail, source="gateway")
    return None


def _is_broken(body: bytes) -> bool:
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        # No JSON at all, which the route's own reader says better.
        return False
    return False


async def _send(scope: Scope, send: Send, answer: Answer, extra: dict[str, str]) -> bool:
    """Send an answer; True where a fault has left less of it than it announces."""
    headers = {**extra, **answer.headers}
    length = headers.setdefault("content-length", str(len(answer.body)))
    if answer.status in {204, 304}:
        del headers["content-length"]
        length = "0"
    short = len(answer.body) < int(length)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    server = scope.get("extensions", {}).get(WHOLE)
    if server is not None and not short and "connection" not in headers:
        await server["send"](answer.status, raw, answer.body)
        return False
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body, "more_body": short})
    return short


async def _close(scope: Scope, receive: Receive, how: str) -> None:
    """Close the connection in the middle, as a broken line would."""
    scope["extensions"][CLOSE][how]()
    while (await receive())["type"] != "http.disconnect":
        pass
