"""One call inside its sandbox: count it, let trouble strike, let the agency answer, commit, journal.

A call that changes state is one transaction: the change, its journal entry and its idempotency record are committed
before the first byte of the answer leaves; an answer of 400 or above rolls the change back. Answers are whole values
here, so that they can be stored, spoiled and journaled.
"""

import asyncio
import logging
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope

from services.kit import faults as trouble
from services.kit import idempotency
from services.kit.access import Call
from services.kit.answers import Answer
from services.kit.clock import RealTime
from services.kit.faults import Rule
from services.kit.incoming import Incoming
from services.kit.journal import Entry
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.store import Session
from services.kit.tables import dead_tokens
from services.kit.tenancy import Sandbox
from services.kit.tokens import Caller, refused

_ = catalogue(__file__)
_log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class _RolledBack(Exception):  # noqa: N818 - carries an answer out of a transaction, no error
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Visit:
    """One call inside its sandbox.

    Args:
        app: the agency's routes.
        scope: the call's ASGI scope.
        real: the real clock.

    Attributes:
        limit_headers: `RateLimit` headers for the answer, once the call is counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        incoming: Incoming,
        caller: Caller,
        sandbox: Sandbox,
        real: RealTime,
    ) -> None:
        self.app = app
        self.real = real
        self.scope = scope
        self.incoming = incoming
        self.caller = caller
        self.sandbox = sandbox
        self.limit_headers: dict[str, str] = {}
        self.rule: Rule | None = None

    async def made(self) -> Answer | None:
        """Give what the caller gets: an answer, or None for a closed connection."""
        answer: Answer | None
        try:
            spoiled = await self._hindered()
            if spoiled is not None and spoiled.kind == "close_before":
                self._note(None)
                return None
            if self.incoming.method in SAFE:
                answer = await self._handled(await self._reading())
            else:
                answer = await self._changed()
                return self._after(answer)
        except Problem as problem:
            answer = refusal(problem, self.incoming)
        shown = self._after(answer)
        self._note(shown)
        return shown

    async def _hindered(self) -> Rule | None:
        """Count the call, and let a fault strike that answers in the agency's place."""
        sandbox, incoming = self.sandbox, self.incoming
        if self.caller.token_id in sandbox.dead:
            raise refused(_("The access token has expired. Get a new one and repeat the call."))
        self.limit_headers["ratelimit-policy"] = sandbox.limit.policy
        self.limit_headers["ratelimit"] = sandbox.limit.take(self.caller.client_id, incoming.started)
        if not sandbox.faults.rules:
            return None
        query = dict(parse_qsl(incoming.query, keep_blank_values=True))
        now = sandbox.clock.now(incoming.started)
        rule = self.rule = sandbox.faults.strike(incoming.method, incoming.path, query, now)
        if rule is None:
            return None
        if rule.kind == "latency":
            await asyncio.sleep(sandbox.faults.delay(rule))
        elif rule.kind in trouble.BEFORE and rule.kind != "close_before":
            await self._refuse(rule)
        return rule

    async def _refuse(self, rule: Rule) -> None:
        if rule.kind == "exhaust_quota":
            raise self.sandbox.limit.exhausted(rule.retry_after if rule.retry_after is not None else 2)
        if rule.kind == "expire_token":
            if self.caller.token_id is not None and self.caller.token_id not in self.sandbox.dead:
                self.sandbox.dead.add(self.caller.token_id)
                async with self.sandbox.database.writing() as session:
                    await session.run(dead_tokens.insert(), rows=[{"token_id": self.caller.token_id}])
            raise refused(_("The access token has expired. Get a new one and repeat the call."))
        headers = {} if rule.retry_after is None else {"retry-after": str(rule.retry_after)}
        detail = _("The service cannot answer just now. Wait a little, then try again.")
        raise Problem(rule.status, "temporarily_unavailable", detail, headers=headers, source="provider")

    async def _reading(self) -> Session:
        sandbox, rule = self.sandbox, self.rule
        if rule is not None and rule.kind == "stale_read" and sandbox.stale is not None:
            if self.incoming.started - sandbox.faults.last_write < rule.seconds:
                return sandbox.stale
            await sandbox.drop_stale()
        return sandbox.database.reading

    async def _handled(self, session: Session, key: str | None = None) -> Answer:
        """Let the agency's own routes answer."""
        incoming = self.incoming
        call = Call(
            self.caller, self.sandbox, session, incoming.headers, incoming.started, incoming.request_id,
            incoming.trace_id, key,
        )  # fmt: skip
        if self.rule is not None and self.rule.kind == "shift_page":
            call.page_shift = 1
        self.scope["lab.call"] = call
        answer = _Collected()
        try:
            await self.app(self.scope, _replayed(incoming.body), answer.send)
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", incoming.method, incoming.path)
            raise mistake() from None
        return answer.whole()

    async def _changed(self) -> Answer:
        """Run an unsafe call as one transaction with its journal entry and its idempotency record."""
        sandbox = self.sandbox
        key = self._key()
        running = (self.caller.client_id, key or "")
        if key is not None:
            if running in sandbox.running_keys:
                raise idempotency.still_running()
            sandbox.running_keys.add(running)
        try:
            return await self._committed(key)
        except _RolledBack as rolled_back:
            self._note(self._after(rolled_back.answer))
            return rolled_back.answer
        finally:
            sandbox.running_keys.discard(running)

    async def _committed(self, key: str | None) -> Answer:
        sandbox = self.sandbox
        entry: Entry | None = None
        try:
            async with sandbox.database.writing() as session:
                answer = await self._change(session, key)
                entry = self._entry(self._after(answer), committed=True)
                sandbox.journal.note(entry)
                await self._remember_past()
                count = await sandbox.write_waiting(session)
        except BaseException:
            if entry is not None:
                entry.committed = False
            raise
        sandbox.journal.written(count)
        sandbox.faults.last_write = self.incoming.started
        return answer

    async def _change(self, session: Session, key: str | None) -> Answer:
        print_ = ""
        if key is not None:
            print_ = idempotency.fingerprint(self.incoming.method, self.incoming.path, self.incoming.body)
            earlier = await idempotency.earlier_answer(session, self.caller.client_id, key, print_)
            if earlier is not None:
                raise _RolledBack(
                    Answer(earlier.status, {**earlier.headers, "idempotent-replayed": "true"}, earlier.body)
                )
        answer = await self._handled(session, key)
        if answer.status >= 400:
            raise _RolledBack(answer)
        if key is not None:
            await idempotency.keep(session, self.caller.client_id, key, print_, answer)
        return answer

    def _key(self) -> str | None:
        """Give the call's key; who shows no token is not yet known well enough to be given a stored answer."""
        given = self.incoming.headers.get(b"idempotency-key")
        if given is None or self.incoming.method != "POST" or self.caller.token_id is None:
            return None
        return idempotency.checked_key(given.decode("latin-1"))

    async def _remember_past(self) -> None:
        """Before a write is committed: keep the state that a `stale_read` fault will go on showing."""
        sandbox = self.sandbox
        if any(rule.kind == "stale_read" for rule in sandbox.faults.rules):
            await sandbox.drop_stale()
            sandbox.stale = await sandbox.database.snapshot()

    def _after(self, answer: Answer) -> Answer | None:
        """Spoil the answer where a fault says so."""
        rule = self.rule
        if rule is None or answer.status >= 400:
            return answer
        if rule.kind == "close_after_commit":
            return None
        if rule.kind == "truncate_body":
            headers = {**answer.headers, "content-length": str(len(answer.body))}
            return Answer(answer.status, headers, answer.body[: len(answer.body) // 2])
        if rule.kind == "malformed_body":
            return Answer(answer.status, answer.headers, answer.body[: len(answer.body) * 2 // 3] + b"\xff<!--")
        return answer

    def _note(self, answer: Answer | None) -> None:
        self.sandbox.note(self._entry(answer, committed=False))

    def _entry(self, answer: Answer | None, *, committed: bool) -> Entry:
        incoming, caller = self.incoming, self.caller
        return Entry(
            at=self.sandbox.clock.now(incoming.started),
            started=incoming.started,
            ended=self.real(),
            method=incoming.method,
            path=incoming.path,
            query=incoming.query,
            headers=incoming.header_list,
            body=incoming.body,
            answer=answer,
            client_id=caller.client_id,
            token_id=caller.token_id,
            scopes=caller.scopes,
            request_id=incoming.request_id,
            trace_id=incoming.trace_id,
            idempotency_key=self.incoming.headers.get(b"idempotency-key", b"").decode("latin-1") or None,
            fault=self.rule.id if self.rule is not None else None,
            committed=committed,
        )


def mistake() -> Problem:
    """Give the 500 for a defect of the lab itself; the grader counts it as an error, never as a fail."""
    detail = _("The service made a mistake of its own. Tell the trainer, with the trace id.")
    return Problem(500, "internal_error", detail)


class _Collected:
    """Takes an application's messages and makes one answer of them."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[str, str] = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self._body += message.get("body", b"")

    def whole(self) -> Answer:
        self._headers.pop("content-length", None)
        return Answer(self._status, self._headers, self._body)


def _replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def refusal(problem: Problem, incoming: Incoming) -> Answer:
    """Write a problem as the answer to a request."""
    return problem.answer(incoming.language, instance=incoming.path, trace_id=incoming.trace_id)
