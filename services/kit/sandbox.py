"""What stays in memory while a sandbox is open: its database, clock, faults, rate limits and unwritten journal."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import bindparam, select

from services.kit.clock import Clock, RealTime
from services.kit.faults import Faults
from services.kit.homes import ElsewhereError
from services.kit.journal import Entry, Journal
from services.kit.limits import RateLimit
from services.kit.specs import SandboxSpec
from services.kit.store import (
    Database,
    OutdatedError,
    Prepared,
    Result,
    Session,
    Snapshot,
    Transaction,
    Work,
)
from services.kit.tables import dead_tokens, facts

_log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
RETRY_SECONDS = 5.0
"""When a batch is tried again that could not be written; meanwhile it waits in memory."""
QUIET_SECONDS = 10.0

_FACTS = Prepared(select(facts))
_DEAD = Prepared(select(dead_tokens))
_FORGET_FACT = facts.delete().where(facts.c.name == bindparam("fact"))
_ADD_FACT = facts.insert()


class SandboxBusyError(RuntimeError):
    """The sandbox is being reset, or calls in it did not end in time."""


class Sandbox:
    """One open sandbox of one service."""

    def __init__(self, name: str, spec: SandboxSpec, database: Database, real: RealTime) -> None:
        self.name = name
        self.spec = spec
        self.database = database
        self.limit = RateLimit(spec.requests_per_minute)
        self.clock = Clock.opening(spec.reference_date, database.began)
        self.faults = Faults((), spec.seed, {}, {})
        self.journal = Journal(0)
        self.frozen = False
        self.busy = False
        self.outdated = False
        self.dead: set[str] = set()
        self.running_keys: set[tuple[str, str]] = set()
        self.stale: Snapshot | None = None
        self._real = real
        self._inside = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._pressed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._abandoned = False

    async def load(self) -> "Sandbox":
        """Take up what the database remembers; a clock that was never moved started with the present state."""
        reading = self.database.reading
        known = {row["name"]: row["value"] for row in await reading.all(_FACTS)}
        self.faults = Faults.restored(known.get("faults"), self.spec.seed)
        self.frozen = bool(known.get("frozen", False))
        self.dead = {row["token_id"] for row in await reading.all(_DEAD)}
        self.journal = await Journal.resume(reading)
        if "clock" in known:
            self.clock = Clock.restored(known["clock"], self.database.began)
        return self

    async def write(self, work: Work[Result]) -> Result:
        """Run one transaction; whatever waits to be kept, such as the journal, is written with it.

        Args:
            work: may be called more than once, where the store lost what it had done.

        Raises:
            ElsewhereError: the store has gone on without this process, which must open the sandbox again if it may.
        """

        async def whole(session: Transaction) -> Result:
            result = await work(session)
            await self.journal.write(session)
            if self.faults.unwritten:
                await _set_fact(session, "faults", self.faults.stored())
            return result

        try:
            return await self.database.write(whole, self._written)
        except OutdatedError as error:
            self.outdated = True
            raise ElsewhereError(None, is_doubtful=error.is_doubtful) from error

    def _written(self) -> None:
        self.journal.written()
        self.faults.written()

    async def remember(self, name: str, value: object) -> None:
        """Keep one of the sandbox's own facts."""

        async def keep(session: Transaction) -> None:
            await _set_fact(session, name, value)

        await self.write(keep)

    @property
    def occupied(self) -> bool:
        """Whether a call is inside."""
        return self._inside > 0

    def enter(self) -> None:
        """Count a call in."""
        self._inside += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count a call out."""
        self._inside -= 1
        if not self._inside:
            self._idle.set()

    async def dawdle(self, seconds: float) -> None:
        """Hold a call up, but no longer than until the sandbox wants quiet."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pressed.wait(), seconds)

    async def quiet(self) -> None:
        """Let no new call in and wait for those inside; `reopen` lets them in again.

        Raises:
            SandboxBusyError: they did not end in time; the sandbox is open again.
        """
        self.busy = True
        self._pressed.set()
        try:
            await asyncio.wait_for(self._idle.wait(), QUIET_SECONDS)
        except TimeoutError as error:
            self.reopen()
            raise SandboxBusyError(self.name) from error

    def reopen(self) -> None:
        """Let calls in again."""
        self.busy = False
        self._pressed.clear()

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Keep calls out for the time of a block.

        Raises:
            SandboxBusyError: they are kept out already, for a reset.
        """
        if self.busy:
            raise SandboxBusyError(self.name)
        await self.quiet()
        try:
            yield
        finally:
            self.reopen()

    def note(self, entry: Entry) -> None:
        """Journal a call that changed nothing; it is written soon, in a batch."""
        if self.journal.note(entry):
            self._start_flush()
        else:
            self._flush_later()

    def _flush_later(self, seconds: float = FLUSH_SECONDS) -> None:
        if self._timer is None and not self._abandoned:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._start_flush)

    def _start_flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._abandoned and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.get_running_loop().create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        try:
            await self.flush()
        except ElsewhereError:
            """Its new home has a journal of its own."""
        except Exception:  # noqa: BLE001 - such as a full disk: nobody waits for this, and it is tried again
            _log.exception("the journal of sandbox %s cannot be written", self.name)
            self._flush_later(RETRY_SECONDS)
        else:
            if self._waits:  # came while this was being written, when no other one could be started
                self._flush_later()

    async def flush(self) -> None:
        """Write the journal and what is left of the fault rules; let go of a past that no fault will show again."""
        if not self.faults.has_live("stale_read", self.clock.now(self._real())):
            await self.drop_stale()
        if self._waits:
            await self.write(_nothing_more)

    @property
    def _waits(self) -> bool:
        return bool(self.journal.waiting or self.faults.unwritten)

    def abandon(self) -> None:
        """Forget all that is not written: another process goes on with this sandbox."""
        self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pressed.set()
        self._flushing = asyncio.get_running_loop().create_task(self._left(self._flushing))

    async def _left(self, flushing: asyncio.Task[None] | None) -> None:
        if flushing is not None:
            await flushing
        await self._idle.wait()
        try:
            await self.drop_stale()
            await self.database.close()
        except Exception:  # noqa: BLE001 - nobody waits for this
            _log.exception("sandbox %s cannot be closed in order", self.name)

    async def close(self) -> None:
        """Write everything and let go of the database."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is not None:
            await self._flushing
        try:
            # What another process has gone on with is not written to.
            with suppress(ElsewhereError):
                await self.flush()
        finally:
            await self.drop_stale()
            await self.database.close()

    async def drop_stale(self) -> None:
        """Let go of the remembered past that a `stale_read` fault shows."""
        if self.stale is not None:
            stale, self.stale = self.stale, None
            await stale.close()


async def _nothing_more(_session: Transaction) -> None:
    """What waits is written with any transaction."""


async def _set_fact(session: Session, name: str, value: object) -> None:
    await session.run(_FORGET_FACT, fact=name)
    await session.run(_ADD_FACT, rows=[{"name": name, "value": value}])
