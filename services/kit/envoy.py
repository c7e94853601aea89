"""Passing calls on to a sandbox's home, and looking for another home where that one has gone.

A call is answered once: it is sent again only where it never arrived, where it is safe, where its `Idempotency-Key`
keeps it from being carried out twice, or where the journal shows that it was not carried out. Otherwise its connection
is closed without an answer, as a server does that dies.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from sqlalchemy import bindparam, func, select
from starlette.types import Scope

from services.kit.answers import Answer
from services.kit.homes import ElsewhereError, Homes
from services.kit.incoming import Incoming
from services.kit.language import catalogue
from services.kit.metrics import Metrics
from services.kit.peers import LostError, Outcome, Passed, Peers, UnreachedError
from services.kit.problems import Problem
from services.kit.sandbox import Sandbox
from services.kit.store import Prepared
from services.kit.tables import journal
from services.kit.tokens import Caller
from services.kit.visit import SAFE

_ = catalogue(__file__)

SEARCH_SECONDS = 30.0
"""How long a home is looked for: longer than a database needs to notice that a machine is lost."""

_COMMITTED = Prepared(
    select(func.count().label("found"))
    .select_from(journal)
    .where(journal.c.request_id == bindparam("request_id"), journal.c.committed)
)

Veto = Callable[[Sandbox], Awaitable[bool]]
"""Says of a sandbox that a call may not be let in: it has been there before."""


class Here(Protocol):
    """This process's own way of letting a call into its sandbox."""

    async def __call__(
        self, scope: Scope, incoming: Incoming, caller: Caller, extra: dict[str, str], veto: Veto | None = None
    ) -> Answer | None:
        """Give what the caller gets: an answer, or None for a closed connection.

        Raises:
            ElsewhereError: this process is not the sandbox's home.
            Problem: it refuses the call.
        """
        ...


def veto_of(incoming: Incoming, caller: Caller) -> Veto | None:
    """Give what speaks against letting a call in that was sent before; None where it can do no harm."""
    keyed = incoming.method == "POST" and b"idempotency-key" in incoming.headers and caller.token_id is not None
    if incoming.method in SAFE or keyed:
        return None

    async def committed(sandbox: Sandbox) -> bool:
        return bool(await sandbox.database.reading.scalar(_COMMITTED, request_id=incoming.request_id))

    return committed


class Envoy:
    """Takes calls to where they belong.

    Args:
        here: for the case that this process becomes the home.
    """

    def __init__(self, peers: Peers, homes: Homes, here: Here, metrics: Metrics) -> None:
        self._peers = peers
        self._homes = homes
        self._here = here
        self._metrics = metrics

    async def answer(
        self, scope: Scope, incoming: Incoming, caller: Caller, extra: dict[str, str], away: ElsewhereError
    ) -> Answer | None:
        """Give what the caller gets, wherever the sandbox's home is.

        Args:
            extra: takes up further headers for the caller.
            away: what this process was told when it looked for the sandbox.

        Raises:
            Problem: the call was refused, or no home was found in time.
        """
        passed = Passed(secrets.token_hex(8), incoming, caller, again=away.is_doubtful)
        search = Search()
        while not search.over:
            try:
                return _taken(await self._asked(away.address, passed), incoming, extra)
            except LostError:
                # The next home is looked for as long, but not one after the other without end.
                search = search if passed.again else Search()
                passed = replace(passed, again=True)
            except (UnreachedError, ElsewhereError) as error:
                # Whoever was asked is not its home any more, or not yet.
                passed = _told(passed, error)
            self._homes.mistrust(caller.sandbox)
            await search.pause()
            try:
                return await self._tried_here(scope, passed, extra)
            except ElsewhereError as error:
                away = error
                passed = _told(passed, error)
            except Problem:
                if _may_be_told(passed):
                    raise
                break
        self._metrics.passed_on("lost")
        if _may_be_told(passed):
            raise moving()
        return None

    async def _asked(self, address: str | None, passed: Passed) -> Outcome:
        if address is None:
            raise ElsewhereError(None)
        outcome = await self._peers.visit(address, passed)
        self._metrics.passed_on("repeated" if passed.again else "answered")
        return outcome

    async def _tried_here(self, scope: Scope, passed: Passed, extra: dict[str, str]) -> Answer | None:
        veto = veto_of(passed.incoming, passed.caller) if passed.again else None
        answer = await self._here(scope, passed.incoming, passed.caller, extra, veto)
        if passed.again:
            self._metrics.passed_on("repeated")
        return answer


def _told(passed: Passed, error: Exception) -> Passed:
    doubtful = isinstance(error, ElsewhereError) and error.is_doubtful
    return replace(passed, again=True) if doubtful else passed


def _may_be_told(passed: Passed) -> bool:
    """Say whether a caller may be told to try again: not where the call may have been carried out."""
    return not passed.again or veto_of(passed.incoming, passed.caller) is None


class Search:
    """How long a home is looked for, and how often."""

    def __init__(self) -> None:
        self._ends = asyncio.get_running_loop().time() + SEARCH_SECONDS
        self._pause = 0.02
        self.over = False

    async def pause(self) -> None:
        """Wait a little, longer each time."""
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, 0.5)
        self.over = asyncio.get_running_loop().time() > self._ends


def _taken(outcome: Outcome, incoming: Incoming, extra: dict[str, str]) -> Answer | None:
    incoming.route = outcome.route
    incoming.fault = outcome.fault
    extra.update(outcome.extra)
    return outcome.answer


def moving() -> Problem:
    """Give the 503 for a sandbox whose home was not found in time."""
    detail = _("The sandbox is moving to another machine. Try again in a second.")
    return Problem(503, "sandbox_busy", detail, headers={"retry-after": "1"}, source="gateway")
