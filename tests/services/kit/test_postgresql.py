"""PostgreSQL's own troubles: connections that break at the worst moment, servers that are away, too few connections."""

import asyncio
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgresql_cluster import Cluster
from shelves import Shelf, nothing
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, select
from wires import Wire

from services.kit import postgresql_connections
from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.store import Database, ExistsError, OutdatedError, Prepared, StoreUnavailableError, Transaction

TABLES = MetaData()
notes = Table("notes", TABLES, Column("id", String, primary_key=True), Column("turn", Integer))
COUNT = Prepared(select(func.count().label("count")).select_from(notes))
IDS = Prepared(select(notes.c.id).order_by(notes.c.id))
ONE = Prepared(select(notes).where(notes.c.id == bindparam("id")))

COMMIT = b"COMMIT\0"
"""How a message to the server ends that ends a transaction; `COMMITTED` stands where one begins."""


class Line(Shelf):
    """A PostgreSQL store behind a wire."""

    wire: Wire


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.made()


def make(url: str, most: int, patience: float, tables: MetaData, worker: Any) -> PostgreSqlStore:
    return PostgreSqlStore(Connections(url, most, patience), "sample", tables, worker)


def wired(url: str, postgresql: Cluster, folder: Path, patience: float) -> Iterator[Line]:
    wire = Wire(postgresql.root, folder)
    by_wire = url.replace(str(postgresql.root), str(folder))
    with Line(partial(make, by_wire, 4, patience), TABLES) as shelf:
        shelf.wire = wire
        shelf.run(wire.up())
        shelf.create("city", [(notes, [{"id": "first", "turn": 0}])])
        yield shelf
        shelf.run(wire.down())


