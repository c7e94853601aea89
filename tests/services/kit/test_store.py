"""What every store promises, held against both: SQLite's files and PostgreSQL."""

import asyncio
from datetime import date
from typing import Any

import pytest
from census import ALL, COUNT, IDS, ROWS, houses, people
from shelves import Shelf, nothing
from sqlalchemy import (
    bindparam,
    func,
    select,
)

from services.kit.store import Appending, Database, Prepared, ReadOnlyError, Session, Transaction


async def empty(session: Transaction) -> None:
    await session.run(people.delete())


async def was_changed(session: Transaction) -> bool:
    return session.changed


@pytest.mark.parametrize("query", [ALL, select(people).order_by(people.c.id)])
def test_what_was_seeded_is_read_back_as_it_was(shelf: Shelf, database: Database, query: Any) -> None:
    assert shelf.run(database.reading.all(query)) == ROWS
    assert shelf.run(database.reading.first(query)) == ROWS[0]
    assert shelf.run(database.reading.scalar(query)) == "a"


AWKWARD = [
    {"story": "tab\tline\nreturn\rback\\slash \\N \\. 'one' \"two\" %s $1 :name", "share": 0.1, "wealth": 2**62},
    {"story": "", "share": -1e-300, "wealth": -(2**62)},
    {"story": "\u0001\u001f\u007f\u0085\u2028 \U0001f3db Kabupaten Ñandé", "share": 1e300, "wealth": 0},
    {"story": "\\", "share": 1 / 3, "wealth": 1},
    {"story": "\\N", "share": 2.0, "wealth": 2},
    {"story": None, "share": None, "wealth": 3},
]
JSONS: list[Any] = [
    {"z": 1, "a": {"c": [], "b": None}, "é": '\\ " \n \u0000'},
    [1.5, -0.1, 10**15, True, None, ""],
    "plain",
    7,
    False,
    [],
]


def test_every_type_and_every_awkward_text_comes_back_the_same_however_it_got_in(shelf: Shelf) -> None:
    rows = [
        {"id": f"p{place}", "age": 2**63 - 1, "tags": tags, "alive": bool(place % 2), "born": date(9999, 12, 31),
         "parent": None, **awkward}
        for place, (awkward, tags) in enumerate(zip(AWKWARD, JSONS, strict=True))
    ]  # fmt: skip
    shelf.create("seeded", [(people, rows)])
    assert shelf.all(shelf.open("seeded").reading, ALL) == rows
    shelf.create("written", [])
    written = shelf.open("written")
    assert shelf.write(written, people.insert(), rows=rows) == len(rows)
    assert shelf.all(written.reading, ALL) == rows
    for found, row in zip(shelf.all(written.reading, ALL), rows, strict=True):
        assert isinstance(found["tags"], type(row["tags"]))
        if isinstance(row["tags"], dict):
            assert list(found["tags"]) == list(row["tags"])
    shelf.run(shelf.store.save("written", "kept"))
    shelf.write(written, people.delete())
    shelf.close(written)
    shelf.restore("written", "kept")
    assert shelf.all(shelf.open("written").reading, ALL) == rows


def test_the_order_of_a_rows_members_does_not_matter_and_what_is_left_out_has_its_default(shelf: Shelf) -> None:
    turned = [dict(reversed(row.items())) for row in ROWS]
    short = [{"alive": True, "id": "z"}, {"alive": False, "id": "y"}]
    shelf.create("city", [(people, turned), (people, short)])
    found = shelf.all(shelf.open("city").reading, ALL)
    assert found[:2] == ROWS[:2]
    assert [(row["id"], row["wealth"], row["tags"]) for row in found[2:4]] == [("y", 0, None), ("z", 0, None)]


def test_text_is_ordered_by_its_code_points(shelf: Shelf) -> None:
    names = [
        "a",
        "B",
        "A",
        "b",
        "á",
        "Z",
        "_",
        "-",
        " ",
        "1",
        "10",
        "2",
        "a b",
        "ab",
        "aB",
        "\U0010ffff",
        "ß",
        "é",
        "z",
    ]
    shelf.create("city", [(people, [{"id": name, "alive": True} for name in names])])
    reading = shelf.open("city").reading
    assert [row["id"] for row in shelf.all(reading, IDS)] == sorted(names)
    between = Prepared(
        select(people.c.id).where(people.c.id.between(bindparam("low"), bindparam("high"))).order_by(people.c.id.desc())
    )
    found = [row["id"] for row in shelf.all(reading, between, low="a", high="b")]
    assert found == sorted((name for name in names if "a" <= name <= "b"), reverse=True)
    assert shelf.run(reading.scalar(select(func.max(people.c.id)))) == "\U0010ffff"
    assert shelf.run(reading.scalar(select(func.min(people.c.id)))) == " "


