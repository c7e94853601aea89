"""Sandboxes: one complete city each, opened on demand, never sharing anything with another."""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from weakref import WeakValueDictionary

from pydantic import ValidationError

from services.kit.clock import RealTime
from services.kit.homes import ElsewhereError, Homes, SoleHome
from services.kit.sandbox import Sandbox, SandboxBusyError
from services.kit.specs import SandboxSpec
from services.kit.store import INITIAL, Seed, Store

_log = logging.getLogger(__name__)

Seeder = Callable[[SandboxSpec], Seed]


class SandboxUnknownError(LookupError):
    """There is no sandbox with this id here."""


class SandboxDiffersError(ValueError):
    """A sandbox with this id exists, made from another specification."""


class Sandboxes:
    """All sandboxes of one service, as far as this process is their home.

    Every method that works on one may raise `ElsewhereError` where it is not.

    Args:
        store: where they are kept.
        seeder: what a new one begins with.
        most: how many stay open.
        homes: which of them this process may keep in memory; all, where it is the only one.
    """

    def __init__(self, store: Store, seeder: Seeder, real: RealTime, most: int, homes: Homes | None = None) -> None:
        self._store = store
        self._seeder = seeder
        self._real = real
        self._most = most
        self._open: OrderedDict[str, Sandbox] = OrderedDict()
        self._doubted: dict[str, Sandbox] = {}
        self._drops: Counter[str] = Counter()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._homes = homes or SoleHome()
        self._homes.watched_by(self)

    def _lock(self, name: str) -> asyncio.Lock:
        """Give the lock under which a sandbox is made, opened, replaced, closed and removed."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock

    def doubt(self) -> None:
        """Serve nothing more from memory before it is claimed again."""
        self._doubted.update(self._open)
        self._open.clear()

    def drop(self, name: str) -> None:
        """Forget a sandbox without writing: the store has gone on without this process."""
        for sandbox in (self._doubted.pop(name, None), self._open.pop(name, None)):
            if sandbox is not None:
                sandbox.abandon()
                self._drops[name] += 1

    def drops(self, name: str) -> int:
        """Say how often a sandbox's memory was dropped here."""
        return self._drops[name]

    async def _at_home(self, name: str) -> None:
        address = await self._homes.claim(name)
        if address is not None:
            self.drop(name)
            raise ElsewhereError(address)

    @property
    def in_memory(self) -> int:
        """How many are open."""
        return len(self._open)

    async def names(self) -> list[str]:
        """Give the ids of all sandboxes."""
        return await self._store.names()

    async def clear_throwaways(self) -> None:
        """Remove sandboxes that were not made to last and whose runs have ended with those who served them."""
        for name in await self._store.names():
            try:
                lasting = (await self._spec(name)).durable
            except ValidationError:
                # Only a power cut leaves a specification unreadable, and only that of a throw-away sandbox; one that
                # another version of the lab wrote is left to its owner.
                lasting = bool((await self._store.spec(name) or "").strip("\x00"))
            if not lasting and await self._homes.is_forsaken(name):
                await self._store.delete(name)
                await self._homes.forget(name)

    async def spec(self, name: str) -> SandboxSpec:
        """Give the specification of a sandbox, whichever process is its home.

        Raises:
            SandboxUnknownError: there is none.
        """
        sandbox = self._open.get(name)
        return await self._spec(name) if sandbox is None else sandbox.spec

    async def _spec(self, name: str) -> SandboxSpec:
        stored = await self._store.spec(name)
        if stored is None:
            raise SandboxUnknownError(name)
        return SandboxSpec.model_validate_json(stored)

    async def get(self, name: str) -> Sandbox:
        """Give a sandbox, opening it when it is not open.

        Raises:
            SandboxUnknownError: there is none.
        """
        sandbox = self._open.get(name)
        if sandbox is not None and sandbox.outdated:
            self.drop(name)
        elif sandbox is not None:
            self._open.move_to_end(name)
            return sandbox
        address = self._homes.elsewhere(name)
        if address is not None:
            raise ElsewhereError(address)
        await self._at_home(name)
        await self._make_room()
        async with self._lock(name):
            # Nothing may be waited for from here until the caller has entered, lest it be closed again.
            return self._open.get(name) or await self._opened(name)

    @asynccontextmanager
    async def inside(self, name: str) -> AsyncIterator[Sandbox]:
        """Give a sandbox that stays open for the time of a block.

        Raises:
            SandboxUnknownError: there is none.
        """
        sandbox = await self.get(name)
        sandbox.enter()
        try:
            yield sandbox
        finally:
            sandbox.leave()

    async def _opened(self, name: str) -> Sandbox:
        while True:
            await self._at_home(name)
            term = self._homes.term
            if (doubted := self._doubted.get(name)) is not None and doubted.outdated:
                self.drop(name)
            sandbox = self._doubted.pop(name, None) or await self._loaded(name)
            if self._homes.term == term:
                self._open[name] = sandbox
                return sandbox
            self._doubted[name] = sandbox

    async def _loaded(self, name: str) -> Sandbox:
        try:
            spec = await self._spec(name)
            database = await self._store.open(name, durable=spec.durable)
        except LookupError:
            await self._homes.forget(name)
            raise
        return await Sandbox(name, spec, database, self._real).load()

    async def _make_room(self) -> None:
        """Close what has not been used for longest, where no more shall be open."""
        if len(self._open) + len(self._doubted) < self._most:
            return
        if self._doubted:
            name = next(iter(self._doubted))
            async with self._lock(name):
                if (doubted := self._doubted.pop(name, None)) is not None:
                    await doubted.close()
            return
        for name, sandbox in self._open.items():
            lock = self._lock(name)
            if not (sandbox.occupied or sandbox.busy or lock.locked()):
                async with lock:
                    await self._closed(name, sandbox)
                    await self._homes.release(name)
                return

    async def _closed(self, name: str, sandbox: Sandbox) -> None:
        """Close a sandbox; one that cannot be written goes on to wait for that in memory."""
        term = self._homes.term
        del self._open[name]
        try:
            await sandbox.close()
        except BaseException:
            (self._open if self._homes.term == term else self._doubted)[name] = sandbox
            raise

    async def create(self, name: str, spec: SandboxSpec) -> bool:
        """Make a sandbox; False when it already exists, made from the same specification.

        Raises:
            SandboxDiffersError: it exists, made from another one.
        """
        await self._at_home(name)
        await self._make_room()
        async with self._lock(name):
            await self._at_home(name)
            stored = await self._store.spec(name)
            if stored is not None:
                if SandboxSpec.model_validate_json(stored) != spec:
                    raise SandboxDiffersError(name)
                return False

            seed = partial(self._seeder, spec)
            await self._store.create(name, spec.model_dump_json(), seed, at=self._real(), durable=spec.durable)
            # Opened by who calls first: a room makes eighty at the same moment.
            await self._homes.release(name)
            return True

    async def delete(self, name: str) -> None:
        """Remove a sandbox, if there is one."""
        async with self._lock(name):
            await self._at_home(name)
            sandbox = self._doubted.pop(name, None) or self._open.pop(name, None)
            if sandbox is not None:
                self._open[name] = sandbox
                await sandbox.quiet()
                for memory in (self._open, self._doubted):
                    memory.pop(name, None)
                with suppress(Exception):  # what cannot be written any more is removed anyway
                    await sandbox.close()
            await self._store.delete(name)
            await self._homes.forget(name)
            del self._drops[name]

    async def freeze(self, name: str) -> None:
        """Let no participant's call in any more, and wait for those inside."""
        sandbox = await self.get(name)
        async with sandbox.still():
            sandbox.frozen = True
            await sandbox.remember("frozen", value=True)

    async def thaw(self, name: str) -> None:
        """Undo `freeze`."""
        async with self.inside(name) as sandbox:
            await sandbox.remember("frozen", value=False)
            sandbox.frozen = False

    async def prepare(self, name: str, image: str) -> None:
        """First phase of putting an image back: stop the calls and lay the image ready.

        Raises:
            SandboxUnknownError: there is no such sandbox.
            LookupError: there is no such image.
            SandboxBusyError: the calls inside did not end in time.
        """
        await self.get(name)
        if image not in await self._store.images(name):
            raise LookupError(image)
        sandbox = await self.get(name)
        await sandbox.quiet()
        try:
            await self._store.stage(name, image, durable=sandbox.spec.durable)
        except BaseException:
            sandbox.reopen()
            raise

    async def commit(self, name: str) -> None:
        """Second phase: the image takes the place of the present state."""
        sandbox = await self.get(name)
        async with self._lock(name):
            if not sandbox.busy or self._open.get(name) is not sandbox:
                raise SandboxBusyError(name)
            await self._closed(name, sandbox)
            await self._store.swap(name, at=self._real(), durable=sandbox.spec.durable)
            await self._opened(name)

    async def abort(self, name: str) -> None:
        """Instead of the second phase: go on with the present state."""
        (await self.get(name)).reopen()

    async def save(self, name: str, image: str) -> None:
        """Keep the present state as a checkpoint, with its journal, its faults and the time that it shows."""
        sandbox = await self.get(name)
        async with sandbox.still():
            sandbox.clock = sandbox.clock.rebased(self._real())
            await sandbox.remember("clock", sandbox.clock.stored())
            await self._store.save(name, image)

    async def checkpoints(self, name: str) -> list[str]:
        """Give the names of the checkpoints, the initial image left out."""
        await self.get(name)
        return [image for image in await self._store.images(name) if image != INITIAL]

    async def forget(self, name: str, image: str) -> bool:
        """Remove a checkpoint; False when there was none."""
        await self.get(name)
        return await self._store.forget(name, image)

    async def close(self) -> None:
        """Write and close everything, all at once: where the store is away, each would wait for it in vain."""
        closing = [*self._open.values(), *self._doubted.values()]
        self._open.clear()
        self._doubted.clear()
        for sandbox, error in zip(
            closing, await asyncio.gather(*(one.close() for one in closing), return_exceptions=True), strict=True
        ):
            # One that cannot be written any more must not cost the others theirs.
            if error is not None:
                _log.error("sandbox %s cannot be closed in order", sandbox.name, exc_info=error)
        await self._store.close()
