"""Sandboxes: one complete city each, opened on demand, never sharing anything with another.

A `Sandbox` is what stays in memory while one is open: its database, clock, faults, rate limits and unwritten journal.
`Sandboxes` are all those of one service, with what the lab may do to them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from sqlalchemy import bindparam, select

from services.kit.clock import Clock, RealTime
from services.kit.faults import Faults
from services.kit.journal import Entry, Journal
from services.kit.limits import RateLimit
from services.kit.specs import SandboxSpec
from services.kit.store import INITIAL, Database, Prepared, Seed, Session, Snapshot, Store
from services.kit.tables import dead_tokens, facts

FLUSH_SECONDS = 0.5
QUIET_SECONDS = 10.0

_FACTS = Prepared(select(facts))
_DEAD = Prepared(select(dead_tokens))
_FORGET_FACT = facts.delete().where(facts.c.name == bindparam("fact"))

Seeder = Callable[[SandboxSpec], Seed]


class SandboxUnknownError(LookupError):
    """There is no sandbox with this id here."""


class SandboxDiffersError(ValueError):
    """A sandbox with this id exists, made from another specification."""


class SandboxBusyError(RuntimeError):
    """The sandbox is being reset, or calls in it did not end in time."""


class Sandbox:
    """One open sandbox of one service."""

    def __init__(self, name: str, spec: SandboxSpec, database: Database, real: RealTime) -> None:
        self.name = name
        self.spec = spec
        self.database = database
        self.limit = RateLimit(spec.requests_per_minute)
        self.clock = Clock.opening(spec.reference_date, real())
        self.faults = Faults((), spec.seed, {}, {})
        self.journal = Journal(0)
        self.frozen = False
        self.busy = False
        self.dead: set[str] = set()
        self.running_keys: set[tuple[str, str]] = set()
        self.stale: Snapshot | None = None
        self._real = real
        self._inside = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def load(self) -> "Sandbox":
        """Take up what the database remembers; a new sandbox's clock starts now, and is kept."""
        reading = self.database.reading
        known = {row["name"]: row["value"] for row in await reading.all(_FACTS)}
        self.faults = Faults.restored(known.get("faults"), self.spec.seed)
        self.frozen = bool(known.get("frozen", False))
        self.dead = {row["token_id"] for row in await reading.all(_DEAD)}
        self.journal = await Journal.resume(reading)
        if "clock" in known:
            self.clock = Clock.restored(known["clock"])
        else:
            await self.remember("clock", self.clock.stored())
        return self

    async def remember(self, name: str, value: object) -> None:
        """Keep one of the sandbox's own facts."""
        async with self.database.writing() as session:
            await _set_fact(session, name, value)

    def enter(self) -> None:
        """Count a call in."""
        self._inside += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count a call out."""
        self._inside -= 1
        if not self._inside:
            self._idle.set()

    async def quiet(self) -> None:
        """Let no new call in and wait for those inside.

        Raises:
            SandboxBusyError: they did not end in time; the sandbox is open again.
        """
        self.busy = True
        try:
            await asyncio.wait_for(self._idle.wait(), QUIET_SECONDS)
        except TimeoutError as error:
            self.busy = False
            raise SandboxBusyError(self.name) from error

    def note(self, entry: Entry) -> None:
        """Journal a call that changed nothing; it is written soon, in a batch."""
        if self.journal.note(entry):
            self._start_flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._start_flush)

    def _start_flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Write the journal and what is left of the fault rules."""
        if not self.journal.waiting and not self.faults.dirty:
            return
        async with self.database.writing() as session:
            count = await self.write_waiting(session)
        self.journal.written(count)

    async def write_waiting(self, session: Session) -> int:
        """Write what waits inside a transaction of the caller's, who then calls `journal.written` with the result."""
        count = len(self.journal)
        await self.journal.write(session)
        if self.faults.dirty:
            self.faults.dirty = False
            await _set_fact(session, "faults", self.faults.stored())
        return count

    async def close(self) -> None:
        """Write everything and let go of the database."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is not None:
            await self._flushing
        await self.flush()
        await self.drop_stale()
        await self.database.close()

    async def drop_stale(self) -> None:
        """Let go of the remembered past that a `stale_read` fault shows."""
        if self.stale is not None:
            stale, self.stale = self.stale, None
            await stale.close()


async def _set_fact(session: Session, name: str, value: object) -> None:
    await session.run(_FORGET_FACT, fact=name)
    await session.run(facts.insert(), rows=[{"name": name, "value": value}])


class Sandboxes:
    """All sandboxes of one service.

    Args:
        store: where they are kept.
        seeder: what a new one begins with.
        worker: where generating and copying happens, one at a time, off the event loop.
        most: how many stay open.
    """

    def __init__(self, store: Store, seeder: Seeder, worker: Executor, real: RealTime, most: int) -> None:
        self._store = store
        self._seeder = seeder
        self._worker = worker
        self._real = real
        self._most = most
        self._open: OrderedDict[str, Sandbox] = OrderedDict()
        self._opening: dict[str, asyncio.Lock] = {}

    async def _work(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def names(self) -> list[str]:
        """Give the ids of all sandboxes."""
        return self._store.names()

    async def clear_throwaways(self) -> None:
        """Remove sandboxes that were not made to last; whatever ended the lab ended their runs too."""
        for name in self._store.names():
            if not self._spec(name).durable:
                await self._work(partial(self._store.delete, name))

    def _spec(self, name: str) -> SandboxSpec:
        stored = self._store.spec(name)
        if stored is None:
            raise SandboxUnknownError(name)
        return SandboxSpec.model_validate_json(stored)

    async def get(self, name: str) -> Sandbox:
        """Give a sandbox, opening it when it is not open.

        Raises:
            SandboxUnknownError: there is none.
        """
        sandbox = self._open.get(name)
        if sandbox is not None:
            self._open.move_to_end(name)
            return sandbox
        async with self._opening.setdefault(name, asyncio.Lock()):
            return self._open.get(name) or await self._opened(name)

    async def _opened(self, name: str) -> Sandbox:
        spec = self._spec(name)
        sandbox = await Sandbox(name, spec, self._store.open(name, durable=spec.durable), self._real).load()
        self._open[name] = sandbox
        if len(self._open) > self._most:
            await self._close_oldest()
        return sandbox

    async def _close_oldest(self) -> None:
        for name, sandbox in self._open.items():
            if sandbox._inside == 0 and not sandbox.busy:  # noqa: SLF001 - its own module
                del self._open[name]
                await sandbox.close()
                return

    async def create(self, name: str, spec: SandboxSpec) -> bool:
        """Make a sandbox; False when it already exists, made from the same specification.

        Raises:
            SandboxDiffersError: it exists, made from another one.
        """
        async with self._opening.setdefault(name, asyncio.Lock()):
            stored = self._store.spec(name)
            if stored is not None:
                if SandboxSpec.model_validate_json(stored) != spec:
                    raise SandboxDiffersError(name)
                return False

            def make() -> None:
                self._store.create(name, spec.model_dump_json(), self._seeder(spec), durable=spec.durable)

            await self._work(make)
            await self._opened(name)
            return True

    async def delete(self, name: str) -> None:
        """Remove a sandbox, if there is one."""
        async with self._opening.setdefault(name, asyncio.Lock()):
            sandbox = self._open.get(name)
            if sandbox is not None:
                await sandbox.quiet()
                del self._open[name]
                await sandbox.close()
            await self._work(partial(self._store.delete, name))
        del self._opening[name]

    async def freeze(self, name: str) -> None:
        """Let no participant's call in any more, and wait for those inside."""
        sandbox = await self.get(name)
        await sandbox.remember("frozen", value=True)
        sandbox.frozen = True
        await sandbox.quiet()
        sandbox.busy = False
        await sandbox.flush()

    async def thaw(self, name: str) -> None:
        """Undo `freeze`."""
        sandbox = await self.get(name)
        await sandbox.remember("frozen", value=False)
        sandbox.frozen = False

    async def prepare(self, name: str, image: str) -> None:
        """First phase of putting an image back: stop the calls and lay the image ready.

        Raises:
            SandboxUnknownError: there is no such sandbox.
            LookupError: there is no such image.
            SandboxBusyError: the calls inside did not end in time.
        """
        sandbox = await self.get(name)
        if image not in self._store.images(name):
            raise LookupError(image)
        await sandbox.quiet()
        try:
            await self._work(partial(self._store.stage, name, image))
        except BaseException:
            sandbox.busy = False
            raise

    async def commit(self, name: str) -> None:
        """Second phase: the image takes the place of the present state."""
        sandbox = await self.get(name)
        if not sandbox.busy:
            raise SandboxBusyError(name)
        async with self._opening.setdefault(name, asyncio.Lock()):
            del self._open[name]
            await sandbox.close()
            await self._work(partial(self._store.swap, name))
            await self._opened(name)

    async def abort(self, name: str) -> None:
        """Instead of the second phase: go on with the present state."""
        (await self.get(name)).busy = False

    async def save(self, name: str, image: str) -> None:
        """Keep the present state as a checkpoint."""
        sandbox = await self.get(name)
        await sandbox.quiet()
        try:
            await sandbox.flush()
            await self._work(partial(self._store.save, name, image))
        finally:
            sandbox.busy = False

    async def checkpoints(self, name: str) -> list[str]:
        """Give the names of the checkpoints, the initial image left out."""
        await self.get(name)
        return [image for image in self._store.images(name) if image != INITIAL]

    async def forget(self, name: str, image: str) -> bool:
        """Remove a checkpoint; False when there was none."""
        await self.get(name)
        return self._store.forget(name, image)

    async def close(self) -> None:
        """Write and close everything."""
        while self._open:
            _name, sandbox = self._open.popitem()
            await sandbox.close()
