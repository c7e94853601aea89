"""A replica's back door: takes in calls that were passed on to it, and passes on those that belong elsewhere.

Nothing is passed on twice. A replica that is asked for a sandbox of which it is not the home answers 421, and whoever
asked asks again.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.answers import Answer
from services.kit.clock import RealTime
from services.kit.envoy import Here, Search, moving, veto_of
from services.kit.homes import ElsewhereError, Homes
from services.kit.peers import (
    DOUBTFUL,
    HOME,
    NOT_HOME,
    PASSED,
    VISITS,
    LostError,
    Outcome,
    Passed,
    Peers,
    Reply,
    UnreachedError,
)
from services.kit.pipeline import WHOLE, nonsense
from services.kit.problems import Problem
from services.kit.visit import mistake, refusal

_log = logging.getLogger(__name__)

_SANDBOXES = "/_lab/sandboxes/"
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
"""Methods of back-door calls that come to the same when they are made twice; `PATCH …/clock` may add up."""

_CARRIED = ("authorization", "content-type", "accept")


class Relay:
    """One service's back door in a process that is one of several.

    Args:
        app: the back door itself.
        token: what opens it.
        here: this process's way of letting a participant's call in.
    """

    def __init__(self, app: ASGIApp, peers: Peers, homes: Homes, token: str, here: Here, real: RealTime) -> None:
        self._app = app
        self._peers = peers
        self._homes = homes
        self._token = f"Bearer {token}".encode()
        self._here = here
        self._real = real
        self._running: dict[str, asyncio.Future[Outcome | ElsewhereError]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        path: str = scope["path"]
        if path == VISITS:
            reply = await self._received(await _whole(receive)) if self._opens(scope) else Reply(401, {}, b"")
        elif path.startswith(_SANDBOXES) and self._opens(scope):
            reply = await self._settled(scope, await _whole(receive))
        else:
            await self._app(scope, receive, send)
            return
        await _send(reply, scope, send)

    def _opens(self, scope: Scope) -> bool:
        return secrets.compare_digest(dict(scope["headers"]).get(b"authorization", b""), self._token)

    async def _received(self, message: bytes) -> Reply:
        """Let in a participant's call that another replica passed on."""
        passed = Passed.unpacked(message, self._real())
        running = self._running.get(passed.visit)
        if running is None:
            outcome = await self._heard(passed)
        else:
            # It was sent again while it runs: its one outcome goes to whoever still waits.
            outcome = await asyncio.shield(running)
        return _not_home(outcome) if isinstance(outcome, ElsewhereError) else Reply(200, {}, outcome.packed())

    async def _heard(self, passed: Passed) -> Outcome | ElsewhereError:
        running = self._running[passed.visit] = asyncio.get_running_loop().create_future()
        outcome: Outcome | ElsewhereError
        try:
            outcome = await self._visited(passed)
        except ElsewhereError as away:
            outcome = away
        except BaseException:
            running.cancel()
            raise
        finally:
            del self._running[passed.visit]
        running.set_result(outcome)
        return outcome

    async def _visited(self, passed: Passed) -> Outcome:
        incoming = passed.incoming
        incoming.trouble = nonsense(incoming)
        extra: dict[str, str] = {}
        veto = veto_of(incoming, passed.caller) if passed.again else None
        answer: Answer | None
        try:
            answer = await self._here(_scope(passed), incoming, passed.caller, extra, veto)
        except ElsewhereError:
            raise
        except Problem as problem:
            answer = refusal(problem, incoming)
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", incoming.method, incoming.path)
            answer = refusal(mistake(), incoming)
        return Outcome(answer, extra, incoming.route, incoming.fault)

    async def _settled(self, scope: Scope, body: bytes) -> Reply:
        """Give the answer to a back-door call, made here or at the home."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        search = Search()
        while not search.over:
            reply = await self._made(scope, body)
            if reply.status != NOT_HOME or PASSED in headers:
                return reply
            try:
                reply = await self._passed_on(reply.headers, scope, headers, body)
            except UnreachedError:
                """It is gone; its lock goes too, and then the sandbox is found here."""
            except LostError:
                if scope["method"] not in _REPEATABLE:
                    break
            if reply.status != NOT_HOME:
                return reply
            self._homes.mistrust(scope["path"].removeprefix(_SANDBOXES).partition("/")[0])
            await search.pause()
        return _moving()

    async def _passed_on(self, told: Mapping[str, str], scope: Scope, headers: Mapping[str, str], body: bytes) -> Reply:
        """Ask where this process was told to, if it was told."""
        if DOUBTFUL in told:
            raise LostError
        address = told.get(HOME)
        if address is None:
            return Reply(NOT_HOME, {}, b"")
        target = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        carried = {name: headers[name] for name in _CARRIED if name in headers}
        return await self._peers.ask(address, scope["method"], target, carried, body)

    async def _made(self, scope: Scope, body: bytes) -> Reply:
        """Let this process's own back door answer, and keep the answer."""
        status = 500
        headers: dict[str, str] = {}
        parts: list[bytes] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers.update((name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"])
            else:
                parts.append(message.get("body", b""))

        try:
            await self._app({**scope, "extensions": {}}, receive, send)
        except Exception:  # noqa: BLE001 - it has answered 500 all the same
            _log.exception("%s %s failed", scope["method"], scope["path"])
        return Reply(status, headers, b"".join(parts))


async def _whole(receive: Receive) -> bytes:
    body: bytes = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _scope(passed: Passed) -> Scope:
    """Give the ASGI scope of a call that came in elsewhere."""
    incoming = passed.incoming
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": incoming.method,
        "path": incoming.path,
        "raw_path": incoming.path.encode(),
        "query_string": incoming.query.encode("latin-1"),
        "root_path": "",
        "headers": incoming.header_list,
        "client": None,
        "server": None,
        "extensions": {},
    }


def _not_home(away: ElsewhereError) -> Reply:
    headers = {} if away.address is None else {HOME: away.address}
    return Reply(NOT_HOME, headers | ({DOUBTFUL: "1"} if away.is_doubtful else {}), b"")


def _moving() -> Reply:
    answer = moving().answer("en", instance="/_lab", trace_id="-")
    return Reply(answer.status, answer.headers, answer.body)


async def _send(reply: Reply, scope: Scope, send: Send) -> None:
    headers = dict(reply.headers)
    if reply.status != 204:
        headers["content-length"] = str(len(reply.body))
    raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
    server = scope.get("extensions", {}).get(WHOLE)
    if server is not None:
        await server["send"](reply.status, raw, reply.body)
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body})
