"""What every store promises of whole sandboxes and their images, held against both: SQLite's files and PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from census import ALL, COUNT, IDS, ROWS, houses, people
from shelves import AT, Shelf
from sqlalchemy import select

from services.kit.layout import LAYOUT
from services.kit.store import Database


def test_a_sandbox_is_there_once_it_is_made_and_gone_once_it_is_deleted(shelf: Shelf) -> None:
    store = shelf.store
    assert shelf.run(store.names()) == []
    assert shelf.run(store.spec("city")) is None
    shelf.create("town", [(people, ROWS)], durable=False)
    shelf.create("city", [])
    assert shelf.run(store.names()) == ["city", "town"]
    assert shelf.run(store.spec("city")) == '{"of": "city"}'
    assert shelf.run(store.images("city")) == ["initial"]
    shelf.reopen()
    store = shelf.store
    assert shelf.run(store.names()) == ["city", "town"]
    shelf.run(store.delete("town"))
    shelf.run(store.delete("town"))
    assert shelf.run(store.names()) == ["city"]
    assert shelf.run(store.spec("town")) is None
    with pytest.raises((LookupError, OSError)):
        shelf.open("town")
    shelf.create("town", [(people, ROWS[:1])])
    assert shelf.run(shelf.open("town").reading.scalar(COUNT)) == 1


def test_a_sandbox_whose_seed_fails_is_not_there_and_can_be_made_again(shelf: Shelf) -> None:
    def failing() -> Iterator[Any]:
        yield people, ROWS
        raise LookupError

    with pytest.raises(LookupError):
        shelf.create("city", failing())
    with pytest.raises(Exception, match=r"(?i)unique"):
        shelf.create("city", [(people, [ROWS[0], ROWS[0]])])
    assert shelf.run(shelf.store.names()) == []
    shelf.create("city", [(people, ROWS)])
    assert shelf.all(shelf.open("city").reading, ALL) == ROWS


def test_a_reset_brings_the_seeded_city_back_and_a_checkpoint_its_own_state(shelf: Shelf, database: Database) -> None:
    shelf.write(database, people.delete().where(people.c.id == "b"))
    shelf.write(database, houses.insert(), rows=[{"number": 5, "owner": "a", "order": 50}])
    shelf.run(shelf.store.save("city", "later"))
    shelf.write(database, houses.delete())
    shelf.close(database)
    assert shelf.run(shelf.store.images("city")) == ["initial", "later"]

    shelf.restore("city", "initial")
    back = shelf.open("city")
    assert shelf.all(back.reading, ALL) == ROWS
    assert shelf.all(back.reading, select(houses)) == []
    shelf.close(back)

    shelf.restore("city", "later")
    later = shelf.open("city")
    assert [row["id"] for row in shelf.all(later.reading, IDS)] == ["a", "ü'\""]
    assert shelf.all(later.reading, select(houses)) == [{"number": 5, "owner": "a", "order": 50}]
    shelf.write(later, people.update().values(age=0))
    shelf.run(shelf.store.save("city", "later"))
    shelf.close(later)
    shelf.restore("city", "initial")
    shelf.restore("city", "later")
    assert {row["age"] for row in shelf.all(shelf.open("city").reading, ALL)} == {0}
    assert shelf.run(shelf.store.forget("city", "later"))
    assert not shelf.run(shelf.store.forget("city", "later"))
    assert shelf.run(shelf.store.images("city")) == ["initial"]


def test_reset_after_reset_only_puts_back_what_was_changed_and_misses_nothing(shelf: Shelf) -> None:
    """Changes of different tables, over restarts and checkpoints, are all undone."""
    shelf.create("city", [(people, ROWS), (houses, [{"number": 1, "owner": "a", "order": 1}])])
    begun = [{"number": 1, "owner": "a", "order": 1}]

    def change_houses() -> None:
        database = shelf.open("city")
        shelf.write(database, houses.update(), order=9)
        shelf.close(database)

    def change_people() -> None:
        database = shelf.open("city")
        shelf.write(database, people.update(), age=9)
        shelf.close(database)

    for changes in ([change_houses], [change_people], [change_people, change_houses], [], [change_houses] * 2):
        for change in changes:
            change()
            shelf.reopen()
        shelf.restore("city", "initial")
        database = shelf.open("city")
        assert shelf.all(database.reading, ALL) == ROWS
        assert shelf.all(database.reading, select(houses)) == begun
        shelf.close(database)
        change_people()
        shelf.run(shelf.store.save("city", "old"))
        change_houses()
        shelf.restore("city", "old")
        database = shelf.open("city")
        assert {row["age"] for row in shelf.all(database.reading, ALL)} == {9}
        assert shelf.all(database.reading, select(houses)) == begun
        shelf.close(database)


def test_it_is_known_since_when_the_present_state_is_that(shelf: Shelf) -> None:
    """A city's clock starts there; whoever opens it in another process must not start it anew."""
    shelf.create("city", [(people, ROWS)])
    shelf.run(shelf.store.save("city", "later"))
    assert shelf.open("city").began == AT
    shelf.reopen()
    shelf.restore("city", "later", at=AT + 1.5)
    shelf.reopen()
    assert shelf.open("city").began == AT + 1.5


def test_nothing_is_swapped_in_that_was_not_staged(shelf: Shelf) -> None:
    shelf.create("city", [(people, ROWS)], durable=False)
    with pytest.raises(RuntimeError, match="nothing is staged"):
        shelf.run(shelf.store.swap("city", at=AT, durable=False))
    assert shelf.run(shelf.store.images("city")) == ["initial"]
    assert not shelf.run(shelf.store.forget("city", "never-made"))


def test_what_was_only_staged_has_not_happened_for_a_process_that_starts_anew(shelf: Shelf, database: Database) -> None:
    shelf.write(database, people.delete().where(people.c.id == "b"))
    shelf.run(shelf.store.stage("city", "initial", durable=True))
    shelf.reopen()
    assert shelf.run(shelf.open("city").reading.scalar(COUNT)) == 2


def test_sandboxes_of_another_layout_count_as_none_and_leave_nothing(shelf: Shelf) -> None:
    """After an update a city is made anew under its old name, whatever its tables were."""
    for name in ("city", "town"):
        shelf.create(name, [(people, ROWS)])
        shelf.run(shelf.store.save(name, "later"))
    shelf.reopen(layout=LAYOUT + 1)
    assert shelf.run(shelf.store.names()) == []
    assert shelf.run(shelf.store.spec("city")) is None
    shelf.create("city", [(people, ROWS[:1])])
    shelf.reopen(layout=LAYOUT + 1)
    assert shelf.run(shelf.store.names()) == ["city"]
    assert shelf.run(shelf.store.images("city")) == ["initial"]
    assert shelf.run(shelf.open("city").reading.scalar(COUNT)) == 1
    shelf.reopen()
    assert shelf.run(shelf.store.names()) == []
