"""The store: what statements mean, transactions, and a commit that nobody waits for any more."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Date, Integer, MetaData, String, Table, bindparam, func, select

from services.kit.sqlite import SqliteStore
from services.kit.sqlite_database import SqliteDatabase
from services.kit.store import Appending, Prepared, ReadOnlyError, Transaction

TABLES = MetaData()
people = Table(
    "people",
    TABLES,
    Column("id", String, primary_key=True),
    Column("age", Integer),
    Column("tags", JSON),
    Column("alive", Boolean, nullable=False),
    Column("born", Date),
    Column("parent", String, index=True),
)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "age": 1, "tags": ["x", {"y": None}], "alive": True, "born": date(2025, 1, 2), "parent": None},
    {"id": "b", "age": None, "tags": None, "alive": False, "born": None, "parent": "a"},
    {"id": "ü'\"", "age": -(2**63), "tags": {}, "alive": True, "born": date(1, 1, 1), "parent": "a"},
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with ThreadPoolExecutor(1) as worker:
        store = SqliteStore(tmp_path / "store", TABLES, worker)
        asyncio.run(store.create("city", "{}", lambda: [(people, ROWS), (people, [])], durable=True))
        opened = asyncio.run(store.open("city", durable=True))
        assert isinstance(opened, SqliteDatabase)
        yield opened
        asyncio.run(opened.close())


def nothing() -> None:
    """Nobody wants to know."""


async def empty(session: Transaction) -> None:
    await session.run(people.delete())


async def was_changed(session: Transaction) -> bool:
    return session.changed


ALL = Prepared(select(people).order_by(people.c.id))
COUNT = Prepared(select(func.count().label("count")).select_from(people))


@pytest.mark.parametrize("query", [ALL, select(people).order_by(people.c.id)])
def test_what_was_seeded_is_read_back_as_it_was(database: SqliteDatabase, query: Any) -> None:
    assert asyncio.run(database.reading.all(query)) == ROWS
    assert asyncio.run(database.reading.first(query)) == ROWS[0]
    assert asyncio.run(database.reading.scalar(query)) == "a"


def test_a_prepared_query_takes_its_values_by_name_and_keeps_its_constants(database: SqliteDatabase) -> None:
    query = Prepared(
        select(people.c.id)
        .where(people.c.parent == "a", people.c.alive == bindparam("alive"))
        .order_by(people.c.id)
        .limit(bindparam("most"))
    )
    reading = database.reading
    assert asyncio.run(reading.all(query, alive=True, most=5)) == [{"id": "ü'\""}]
    assert asyncio.run(reading.all(query, alive=False, most=5)) == [{"id": "b"}]
    assert asyncio.run(reading.all(query, alive=True, most=0)) == []
    assert asyncio.run(reading.first(query, alive=True, most=0)) is None
    assert asyncio.run(reading.scalar(query, alive=True, most=0)) is None


def test_a_value_is_never_read_as_sql(database: SqliteDatabase) -> None:
    query = Prepared(select(people.c.id).where(people.c.id == bindparam("id")))
    assert asyncio.run(database.reading.all(query, id="a' OR '1'='1")) == []
    assert asyncio.run(database.reading.all(query, id="ü'\"")) == [{"id": "ü'\""}]


def test_outside_a_transaction_nothing_is_written(database: SqliteDatabase) -> None:
    with pytest.raises(ReadOnlyError):
        asyncio.run(database.reading.run(people.delete()))
    assert asyncio.run(database.reading.scalar(COUNT)) == 3


def test_a_transaction_is_seen_by_others_once_it_is_committed_and_says_so(database: SqliteDatabase) -> None:
    told: list[int] = []

    async def change(session: Transaction) -> str:
        assert not session.changed
        assert await session.run(people.delete().where(people.c.id == bindparam("gone")), gone="a") == 1
        assert session.changed
        assert await session.scalar(COUNT) == 2
        assert await database.reading.scalar(COUNT) == 3
        assert told == []
        return "done"

    async def play() -> None:
        assert await database.write(change, lambda: told.append(1)) == "done"
        assert told == [1]
        assert await database.reading.scalar(COUNT) == 2

    asyncio.run(play())


def test_a_transaction_that_fails_leaves_no_trace(database: SqliteDatabase) -> None:
    told: list[int] = []

    async def fail(session: Transaction) -> None:
        await session.run(people.delete())
        raise LookupError

    async def touch_nothing(session: Transaction) -> None:
        assert not session.changed
        assert await session.run(people.update().values(age=5), rows=[]) == 0
        assert not session.changed

    async def play() -> None:
        with pytest.raises(LookupError):
            await database.write(fail, lambda: told.append(1))
        assert await database.reading.scalar(COUNT) == 3
        await database.write(touch_nothing, nothing)

    asyncio.run(play())
    assert told == []


def test_rows_are_added_by_position(database: SqliteDatabase) -> None:
    async def add(session: Transaction) -> None:
        rows = [("n1", 1, "[]", True, None, None), ("n2", 2, "{}", False, None, None)]
        await session.append(Appending(people), rows)

    async def play() -> None:
        await database.write(add, nothing)
        assert (await database.reading.all(ALL))[2:4] == [
            {"id": "n1", "age": 1, "tags": [], "alive": True, "born": None, "parent": None},
            {"id": "n2", "age": 2, "tags": {}, "alive": False, "born": None, "parent": None},
        ]

    asyncio.run(play())


def test_transactions_come_one_after_the_other(database: SqliteDatabase) -> None:
    async def older(session: Transaction) -> None:
        age = await session.scalar(select(people.c.age).where(people.c.id == "a"))
        await asyncio.sleep(0)
        await session.run(people.update().where(people.c.id == "a"), age=age + 1)

    async def grow(turns: int) -> None:
        for _ in range(turns):
            await database.write(older, nothing)

    async def play() -> None:
        await asyncio.gather(*(grow(5) for _ in range(6)))
        assert await database.reading.scalar(select(people.c.age).where(people.c.id == "a")) == 31

    asyncio.run(play())


def test_a_commit_ends_even_if_its_asker_goes_away_meanwhile(database: SqliteDatabase) -> None:
    """As when the process is stopped: the change is in the store, and what counts on it is told so."""
    told: list[int] = []

    async def play() -> None:
        begun = asyncio.Event()

        async def change(session: Transaction) -> None:
            await session.run(people.delete())
            begun.set()

        changing = asyncio.create_task(database.write(change, lambda: told.append(1)))
        await begun.wait()
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert told == [1]
        assert await database.reading.scalar(COUNT) == 0
        assert not await database.write(was_changed, nothing)

    asyncio.run(play())


def test_a_snapshot_goes_on_seeing_the_past(database: SqliteDatabase) -> None:
    async def play() -> None:
        past = await database.snapshot()
        await database.write(empty, nothing)
        assert await past.scalar(COUNT) == 3
        assert await database.reading.scalar(COUNT) == 0
        with pytest.raises(ReadOnlyError):
            await past.run(people.delete())
        await past.close()

    asyncio.run(play())


def test_nothing_is_swapped_in_that_was_not_staged(tmp_path: Path) -> None:
    async def play(store: SqliteStore) -> None:
        await store.create("city", "{}", lambda: [(people, ROWS)], durable=False)
        with pytest.raises(RuntimeError, match="nothing is staged"):
            await store.swap("city", durable=False)
        assert await store.images("city") == ["initial"]
        assert not await store.forget("city", "never-made")

    with ThreadPoolExecutor(1) as worker:
        asyncio.run(play(SqliteStore(tmp_path / "store", TABLES, worker)))