def test_a_prepared_query_takes_its_values_by_name_and_keeps_its_constants(shelf: Shelf, database: Database) -> None:
    query = Prepared(
        select(people.c.id)
        .where(people.c.parent == "a", people.c.alive == bindparam("alive"))
        .order_by(people.c.id)
        .limit(bindparam("most"))
    )
    reading = database.reading
    for _ in range(8):  # often enough for any driver to prepare it
        assert shelf.run(reading.all(query, alive=True, most=5)) == [{"id": "ü'\""}]
        assert shelf.run(reading.all(query, alive=False, most=5)) == [{"id": "b"}]
        assert shelf.run(reading.all(query, alive=True, most=0)) == []
    assert shelf.run(reading.first(query, alive=True, most=0)) is None
    assert shelf.run(reading.scalar(query, alive=True, most=0)) is None


def test_sums_and_counts_are_whole_numbers(shelf: Shelf) -> None:
    rows = [{"id": name, "alive": True, "wealth": 2**62, "age": age} for name, age in (("a", 1), ("b", 2), ("c", None))]
    shelf.create("city", [(people, rows[:1])])
    reading = shelf.open("city").reading
    total = Prepared(select(func.sum(people.c.wealth).label("total"), func.count(people.c.age).label("known")))
    found = shelf.run(reading.first(total))
    assert found == {"total": 2**62, "known": 1}
    assert type(found["total"]) is int
    nobody = Prepared(select(func.coalesce(func.sum(people.c.wealth), 0).label("total")).where(people.c.id == "none"))
    assert shelf.run(reading.scalar(nobody)) == 0


def test_lists_of_values_and_values_for_columns_are_taken(shelf: Shelf, database: Database) -> None:
    two = select(people.c.id).where(people.c.id.in_(["a", "b", "x"])).order_by(people.c.id)
    assert shelf.all(database.reading, two) == [{"id": "a"}, {"id": "b"}]
    listed = select(people.c.id).where(people.c.id.in_(bindparam("ids", expanding=True)))
    assert shelf.all(database.reading, listed, ids=["b"]) == [{"id": "b"}]
    assert shelf.all(database.reading, listed, ids=[]) == []
    update = people.update().where(people.c.id == bindparam("which"))
    assert shelf.write(database, update, which="a", age=7, tags={"k": [1]}) == 1
    assert shelf.write(database, update, rows=[{"which": "a", "age": 8}, {"which": "b", "age": 9}]) == 2
    assert [row["age"] for row in shelf.all(database.reading, ALL)][:2] == [8, 9]
    assert shelf.run(database.reading.first(ALL))["tags"] == {"k": [1]}


def test_a_value_is_never_read_as_sql(shelf: Shelf, database: Database) -> None:
    query = Prepared(select(people.c.id).where(people.c.id == bindparam("id")))
    assert shelf.all(database.reading, query, id="a' OR '1'='1") == []
    assert shelf.all(database.reading, query, id="ü'\"") == [{"id": "ü'\""}]


def test_outside_a_transaction_nothing_is_written(shelf: Shelf, database: Database) -> None:
    with pytest.raises(ReadOnlyError):
        shelf.run(database.reading.run(people.delete()))
    assert shelf.run(database.reading.scalar(COUNT)) == 3


def test_a_transaction_is_seen_by_others_once_it_is_committed_and_says_so(shelf: Shelf, database: Database) -> None:
    told: list[int] = []

    async def change(session: Transaction) -> str:
        assert not session.changed
        assert await session.run(people.delete().where(people.c.id == bindparam("gone")), gone="b") == 1
        assert session.changed
        assert await session.scalar(COUNT) == 2
        assert await database.reading.scalar(COUNT) == 3
        assert told == []
        return "done"

    async def play() -> None:
        assert await database.write(change, lambda: told.append(1)) == "done"
        assert told == [1]
        assert await database.reading.scalar(COUNT) == 2

    shelf.run(play())


def test_a_transaction_that_fails_leaves_no_trace(shelf: Shelf, database: Database) -> None:
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

    shelf.run(play())
    assert told == []


def test_what_the_tables_forbid_is_refused_and_the_next_transaction_goes_well(shelf: Shelf, database: Database) -> None:
    wrong = {
        "twice the same key": (people, {**ROWS[0], "parent": None}),
        "no such parent": (people, {**ROWS[0], "id": "n", "parent": "nobody"}),
        "nothing where something must be": (people, {**ROWS[0], "id": "n", "alive": None}),
    }
    for table, row in wrong.values():
        with pytest.raises(Exception, match=r"(?i)constraint"):
            shelf.write(database, table.insert(), rows=[row])
    assert shelf.write(database, people.insert(), rows=[{**ROWS[0], "id": "n"}]) == 1
    assert shelf.run(database.reading.scalar(COUNT)) == 4


def test_foreign_keys_hold_after_a_restore_too(shelf: Shelf, database: Database) -> None:
    shelf.close(database)
    shelf.restore("city", "initial")
    again = shelf.open("city")
    assert shelf.write(again, houses.insert(), rows=[{"number": 1, "owner": "a", "order": 1}]) == 1
    with pytest.raises(Exception, match=r"(?i)foreign key|violates"):
        shelf.write(again, houses.insert(), rows=[{"number": 2, "owner": "nobody", "order": 2}])
    with pytest.raises(Exception, match=r"(?i)foreign key|violates"):
        shelf.write(again, people.delete())


