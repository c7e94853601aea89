"""The way of every call through a service: read it, tell who calls, open their city, let them in, send the answer.

Pure ASGI around the agency's FastAPI application; what happens inside the city is in `visit`.
"""

import json
import logging
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.answers import Answer
from services.kit.clock import RealTime
from services.kit.incoming import Identify, Incoming
from services.kit.language import catalogue
from services.kit.metrics import Metrics
from services.kit.problems import Problem
from services.kit.settings import MAX_BODY_BYTES
from services.kit.tenancy import Sandboxes, SandboxUnknownError
from services.kit.tokens import refused
from services.kit.tracing import request_id, trace_id
from services.kit.visit import Visit, mistake, refusal

_ = catalogue(__file__)
_log = logging.getLogger(__name__)

CLOSE = "lab.close"
"""ASGI extension by which the server lets a fault close the connection (`server.ClosableProtocol`)."""


class Pipeline:
    """One service's public ASGI application.

    Args:
        app: the agency's routes.
        open_paths: paths (and prefixes that end in `/`) served without a caller: health, documentation.
    """

    def __init__(
        self,
        app: ASGIApp,
        sandboxes: Sandboxes,
        identify: Identify,
        metrics: Metrics,
        real: RealTime,
        open_paths: frozenset[str],
    ) -> None:
        self._app = app
        self._sandboxes = sandboxes
        self._identify = identify
        self._metrics = metrics
        self._real = real
        self._open = open_paths
        self._open_prefixes = tuple(path for path in open_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path in self._open or path.startswith(self._open_prefixes):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        incoming = Incoming(
            scope["method"],
            path,
            scope["query_string"].decode("latin-1"),
            headers,
            scope["headers"],
            b"",
            request_id(headers.get(b"x-request-id", b"").decode("latin-1")),
            trace_id(headers.get(b"traceparent", b"").decode("latin-1")),
            self._real(),
        )
        extra: dict[str, str] = {"x-request-id": incoming.request_id}
        try:
            answer = await self._serve(scope, receive, incoming, extra)
        except Problem as problem:
            answer = refusal(problem, incoming)
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", incoming.method, path)
            answer = refusal(mistake(), incoming)
        if answer is None:
            await _close(scope, receive)
            status = 0
        else:
            await _send(send, answer, extra)
            status = answer.status
        route = scope.get("route")
        self._metrics.count(incoming.method, getattr(route, "path", "-"), status, self._real() - incoming.started)

    async def _serve(self, scope: Scope, receive: Receive, incoming: Incoming, extra: dict[str, str]) -> Answer | None:
        incoming.body = await _body(incoming, receive)
        _refuse_nul(scope, incoming)
        _refuse_broken_text(incoming)
        caller = await self._identify(incoming)
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
            visit = Visit(self._app, scope, incoming, caller, sandbox, self._real)
            answer = await visit.made()
            extra.update(visit.limit_headers)
            return answer
        finally:
            sandbox.leave()


async def _body(incoming: Incoming, receive: Receive) -> bytes:
    """Read the request's body.

    Raises:
        Problem: 413 `body_too_large`, before reading it where its length is announced.
    """
    announced: bytes | None = incoming.headers.get(b"content-length")
    if announced is None and b"transfer-encoding" not in incoming.headers:
        return b""
    if announced is not None and announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _too_large()
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return body


def _too_large() -> Problem:
    detail = _("The request's body is larger than {limit} bytes. Send less at once.", limit=MAX_BODY_BYTES)
    return Problem(413, "body_too_large", detail, headers={"connection": "close"}, source="gateway")


def _refuse_nul(scope: Scope, incoming: Incoming) -> None:
    """No identifier or text of any agency has a NUL in it, and databases differ in what they make of one."""
    if "\x00" in scope["path"] or "%00" in incoming.query or b"\x00" in incoming.body or b"\\u0000" in incoming.body:
        raise Problem(400, "nul_character", _("The request holds a NUL character. Remove it."), source="gateway")


def _refuse_broken_text(incoming: Incoming) -> None:
    """JSON can spell half a surrogate pair, which is no text and which no database stores."""
    if b"\\ud" not in incoming.body and b"\\uD" not in incoming.body:
        return
    try:
        json.dumps(json.loads(incoming.body), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        detail = _("The request holds half a Unicode character. Send whole ones.")
        raise Problem(400, "broken_unicode", detail, source="gateway") from error
    except ValueError:
        return


async def _send(send: Send, answer: Answer, extra: Mapping[str, str]) -> None:
    headers = {"content-length": str(len(answer.body)), **extra, **answer.headers}
    if answer.status in {204, 304}:
        headers.pop("content-length")
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    short = len(answer.body) < int(headers.get("content-length", "0"))
    await send({"type": "http.response.body", "body": answer.body, "more_body": short})


async def _close(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer, as a broken line would."""
    scope["extensions"][CLOSE]["close"]()
    while (await receive())["type"] != "http.disconnect":
        pass
