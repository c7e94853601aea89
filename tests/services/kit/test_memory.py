"""What a service keeps of its sandboxes in memory follows their homes, whoever says where those are."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from entries import entry
from joserfc.jwk import RSAKey
from sample.app import service

from services.kit.homes import ElsewhereError, Homes, Memory
from services.kit.specs import SandboxSpec
from services.kit.sqlite import SqliteStore
from services.kit.store import StoreUnavailableError
from services.kit.tables import add_kit_tables
from services.kit.tenancy import Sandboxes, SandboxUnknownError

SPEC = SandboxSpec(seed=1, reference_date=date(2026, 11, 2))
AWAY = "10.0.0.7:9000"


class Told(Homes):
    """Homes as a test says they are."""

    def __init__(self) -> None:
        self.term = 0
        self.away: set[str] = set()
        self.known: set[str] = set()
        self.asked: list[str] = []
        self.left: list[tuple[str, str]] = []
        self.forsaken = False

    def watched_by(self, memory: Memory) -> None:
        self.memory = memory

    def elsewhere(self, sandbox: str) -> str | None:
        return AWAY if sandbox in self.known else None

    def mistrust(self, sandbox: str) -> None:
        self.known.discard(sandbox)

    async def claim(self, sandbox: str) -> str | None:
        self.asked.append(sandbox)
        return AWAY if sandbox in self.away else None

    async def release(self, sandbox: str) -> None:
        self.left.append(("released", sandbox))

    async def forget(self, sandbox: str) -> None:
        self.left.append(("forgotten", sandbox))

    async def is_forsaken(self, sandbox: str) -> bool:
        return self.forsaken

    async def reachable(self) -> bool:
        return True


class Desk:
    """A service's sandboxes over a real store."""

    def __init__(self, folder: Path, key: RSAKey, most: int) -> None:
        self.agency = service(key)
        add_kit_tables(self.agency.tables)
        self.worker = ThreadPoolExecutor(1)
        self.homes = Told()
        store = SqliteStore(folder, self.agency.tables, self.worker)
        self.sandboxes = Sandboxes(store, lambda _spec: (), lambda: 1_800_000_000.0, most, self.homes)

    def run(self, work: Callable[["Desk"], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await work(self)
            finally:
                await self.sandboxes.close()

        asyncio.run(whole())
        self.worker.shutdown()


@pytest.fixture
def desk(tmp_path: Path, key: RSAKey) -> Desk:
    return Desk(tmp_path / "data", key, most=2)


def test_a_sandbox_is_claimed_once_and_then_served_from_memory(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        opened = await desk.sandboxes.get("city")
        asked = len(desk.homes.asked)
        assert await desk.sandboxes.get("city") is opened
        assert len(desk.homes.asked) == asked

    desk.run(work)


def test_nothing_is_made_opened_or_removed_whose_home_is_elsewhere(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        desk.homes.away = {"city"}
        for doing in (
            desk.sandboxes.create("city", SPEC),
            desk.sandboxes.get("city"),
            desk.sandboxes.delete("city"),
            desk.sandboxes.freeze("city"),
            desk.sandboxes.checkpoints("city"),
        ):
            with pytest.raises(ElsewhereError) as elsewhere:
                await doing
            assert elsewhere.value.address == AWAY
        assert await desk.sandboxes.names() == []

    desk.run(work)


def test_a_sandbox_that_is_not_there_is_claimed_by_nobody_in_the_end(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(SandboxUnknownError):
            await desk.sandboxes.get("city")
        assert desk.homes.left == [("forgotten", "city")]
        asked = len(desk.homes.asked)
        with pytest.raises(SandboxUnknownError):
            await desk.sandboxes.spec("city")
        assert len(desk.homes.asked) == asked

    desk.run(work)


def test_a_home_that_is_known_is_told_without_asking_and_costs_nobody_their_room(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        for name in ("one1", "two2"):
            await desk.sandboxes.create(name, SPEC)
            await desk.sandboxes.get(name)
        desk.homes.known = {"city"}
        asked = len(desk.homes.asked)
        for _ in range(3):
            with pytest.raises(ElsewhereError):
                await desk.sandboxes.get("city")
        assert len(desk.homes.asked) == asked
        desk.homes.mistrust("city")
        desk.homes.away = {"city"}
        with pytest.raises(ElsewhereError):
            await desk.sandboxes.get("city")
        assert desk.homes.asked[asked:] == ["city"]
        assert desk.sandboxes.in_memory == 2

    desk.run(work)


def test_the_specification_is_told_whoever_is_home(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        desk.homes.memory.doubt()
        desk.homes.away = {"city"}
        assert await desk.sandboxes.spec("city") == SPEC

    desk.run(work)


def test_what_is_closed_for_lack_of_room_is_released(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        names = ("one1", "two2", "three3")
        for name in names:
            await desk.sandboxes.create(name, SPEC)
        # Whoever is called first opens it, and is its home then.
        assert desk.homes.left == [("released", name) for name in names]
        assert desk.sandboxes.in_memory == 0
        desk.homes.left.clear()
        for name in names:
            await desk.sandboxes.get(name)
        assert desk.homes.left == [("released", "one1")]
        assert desk.sandboxes.in_memory == 2
        await desk.sandboxes.delete("two2")
        assert desk.homes.left[1:] == [("forgotten", "two2")]

    desk.run(work)


def test_what_is_in_doubt_goes_on_as_it_was_once_it_is_claimed_again(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        before = await desk.sandboxes.get("city")
        desk.homes.memory.doubt()
        assert desk.sandboxes.in_memory == 0
        asked = len(desk.homes.asked)
        assert await desk.sandboxes.get("city") is before
        assert len(desk.homes.asked) > asked
        assert desk.sandboxes.drops("city") == 0

    desk.run(work)


@pytest.mark.parametrize("how", ["taken and back", "taken", "outdated"])
def test_what_the_store_has_gone_on_without_is_opened_anew(desk: Desk, how: str) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        before = await desk.sandboxes.get("city")
        desk.homes.memory.doubt()
        if how == "taken":
            desk.homes.away = {"city"}
            with pytest.raises(ElsewhereError):
                await desk.sandboxes.get("city")
            desk.homes.away = set()
        elif how == "outdated":
            before.outdated = True
        else:
            desk.homes.memory.drop("city")
        assert await desk.sandboxes.get("city") is not before
        assert desk.sandboxes.drops("city") == 1
        # And the old memory writes nothing any more.
        before._start_flush()
        before._flush_later()
        assert before._timer is None

    desk.run(work)


@pytest.mark.parametrize("how", ["closed", "removed"])
def test_homes_that_are_lost_while_a_sandbox_is_closed_leave_it_in_doubt(desk: Desk, how: str) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        sandbox = await desk.sandboxes.get("city")
        closed, quiet = sandbox.close, sandbox.quiet

        async def lost() -> None:
            desk.homes.term += 1
            desk.homes.memory.doubt()
            if how == "closed":
                sandbox.close = closed
                raise StoreUnavailableError
            await quiet()

        if how == "closed":
            sandbox.close = lost
            await desk.sandboxes.prepare("city", "initial")
            with pytest.raises(StoreUnavailableError):
                await desk.sandboxes.commit("city")
            asked = len(desk.homes.asked)
            assert await desk.sandboxes.get("city") is sandbox
            assert len(desk.homes.asked) > asked
        else:
            sandbox.quiet = lost
            await desk.sandboxes.delete("city")
            assert await desk.sandboxes.names() == []

    desk.run(work)


def test_what_is_noted_while_the_journal_is_being_written_is_written_next(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        sandbox = await desk.sandboxes.get("city")
        write = sandbox.database.write

        async def slowly(*given):
            done = await write(*given)
            sandbox.database.write = write
            # Its time comes while this still runs.
            sandbox.note(entry())
            sandbox._start_flush()
            return done

        sandbox.database.write = slowly
        sandbox.note(entry())
        sandbox._start_flush()
        async with asyncio.timeout(20):
            while sandbox.journal.waiting:  # noqa: ASYNC110 - nobody is told of a batch
                await asyncio.sleep(0.01)
        assert sandbox.journal.last == 2

    desk.run(work)


def test_homes_that_are_lost_while_a_sandbox_is_opened_are_claimed_again(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("city", SPEC)
        desk.homes.memory.doubt()
        desk.homes.memory.drop("city")
        losses = iter([0, 1, 1])
        opened = desk.sandboxes._loaded

        async def loaded(name):
            # The line breaks after the claim.
            desk.homes.term += next(losses, 0) == 0
            return await opened(name)

        desk.sandboxes._loaded = loaded
        asked = len(desk.homes.asked)
        sandbox = await desk.sandboxes.get("city")
        assert len(desk.homes.asked) == asked + 3
        assert await desk.sandboxes.get("city") is sandbox

    desk.run(work)


def test_memory_in_doubt_takes_room_too(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        for turn in range(3):
            for name in ("one1", "two2"):
                await desk.sandboxes.create(f"{name}{turn}", SPEC)
            desk.homes.memory.doubt()
        assert len(desk.sandboxes._doubted) <= 3

    desk.run(work)


def test_throw_away_sandboxes_are_cleared_only_where_they_are_forsaken(desk: Desk) -> None:
    async def work(desk: Desk) -> None:
        await desk.sandboxes.create("gone", SPEC.model_copy(update={"durable": False}))
        await desk.sandboxes.create("kept", SPEC)
        await desk.sandboxes.clear_throwaways()
        assert await desk.sandboxes.names() == ["gone", "kept"]
        desk.homes.memory.doubt()
        desk.homes.memory.drop("gone")
        desk.homes.forsaken = True
        await desk.sandboxes.clear_throwaways()
        assert await desk.sandboxes.names() == ["kept"]
        assert desk.homes.left[-1] == ("forgotten", "gone")

    desk.run(work)
