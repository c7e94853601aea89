"""One call inside its sandbox: count it, let trouble strike, let the agency answer, commit, journal.

A call that changes state is one transaction: the change, its journal entry and its idempotency record are committed
before the first byte of the answer leaves; an answer of 400 or above rolls the change back. Answers are whole values
here, so that they can be stored, spoiled and journaled.
"""

import logging
from urllib.parse import parse_qsl

from starlette.types import Scope

from services.kit import faults as trouble
from services.kit import idempotency
from services.kit.access import Call
from services.kit.answers import Answer
from services.kit.clock import RealTime
from services.kit.faults import Rule
from services.kit.homes import ElsewhereError
from services.kit.incoming import Incoming
from services.kit.journal import Entry
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.routing import Found, Routes
from services.kit.sandbox import Sandbox
from services.kit.store import Session, StoreUnavailableError, Transaction
from services.kit.tables import dead_tokens
from services.kit.tokens import Caller, refused

_ = catalogue(__file__)
_log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ADD_DEAD = dead_tokens.insert()
EXHAUSTED_SECONDS = 2
"""How long a client whose quota a fault has exhausted is asked to wait, unless the rule says otherwise."""


class _Undone(Exception):  # noqa: N818 - carries an answer out of a transaction, no error
    """The transaction is rolled back, and the caller gets this answer all the same."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Visit:
    """One call inside its sandbox.

    Args:
        routes: the agency's.
        scope: the call's ASGI scope.
        real: the real clock.

    Attributes:
        limit_headers: `RateLimit` headers for the answer, once the call is counted.
    """

    __slots__ = (
        "_call", "_entry", "_faults",
        "caller", "incoming", "limit_headers", "real", "routes", "rule", "sandbox", "scope",
    )  # fmt: skip

    def __init__(
        self,
        routes: Routes,
        scope: Scope,
        incoming: Incoming,
        caller: Caller,
        sandbox: Sandbox,
        real: RealTime,
    ) -> None:
        self.routes = routes
        self.real = real
        self.scope = scope
        self.incoming = incoming
        self.caller = caller
        self.sandbox = sandbox
        self.limit_headers: dict[str, str] = {}
        self.rule: Rule | None = None
        # They may be replaced while this call goes on; a strike is taken back where it was counted.
        self._faults = sandbox.faults
        self._call: Call | None = None
        self._entry: Entry | None = None

    async def made(self) -> Answer | None:
        """Give what the caller gets: an answer, or None for a closed connection.

        Raises:
            ElsewhereError: this process is not the sandbox's home any more, and the call changed nothing.
        """
        answer: Answer | None
        try:
            answer = await self._answered()
        except Problem as problem:
            answer = self._spoiled(refusal(problem, self.incoming))
        except ElsewhereError:
            # Nothing was written here, and it goes to whoever is home now.
            raise
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets an answer and the log the trace
            _log.exception("%s %s failed", self.incoming.method, self.incoming.path)
            answer = refusal(mistake(), self.incoming)
        self._note(answer)
        return answer

    async def _answered(self) -> Answer | None:
        incoming, sandbox = self.incoming, self.sandbox
        if self.caller.token_id in sandbox.dead:
            raise refused(_("The access token has expired. Get a new one and repeat the call."))
        self.limit_headers["ratelimit-policy"] = sandbox.limit.policy
        self.limit_headers["ratelimit"] = sandbox.limit.take(self.caller.client_id, incoming.started)
        if sandbox.faults.rules and await self._struck():
            return None
        if incoming.trouble is not None:
            raise incoming.trouble
        if incoming.method not in SAFE:
            return await self._changed()
        return self._spoiled(await self._handled(self._found(), await self._reading()))

    async def _struck(self) -> bool:
        """Let a fault strike; True where the connection is to be closed without an answer."""
        sandbox, incoming = self.sandbox, self.incoming
        query = dict(parse_qsl(incoming.query, keep_blank_values=True))
        now = sandbox.clock.now(incoming.started)
        rule = self.rule = self._faults.strike(incoming.method, incoming.path, query, now, self._may_show)
        if rule is None:
            return False
        if rule.kind == "latency":
            await sandbox.dawdle(sandbox.faults.delay(rule))
        elif rule.kind in trouble.BEFORE and rule.kind != "close_before":
            await self._refuse(rule)
        return rule.kind == "close_before"

    def _may_show(self, rule: Rule) -> bool:
        """Say whether a rule could show anything in this call: there is not always a past to be shown."""
        if rule.kind != "stale_read":
            return True
        sandbox, incoming = self.sandbox, self.incoming
        young = incoming.started - sandbox.faults.last_write < rule.seconds
        return incoming.method in SAFE and sandbox.stale is not None and young

    async def _refuse(self, rule: Rule) -> None:
        if rule.kind == "exhaust_quota":
            wait = EXHAUSTED_SECONDS if rule.retry_after is None else rule.retry_after
            raise self.sandbox.limit.exhausted(wait)
        if rule.kind == "expire_token":
            await self._expire()
            raise refused(_("The access token has expired. Get a new one and repeat the call."))
        headers = {} if rule.retry_after is None else {"retry-after": str(rule.retry_after)}
        detail = _("The service cannot answer just now. Wait a little, then try again.")
        raise Problem(rule.status, "temporarily_unavailable", detail, headers=headers, source="provider")

    async def _expire(self) -> None:
        token = self.caller.token_id
        if token is not None and token not in self.sandbox.dead:
            self.sandbox.dead.add(token)

            async def bury(session: Transaction) -> None:
                await session.run(_ADD_DEAD, rows=[{"token_id": token}])

            await self.sandbox.write(bury)

    async def _reading(self) -> Session:
        sandbox = self.sandbox
        if self.rule is not None and self.rule.kind == "stale_read" and sandbox.stale is not None:
            return sandbox.stale
        return sandbox.database.reading

    def _found(self) -> Found:
        """Give the call's route, whose name the metrics take."""
        found = self.routes.find(self.incoming.method, self.incoming.path)
        self.incoming.route = found.route.path
        return found

    async def _handled(self, found: Found, session: Session, key: str | None = None) -> Answer:
        """Let the agency's own route answer."""
        incoming = self.incoming
        call = self._call = Call(
            self.caller, self.sandbox, session, incoming.headers, incoming.started, incoming.request_id,
            incoming.trace_id, key,
        )  # fmt: skip
        if self.rule is not None and self.rule.kind == "shift_page":
            call.page_shift = 1
        return await self.routes.answer(found, call, self.scope, incoming.body)

    async def _changed(self) -> Answer | None:
        """Run an unsafe call as one transaction with its journal entry and its idempotency record."""
        running_keys = self.sandbox.running_keys
        key = self._key()
        running = (self.caller.client_id, key or "")
        if key is not None:
            if running in running_keys:
                raise idempotency.still_running()
            running_keys.add(running)
        try:
            return await self._committed(key)
        except _Undone as undone:
            return self._spoiled(undone.answer)
        finally:
            running_keys.discard(running)

    async def _committed(self, key: str | None) -> Answer | None:
        sandbox = self.sandbox

        async def change(session: Transaction) -> Answer | None:
            answer = self._spoiled(await self._change(session, key))
            await self._remember_past()
            self._note(answer, committed=True)
            return answer

        try:
            answer = await sandbox.write(change)
        except BaseException as error:
            # Who was told to try again would perhaps do twice what is known by no key; as if the service had died.
            silent = key is None and isinstance(error, StoreUnavailableError) and error.is_doubtful
            if self._entry is not None:
                # It was noted, but not committed, as far as is known.
                self._entry.committed = False
                problem = error if isinstance(error, Problem) else mistake()
                self._entry.answer = None if silent else refusal(problem, self.incoming)
            if silent:
                return None
            raise
        sandbox.faults.last_write = self.incoming.started
        return answer

    async def _change(self, session: Transaction, key: str | None) -> Answer:
        """Let the agency change something.

        Raises:
            _Undone: it did not, or refused to: nothing is there to be committed.
        """
        print_ = ""
        found = self._found()
        if key is not None:
            # A stored answer is given only to who would be let in to make the call.
            for guard in found.route.guards:
                guard.require_scope(self.caller)
            print_ = idempotency.fingerprint(self.incoming.method, self.incoming.path, self.incoming.body)
            earlier = await idempotency.earlier_answer(session, self.caller.client_id, key, print_)
            if earlier is not None:
                raise _Undone(Answer(earlier.status, {**earlier.headers, "idempotent-replayed": "true"}, earlier.body))
        answer = await self._handled(found, session, key)
        if answer.status >= 400 or not session.changed:
            raise _Undone(answer)
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
        await sandbox.drop_stale()
        if sandbox.faults.has_live("stale_read", sandbox.clock.now(self.incoming.started)):
            sandbox.stale = await sandbox.database.snapshot()

    def _spoiled(self, answer: Answer) -> Answer | None:
        """Spoil the answer where a fault says so; one that has nothing to spoil is left to another call."""
        rule = self.rule
        if rule is None:
            return answer
        if not self._shows(rule, answer):
            self._faults.spare(rule)
            self.rule = None
            return answer
        if rule.kind not in trouble.AFTER:
            return answer
        if rule.kind == "close_after_commit":
            return None
        if rule.kind == "truncate_body":
            headers = {**answer.headers, "content-length": str(len(answer.body))}
            return Answer(answer.status, headers, answer.body[: len(answer.body) // 2])
        return Answer(answer.status, answer.headers, answer.body[: len(answer.body) * 2 // 3] + b"\xff<!--")

    def _shows(self, rule: Rule, answer: Answer) -> bool:
        """Say whether a rule that has struck does show, now that the answer is there."""
        if rule.kind == "shift_page":
            return self._call is not None and self._call.slipped
        if rule.kind not in trouble.AFTER:
            return True
        return answer.status < 400 and (bool(answer.body) or rule.kind == "close_after_commit")

    def _note(self, answer: Answer | None, *, committed: bool = False) -> None:
        """Journal the call, once; a change that is made again because the store lost it has another answer."""
        if self._entry is not None:
            if committed:
                self._entry.answer = answer
            return
        incoming, caller = self.incoming, self.caller
        key = incoming.headers.get(b"idempotency-key")
        self._entry = Entry(
            clock=self.sandbox.clock,
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
            idempotency_key=None if key is None else key.decode("latin-1"),
            fault=self.rule.id if self.rule is not None else None,
            committed=committed,
        )
        self.sandbox.note(self._entry)


def mistake() -> Problem:
    """Give the 500 for a defect of the lab itself; the grader counts it as an error, never as a fail."""
    detail = _("The service made a mistake of its own. Tell the trainer, with the trace id.")
    return Problem(500, "internal_error", detail)


def refusal(problem: Problem, incoming: Incoming) -> Answer:
    """Write a problem as the answer to a request."""
    return problem.answer(incoming.language, instance=incoming.path, trace_id=incoming.trace_id)
