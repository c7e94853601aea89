"""How the replicas of a service speak to each other: over their back doors, on connections that are kept.

A participant's call travels whole, as `POST /_lab/visits`: a line of JSON and then the body, there and back. So what
the home makes of it, a connection closed without an answer or half a body included, is what the caller gets.
"""

import asyncio
import json
import socket
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakValueDictionary

from services.kit.answers import Answer
from services.kit.homes import ElsewhereError
from services.kit.incoming import Incoming
from services.kit.tokens import Caller

VISITS = "/_lab/visits"
PASSED = "x-lab-passed"
"""Header of a call that was passed on once and is not passed on again."""

HOME = "x-lab-home"
"""Header by which a 421 tells the home's address, where it is known."""

DOUBTFUL = "x-lab-doubtful"
"""Header of a 421 to a call that may have been carried out all the same."""

NOT_HOME = 421
CONNECT_SECONDS = 3.0
IDLE_SECONDS = 50.0
"""How long an unused connection is kept: less than the other side keeps it."""

MOST = 64
"""Calls that may be on their way to one replica for one sandbox; others wait, and no other sandbox's have to."""

MOST_IDLE = 64
"""Connections to one replica that are kept though nothing is on its way."""

_KEEPALIVE = (
    ("SO_KEEPALIVE", socket.SOL_SOCKET, 1),
    ("TCP_KEEPIDLE", socket.IPPROTO_TCP, 5),
    ("TCP_KEEPINTVL", socket.IPPROTO_TCP, 3),
    ("TCP_KEEPCNT", socket.IPPROTO_TCP, 3),
    ("TCP_USER_TIMEOUT", socket.IPPROTO_TCP, 12_000),
)


class UnreachedError(ConnectionError):
    """The other replica never heard the question."""


class LostError(ConnectionError):
    """The other replica may have heard the question, and its answer did not come."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What another replica answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call at its sandbox's home.

    Attributes:
        answer: None where the connection is to be closed without one.
        extra: further headers for the caller.
        route: template of the route that it met.
        fault: kind of the fault that struck it.
    """

    answer: Answer | None
    extra: dict[str, str]
    route: str
    fault: str

    def packed(self) -> bytes:
        """Give the bytes from which `unpacked` makes this again."""
        answer = self.answer
        head: dict[str, object] = {"extra": self.extra, "route": self.route, "fault": self.fault, "status": None}
        if answer is not None:
            head |= {"status": answer.status, "headers": dict(answer.headers)}
        return _packed(head, answer.body if answer else b"")

    @classmethod
    def unpacked(cls, message: bytes) -> "Outcome":
        """Undo `packed`."""
        head, body = _unpacked(message)
        answer = None if head["status"] is None else Answer(head["status"], head["headers"], body)
        return cls(answer, head["extra"], head["route"], head["fault"])


@dataclass(frozen=True, slots=True)
class Passed:
    """A participant's call on its way to the home.

    Attributes:
        visit: a random word by which the home knows the call again when it is sent once more.
        again: it was sent before, and what became of it is not known.
    """

    visit: str
    incoming: Incoming
    caller: Caller
    again: bool

    def packed(self) -> bytes:
        """Give the bytes from which `unpacked` makes this again."""
        incoming, caller = self.incoming, self.caller
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in incoming.header_list]
        head = {
            "visit": self.visit,
            "again": self.again,
            "caller": [caller.sandbox, caller.client_id, caller.token_id, caller.scopes, caller.expires],
            "method": incoming.method,
            "path": incoming.path,
            "query": incoming.query,
            "headers": headers,
            "request_id": incoming.request_id,
            "trace_id": incoming.trace_id,
        }
        return _packed(head, incoming.body)

    @classmethod
    def unpacked(cls, message: bytes, started: float) -> "Passed":
        """Undo `packed`; the call begins at `started` by the home's own clock."""
        head, body = _unpacked(message)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"]]
        incoming = Incoming(
            method=head["method"],
            path=head["path"],
            query=head["query"],
            headers=dict(headers),
            header_list=headers,
            body=body,
            request_id=head["request_id"],
            trace_id=head["trace_id"],
            started=started,
        )
        sandbox, client_id, token_id, scopes, expires = head["caller"]
        caller = Caller(sandbox, client_id, token_id, tuple(scopes), expires)
        return cls(head["visit"], incoming, caller, head["again"])


def _packed(head: Mapping[str, object], body: bytes) -> bytes:
    return json.dumps(head).encode() + b"\n" + body


def _unpacked(message: bytes) -> tuple[dict[str, Any], bytes]:
    head, _newline, body = message.partition(b"\n")
    return json.loads(head), body