def test_rows_are_added_by_position(shelf: Shelf, database: Database) -> None:
    adding = Appending(people)

    async def add(session: Transaction) -> None:
        await session.append(adding, [("n1", 1, 2, 0.5, "[]", True, None, "t", None)])
        two = [("n2", 2, 3, 1.5, "{}", False, None, None, "a"), ("n3", 2, 3, 1.5, "null", True, None, None, None)]
        await session.append(adding, two)
        await session.append(adding, [])

    async def play() -> None:
        await database.write(add, nothing)
        first, second, third = (await database.reading.all(ALL))[2:5]
        assert first == {"id": "n1", "age": 1, "wealth": 2, "share": 0.5, "tags": [], "alive": True, "born": None,
                         "story": "t", "parent": None}  # fmt: skip
        assert (second["id"], second["tags"], second["alive"], second["parent"]) == ("n2", {}, False, "a")
        assert (third["id"], third["tags"], third["alive"]) == ("n3", None, True)

    shelf.run(play())


def test_transactions_of_one_sandbox_come_one_after_the_other(shelf: Shelf, database: Database) -> None:
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

    shelf.run(play())


def test_a_commit_ends_even_if_its_asker_goes_away_meanwhile(shelf: Shelf, database: Database) -> None:
    """As when the process is stopped: the change is in the store, and what counts on it is told so."""
    told: list[int] = []

    async def play() -> None:
        begun = asyncio.Event()

        async def change(session: Transaction) -> None:
            await empty(session)
            begun.set()

        changing = asyncio.create_task(database.write(change, lambda: told.append(1)))
        await begun.wait()
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert told == [1]
        assert await database.reading.scalar(COUNT) == 0
        assert not await database.write(was_changed, nothing)

    shelf.run(play())


def test_a_transaction_whose_asker_goes_away_before_the_commit_leaves_no_trace(
    shelf: Shelf, database: Database
) -> None:
    async def play() -> None:
        begun = asyncio.Event()

        async def change(session: Transaction) -> None:
            await empty(session)
            begun.set()
            await asyncio.Event().wait()

        changing = asyncio.create_task(database.write(change, nothing))
        await begun.wait()
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert await database.reading.scalar(COUNT) == 3
        await database.write(empty, nothing)
        assert await database.reading.scalar(COUNT) == 0

    shelf.run(play())


def test_a_snapshot_goes_on_seeing_the_past(shelf: Shelf, database: Database) -> None:
    async def keep_past(session: Transaction) -> Any:
        await empty(session)
        return await database.snapshot()

    async def play() -> None:
        past = await database.write(keep_past, nothing)
        for query in (COUNT, select(func.count()).select_from(people)):
            assert await past.scalar(query) == 3
        assert await past.all(ALL) == ROWS
        assert await database.reading.scalar(COUNT) == 0
        with pytest.raises(ReadOnlyError):
            await past.run(people.delete())
        await past.close()

    shelf.run(play())


def test_sandboxes_do_not_see_each_other_however_much_goes_on_in_them(shelf: Shelf) -> None:
    """Twelve cities are written and read at the same moment, on the same few connections."""
    names = [f"city{number:02}" for number in range(12)]
    for name in names:
        shelf.create(name, [(people, [{"id": name, "alive": True, "age": 0}])], durable=False)
    opened = {name: shelf.open(name, durable=False) for name in names}
    one = Prepared(select(people).where(people.c.age >= bindparam("least")).order_by(people.c.id))

    async def live(name: str) -> None:
        for turn in range(8):
            row = {"id": f"{name}-{turn}", "alive": True, "age": turn, "story": name}

            async def add(session: Transaction, row: dict[str, Any] = row) -> None:
                await session.run(people.insert(), rows=[row])

            await opened[name].write(add, nothing)
            found = await opened[name].reading.all(one, least=0)
            assert {person["id"].partition("-")[0] for person in found} == {name}
            assert len(found) == turn + 2

    async def play() -> None:
        await asyncio.gather(*map(live, names))

    shelf.run(play())
    shelf.run(shelf.store.delete(names[0]))
    assert shelf.run(opened[names[1]].reading.scalar(COUNT)) == 9


def test_reading_goes_on_while_another_transaction_takes_its_time(shelf: Shelf, database: Database) -> None:
    async def play() -> None:
        read = asyncio.Event()

        async def slow(session: Transaction) -> None:
            await empty(session)
            await read.wait()

        writing = asyncio.create_task(database.write(slow, nothing))
        for _ in range(3):
            assert await _count(database.reading) == 3
        read.set()
        await writing
        assert await _count(database.reading) == 0

    shelf.run(play())


async def _count(session: Session) -> int:
    return int(await session.scalar(COUNT))