@pytest.fixture
def line(url: str, postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A store that reaches the server by a wire, with one note in a sandbox."""
    yield from wired(url, postgresql, tmp_path_factory.mktemp("w"), patience=10.0)


@pytest.fixture
def hasty(url: str, postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """The same, but it waits for a quarter of a second only."""
    yield from wired(url, postgresql, tmp_path_factory.mktemp("w"), patience=0.25)


class Deed:
    """Adds a note, and counts how often it was asked to and how often it was told that it is done."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.runs = 0
        self.told = 0

    async def work(self, session: Transaction) -> str:
        self.runs += 1
        await session.run(notes.insert(), rows=[{"id": self.id, "turn": self.runs}])
        await session.all(ONE, id=self.id)
        return f"{self.id} in turn {self.runs}"

    def committed(self) -> None:
        self.told += 1

    async def on(self, database: Database) -> str:
        return await database.write(self.work, self.committed)


def ids(shelf: Shelf, database: Database) -> list[str]:
    return [row["id"] for row in shelf.all(database.reading, IDS)]


def test_a_commit_whose_answer_was_lost_is_not_made_again(line: Line) -> None:
    database = line.open("city")
    deed = Deed("new")
    line.wire.cut_at(COMMIT, reaches=True)
    assert line.run(deed.on(database)) == "new in turn 1"
    assert (line.wire.cuts, deed.runs, deed.told) == (1, 1, 1)
    assert ids(line, database) == ["first", "new"]


def test_a_commit_that_never_arrived_is_made_again_from_the_beginning(line: Line) -> None:
    database = line.open("city")
    deed = Deed("new")
    line.wire.cut_at(COMMIT, reaches=False)
    assert line.run(deed.on(database)) == "new in turn 2"
    assert (line.wire.cuts, deed.runs, deed.told) == (1, 2, 1)
    assert line.all(database.reading, ONE, id="new") == [{"id": "new", "turn": 2}]


@pytest.mark.parametrize("reaches", [True, False])
@pytest.mark.parametrize("words", [b"BEGIN", b"INSERT INTO", b"SELECT"])
def test_a_line_that_breaks_in_a_transaction_costs_time_only(line: Line, words: bytes, *, reaches: bool) -> None:
    database = line.open("city")
    deed = Deed("new")
    line.wire.cut_at(words, reaches=reaches)
    line.run(deed.on(database))
    assert (line.wire.cuts, deed.told) == (1, 1)
    assert ids(line, database) == ["first", "new"]


def test_a_read_whose_line_breaks_is_made_again(line: Line) -> None:
    database = line.open("city")
    line.wire.cut_at(b"count", reaches=True)
    assert line.run(database.reading.scalar(COUNT)) == 1
    assert line.wire.cuts == 1


@pytest.mark.parametrize("reaches", [True, False])
def test_whole_sandboxes_are_made_kept_put_back_and_removed_over_lines_that_break(line: Line, *, reaches: bool) -> None:
    store = line.store

    def cut(words: bytes = COMMIT) -> None:
        line.wire.cut_at(words, reaches=reaches)

    cut()
    line.create("town", [(notes, [{"id": "t", "turn": 1}])])
    cut(b"COPY")
    line.create("port", [(notes, [{"id": "p", "turn": 1}])])
    assert line.run(store.names()) == ["city", "port", "town"]
    with pytest.raises(ExistsError):
        line.create("town", [])
    town = line.open("town")
    line.write(town, notes.update(), turn=2)
    cut()
    line.run(store.save("town", "kept"))
    cut(b"COPY")
    line.run(store.save("town", "kept too"))
    line.write(town, notes.delete())
    line.close(town)
    cut()
    line.restore("town", "kept")
    assert line.all(line.open("town").reading, ONE, id="t") == [{"id": "t", "turn": 2}]
    cut(b"COPY")
    line.restore("town", "initial")
    assert line.all(line.open("town").reading, ONE, id="t") == [{"id": "t", "turn": 1}]
    cut()
    line.run(store.delete("town"))
    assert line.run(store.names()) == ["city", "port"]
    assert line.wire.cuts == 7


def test_a_server_that_stays_away_is_told_plainly_and_found_again(hasty: Line) -> None:
    database = hasty.open("city")
    deed = Deed("new")
    hasty.run(hasty.wire.down())
    for asked in (
        partial(database.reading.scalar, COUNT),
        partial(deed.on, database),
        partial(hasty.store.spec, "city"),
    ):
        with pytest.raises(StoreUnavailableError) as refused:
            hasty.run(asked())
        problem = refused.value
        assert (problem.status, problem.code, problem.headers) == (503, "store_unavailable", {"retry-after": "5"})
    assert (deed.runs, deed.told) == (0, 0)
    hasty.run(hasty.wire.up())
    hasty.run(deed.on(database))
    assert ids(hasty, database) == ["first", "new"]


@pytest.mark.parametrize("reaches", [True, False])
def test_what_became_of_a_commit_is_found_out_even_after_patience_was_over(hasty: Line, *, reaches: bool) -> None:
    database = hasty.open("city")
    lost, next_one = Deed("lost"), Deed("next")
    hasty.wire.cut_at(COMMIT, reaches=reaches, stays_down=True)
    with pytest.raises(StoreUnavailableError):
        hasty.run(lost.on(database))
    assert (lost.runs, lost.told) == (1, 0)
    hasty.run(hasty.wire.up())
    hasty.run(next_one.on(database))
    assert (lost.runs, lost.told, next_one.told) == (1, int(reaches), 1)
    assert ids(hasty, database) == (["first", "lost", "next"] if reaches else ["first", "next"])


def test_who_does_not_know_the_last_write_may_not_write(line: Line) -> None:
    """Another process wrote, or the server came back without the last writes of a throw-away sandbox."""
    mine, others = line.open("city"), line.open("city")
    line.run(Deed("others").on(others))
    deed = Deed("mine")
    for _ in range(2):
        with pytest.raises(OutdatedError) as refused:
            line.run(deed.on(mine))
        assert not refused.value.is_doubtful
    assert (deed.runs, deed.told) == (0, 0)
    line.run(Deed("again").on(line.open("city")))
    assert ids(line, mine) == ["again", "first", "others"]


def test_it_is_said_when_a_lost_write_can_no_longer_be_told_from_one_that_never_happened(hasty: Line) -> None:
    mine = hasty.open("city")
    lost = Deed("lost")
    hasty.wire.cut_at(COMMIT, reaches=True, stays_down=True)

    async def play() -> None:
        losing = asyncio.create_task(lost.on(mine))
        with pytest.raises(StoreUnavailableError):
            await losing
        await hasty.wire.up()
        others = await hasty.store.open("city", durable=True)
        await Deed("others").on(others)
        for is_doubtful in (False, False):
            with pytest.raises(OutdatedError) as refused:
                await Deed("mine").on(mine)
            assert refused.value.is_doubtful == is_doubtful

    hasty.run(play())
    assert ids(hasty, mine) == ["first", "lost", "others"]


def test_two_writers_of_one_sandbox_never_mix(line: Line) -> None:
    """The one who comes second waits for the first one's transaction, and is then refused."""
    mine, others = line.open("city"), line.open("city")
    deed = Deed("mine")

    async def play() -> None:
        inside, go_on = asyncio.Event(), asyncio.Event()

        async def slow(session: Transaction) -> None:
            await session.run(notes.delete())
            inside.set()
            await go_on.wait()

        first = asyncio.create_task(others.write(slow, nothing))
        await inside.wait()
        second = asyncio.create_task(deed.on(mine))
        assert await mine.reading.scalar(COUNT) == 1
        go_on.set()
        await first
        with pytest.raises(OutdatedError):
            await second

    line.run(play())
    assert deed.runs == 0
    assert ids(line, mine) == []


def test_the_planner_knows_what_a_new_sandbox_holds(line: Line, url: str) -> None:
    """Without figures, sums over several tables were made by reading all of them for each row."""
    line.create("town", [(notes, [{"id": f"{number:04}", "turn": number % 7} for number in range(500)])])
    with psycopg.connect(url) as other:
        known = other.execute("SELECT reltuples FROM pg_class WHERE oid = 'sample_town.notes'::regclass").fetchone()
        assert known == (500.0,)
        spread = other.execute("SELECT n_distinct FROM pg_stats WHERE schemaname = 'sample_town' AND attname = 'turn'")
        assert spread.fetchone() == (7.0,)


def connected(url: str) -> int:
    with psycopg.connect(url, application_name="watcher") as watcher:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'watcher'"
        )
        return int(watcher.execute(query).fetchone()[0])