class _Line(asyncio.Protocol):
    """One kept connection, on which one question is asked at a time."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._head: tuple[int, dict[str, str]] | None = None
        self._missing = 0
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport
        self._is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        opened: socket.socket = transport.get_extra_info("socket")
        for option, level, number in _KEEPALIVE:
            if hasattr(socket, option):
                opened.setsockopt(level, getattr(socket, option), number)

    @property
    def is_usable(self) -> bool:
        """Whether the other side still keeps it, as far as one can see."""
        return self._is_open and self._loop.time() - self.idle_since < IDLE_SECONDS

    async def ask(self, question: bytes) -> Reply:
        """Ask, and give the reply.

        Raises:
            ConnectionError: it did not come whole.
            ValueError: it is no HTTP.
        """
        if not self._is_open:
            raise ConnectionResetError
        self._received, self._head = b"", None
        self._waiting = self._loop.create_future()
        self._transport.write(question)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        """Take up a piece of the reply."""
        self._received += data
        try:
            if self._head is None and not self._has_head():
                return
        except ValueError as error:
            self._end(error)
            return
        if self._head is not None and len(self._received) >= self._missing:
            self._tell(Reply(*self._head, self._received))

    def _has_head(self) -> bool:
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if not blank:
            return False
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): text.strip() for name, _colon, text in (line.partition(":") for line in lines[1:])}
        self._head = int(lines[0][9:12]), headers
        self._missing = int(headers.get("content-length", "0"))
        self._received = rest
        return True

    def _tell(self, reply: Reply) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def _end(self, error: Exception) -> None:
        self._is_open = False
        self._transport.abort()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def eof_received(self) -> None:
        """The other side has said its last."""
        self._is_open = False

    def connection_lost(self, exc: Exception | None) -> None:
        """What has not come by now does not come any more."""
        self._end(exc or ConnectionResetError())

    def close(self) -> None:
        """Close it."""
        self._is_open = False
        with suppress(RuntimeError):  # the loop has ended before
            self._transport.abort()


class Peers:
    """The other replicas, by the addresses of their back doors.

    Args:
        token: what opens a back door.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._idle: defaultdict[str, deque[_Line]] = defaultdict(deque)
        self._gates: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()

    async def visit(self, address: str, passed: Passed) -> Outcome:
        """Let a call be answered at its sandbox's home.

        Raises:
            UnreachedError: it never came there.
            LostError: it may have come there.
            ElsewhereError: it came there, and that is not its home.
        """
        reply = await self.ask(address, "POST", VISITS, {}, passed.packed(), sandbox=passed.caller.sandbox)
        if reply.status == NOT_HOME:
            raise ElsewhereError(reply.headers.get(HOME), is_doubtful=DOUBTFUL in reply.headers)
        if reply.status != 200:
            message = f"the replica at {address} answered {reply.status}"
            raise LostError(message)
        return Outcome.unpacked(reply.body)

    async def ask(
        self, address: str, method: str, target: str, headers: Mapping[str, str], body: bytes, *, sandbox: str = ""
    ) -> Reply:
        """Call another replica's back door.

        Args:
            headers: further ones, such as `content-type`.
            sandbox: whose call it is; empty for the lab's own.

        Raises:
            UnreachedError: it did not hear.
            LostError: it may have heard.
        """
        given = {"host": address, "authorization": f"Bearer {self._token}", PASSED: "1", **headers}
        given["content-length"] = str(len(body))
        head = "".join(f"{name}: {text}\r\n" for name, text in given.items())
        question = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
        async with self._gate(address, sandbox):
            line = await self._line(address)
            try:
                reply = await line.ask(question)
            except (OSError, ValueError) as error:
                line.close()
                message = f"the replica at {address} did not answer"
                raise LostError(message) from error
            except BaseException:
                line.close()
                raise
            self._keep(address, line, again=reply.headers.get("connection") != "close")
            return reply

    def _gate(self, address: str, sandbox: str) -> asyncio.Semaphore:
        gate = self._gates.get((address, sandbox))
        if gate is None:
            gate = self._gates[address, sandbox] = asyncio.Semaphore(MOST)
        return gate

    def _keep(self, address: str, line: _Line, *, again: bool) -> None:
        if again and len(self._idle[address]) < MOST_IDLE:
            line.idle_since = asyncio.get_running_loop().time()
            self._idle[address].append(line)
        else:
            line.close()

    async def _line(self, address: str) -> _Line:
        idle = self._idle[address]
        while idle:
            line = idle.pop()
            if line.is_usable:
                return line
            line.close()
        host, _colon, port = address.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _transport, line = await asyncio.get_running_loop().create_connection(_Line, host, int(port))
                return line
        except (OSError, ValueError) as error:
            message = f"the replica at {address} cannot be reached"
            raise UnreachedError(message) from error

    async def close(self) -> None:
        """Close all connections."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()