def test_eighty_sandboxes_share_eight_connections(url: str) -> None:
    names = [f"room{number:02}" for number in range(80)]
    with Shelf(partial(make, url, 8, 20.0), TABLES) as shelf:
        for name in names:
            shelf.create(name, [(notes, [{"id": name, "turn": 0}])], durable=False)
        opened = {name: shelf.open(name, durable=False) for name in names}
        most: list[int] = []

        async def live(name: str) -> None:
            for turn in range(3):
                await Deed(f"{name}-{turn}").on(opened[name])
                found = await opened[name].reading.all(IDS)
                assert [row["id"] for row in found] == [name, *(f"{name}-{past}" for past in range(turn + 1))]

        async def watch(living: asyncio.Task[Any]) -> None:
            while not living.done():
                most.append(await asyncio.to_thread(connected, url))

        async def play() -> None:
            living = asyncio.ensure_future(asyncio.gather(*map(live, names)))
            await asyncio.gather(living, watch(living))

        shelf.run(play())
        assert 1 <= max(most) <= 8


def test_snapshots_in_the_midst_of_as_many_transactions_as_there_are_connections_never_wait_for_ever(url: str) -> None:
    names = [f"room{number:02}" for number in range(12)]
    with Shelf(partial(make, url, 3, 20.0), TABLES) as shelf:
        for name in names:
            shelf.create(name, [(notes, [{"id": name, "turn": 0}])], durable=False)
        opened = {name: shelf.open(name, durable=False) for name in names}

        async def live(name: str) -> None:
            async def work(session: Transaction) -> Any:
                await session.run(notes.delete())
                return await opened[name].snapshot()

            past = await opened[name].write(work, nothing)
            assert await opened[name].reading.scalar(COUNT) == 0
            assert await past.all(IDS) == [{"id": name}]
            await past.close()
            # Who still holds what was let go of sees the present.
            assert await past.all(IDS) == []

        async def play() -> None:
            await asyncio.gather(*map(live, names))

        shelf.run(play())
    assert connected(url) == 0


def test_a_connection_that_has_seen_too_many_sandboxes_is_replaced(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_connections, "MOST_CITIES", 2)
    with Shelf(partial(make, url, 2, 20.0), TABLES) as shelf:
        for name in ("one1", "two2", "three", "four"):
            shelf.create(name, [(notes, [{"id": name, "turn": 0}])])
        for name in ("one1", "two2", "three", "four", "one1"):
            assert ids(shelf, shelf.open(name)) == [name]
        assert connected(url) <= 2


class Storm:
    """Writes one note after the other into a sandbox and keeps those that were acknowledged."""

    def __init__(self, database: Database, name: str, news: asyncio.Queue[str]) -> None:
        self.database = database
        self.name = name
        self.done: list[str] = []
        self.ends = False
        self._news = news

    async def rages(self) -> None:
        while not self.ends:
            deed = Deed(f"{self.name}-{len(self.done):05}")
            await deed.on(self.database)
            assert deed.told == 1
            self.done.append(deed.id)
            self._news.put_nowait(deed.id)


@pytest.mark.parametrize("stop", [signal.SIGQUIT, signal.SIGINT], ids=["at once", "in order"])
def test_a_server_that_stops_in_a_storm_of_writes_loses_none_that_was_acknowledged(
    mortal_postgresql: Cluster, stop: signal.Signals
) -> None:
    cluster = mortal_postgresql
    names = [f"room{number}" for number in range(6)]
    with Shelf(partial(make, cluster.made(), 5, 20.0), TABLES) as shelf:
        for name in names:
            shelf.create(name, [])
        news: asyncio.Queue[str] = asyncio.Queue()
        storms = [Storm(shelf.open(name), name, news) for name in names]

        async def written(more: int) -> None:
            aims = [len(storm.done) + more for storm in storms]
            while any(len(storm.done) < aim for storm, aim in zip(storms, aims, strict=True)):
                await news.get()

        async def play() -> None:
            raging = asyncio.gather(*(storm.rages() for storm in storms))
            for _ in range(2):
                await asyncio.wait_for(written(15), 30)
                await asyncio.to_thread(cluster.stop, stop)
                reading = asyncio.create_task(storms[0].database.reading.scalar(COUNT))
                await asyncio.to_thread(cluster.start)
                assert await reading >= 15
            await asyncio.wait_for(written(15), 30)
            for storm in storms:
                storm.ends = True
            await raging

        shelf.run(play())
        for storm in storms:
            assert ids(shelf, storm.database) == storm.done
