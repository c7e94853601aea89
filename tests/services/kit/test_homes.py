"""Homes over a real PostgreSQL: one at most, wherever and whenever it is asked for."""

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from postgresql_cluster import Cluster

from services.kit.homes import ElsewhereError, SoleHome
from services.kit.replicas import LockLine, ReplicaHomes
from services.kit.store import StoreUnavailableError

END_LOCKS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'lab-homes-%' AND datname = current_database()
"""


class Memory:
    """What a service would have in memory."""

    def __init__(self) -> None:
        self.doubts = 0
        self.dropped: list[str] = []

    def doubt(self) -> None:
        self.doubts += 1

    def drop(self, sandbox: str) -> None:
        self.dropped.append(sandbox)


class Street:
    """Processes side by side, as far as homes go."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.lines: list[LockLine] = []
        self.memories: list[Memory] = []

    def moved_in(self, *, service: str = "sample", port: int = 0) -> ReplicaHomes:
        line = LockLine(self.database, secrets.token_hex(4))
        homes = ReplicaHomes(line, service, port or 9000 + len(self.lines))
        memory = Memory()
        homes.watched_by(memory)
        self.lines.append(line)
        self.memories.append(memory)
        return homes

    async def close(self) -> None:
        for line in self.lines:
            await line.close()

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            done = connection.execute(statement, values or None)
            return done.fetchall() if done.description else []


@pytest.fixture
def street(postgresql: Cluster) -> Street:
    return Street(postgresql.made())


def run(street: Street, work: Callable[[], Awaitable[None]]) -> None:
    """Let a test run to its end, and hang up after it."""

    async def whole() -> None:
        try:
            await work()
        finally:
            await street.close()

    asyncio.run(whole())


HELD = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""
"""How many locks there are in this test's own database, whatever other tests hold in theirs."""


async def soon(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


def test_the_first_who_asks_is_home_and_the_others_learn_where(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        assert await one.claim("city") is None
        assert await one.claim("city") is None
        assert await two.claim("city") == "127.0.0.1:9000"
        assert await two.claim("town") is None
        assert await one.claim("town") == "127.0.0.1:9001"

    run(street, work)


def test_an_address_that_was_told_is_remembered_until_it_is_mistrusted_or_in_doubt(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        await one.claim("city")
        assert two.elsewhere("city") is None
        await two.claim("city")
        assert two.elsewhere("city") == "127.0.0.1:9000"
        assert one.elsewhere("city") is None
        two.mistrust("city")
        assert two.elsewhere("city") is None
        await two.claim("city")
        await asyncio.to_thread(street.sql, END_LOCKS)
        await soon(lambda: street.memories[1].doubts == 1)
        assert two.elsewhere("city") is None

    run(street, work)


def test_of_many_who_ask_at_once_one_is_home(street: Street) -> None:
    async def work() -> None:
        many = [street.moved_in() for _ in range(8)]

        async def address(homes: ReplicaHomes, city: str) -> str | None:
            while True:
                try:
                    return await homes.claim(city)
                except ElsewhereError:
                    """It is just moving in."""

        for turn in range(5):
            told = await asyncio.gather(*(address(homes, f"city{turn}") for homes in many))
            assert told.count(None) == 1
            assert {one for one in told if one is not None} == {f"127.0.0.1:{9000 + told.index(None)}"}

    run(street, work)


def test_services_do_not_take_each_other_s_cities(street: Street) -> None:
    async def work() -> None:
        assert await street.moved_in(service="sample").claim("city") is None
        assert await street.moved_in(service="other").claim("city") is None

    run(street, work)


def test_one_line_holds_the_homes_of_all_services_of_a_process(street: Street) -> None:
    async def work() -> None:
        one = street.moved_in(service="sample")
        other = ReplicaHomes(street.lines[0], "other", 9100)
        assert await one.claim("city") is None
        assert await other.claim("city") is None
        assert street.sql(HELD) == [(2,)]

    run(street, work)


def test_a_city_that_was_left_can_be_taken_and_one_that_was_removed_leaves_no_trace(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        await one.claim("city")
        await one.release("city")
        assert await two.claim("city") is None
        await one.forget("city")
        assert await one.claim("city") == "127.0.0.1:9001"
        await two.forget("city")
        assert street.sql("SELECT * FROM lab_sample.homes") == []

    run(street, work)


def test_who_hangs_up_leaves_all_its_cities(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        await one.claim("city")
        await street.lines[0].close()
        await soon(lambda: street.sql(HELD) == [(0,)])
        assert await two.claim("city") is None
        assert street.memories[1].dropped == ["city"]

    run(street, work)


def test_a_line_that_the_server_ends_is_noticed_at_once_and_what_nobody_took_goes_on(street: Street) -> None:
    async def work() -> None:
        one = street.moved_in()
        await one.claim("city")
        memory, term = street.memories[0], one.term
        dropped = list(memory.dropped)
        await asyncio.to_thread(street.sql, END_LOCKS)
        await soon(lambda: memory.doubts == 1)
        assert one.term != term
        assert await one.claim("city") is None
        assert memory.dropped == dropped

    run(street, work)


def test_what_another_one_took_meanwhile_is_dropped(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        await one.claim("city")
        await asyncio.to_thread(street.sql, END_LOCKS)
        await soon(lambda: street.memories[0].doubts == 1)
        assert await two.claim("city") is None
        assert await one.claim("city") == "127.0.0.1:9001"
        await two.release("city")
        dropped = len(street.memories[0].dropped)
        assert await one.claim("city") is None
        assert street.memories[0].dropped[dropped:] == ["city"]

    run(street, work)


def test_who_takes_over_changes_the_mark_by_which_the_store_knows_late_writers(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        await one.claim("other")
        street.sql("CREATE TABLE lab_sample.sandboxes (id text PRIMARY KEY, mark bigint NOT NULL)")
        street.sql("INSERT INTO lab_sample.sandboxes VALUES ('city', 1)")
        await one.claim("city")
        marks = [street.sql("SELECT mark FROM lab_sample.sandboxes")]
        await street.lines[0].close()
        await soon(lambda: street.sql(HELD) == [(0,)])
        await two.claim("city")
        marks.append(street.sql("SELECT mark FROM lab_sample.sandboxes"))
        await two.release("city")
        await two.claim("city")
        marks.append(street.sql("SELECT mark FROM lab_sample.sandboxes"))
        assert marks[0] != [(1,)]
        assert marks[1] != marks[0]
        # Nobody else was home meanwhile.
        assert marks[2] == marks[1]

    run(street, work)


def test_a_city_whose_last_home_still_writes_is_not_taken_yet(street: Street) -> None:
    async def work() -> None:
        one = street.moved_in()
        await one.claim("other")
        street.sql("CREATE TABLE lab_sample.sandboxes (id text PRIMARY KEY, mark bigint NOT NULL)")
        street.sql("INSERT INTO lab_sample.sandboxes VALUES ('city', 1)")
        with psycopg.connect(street.database) as writer:
            writer.execute("SELECT mark FROM lab_sample.sandboxes WHERE id = 'city' FOR UPDATE")
            with pytest.raises(ElsewhereError):
                await one.claim("city")
            # And nothing is left of the attempt.
            held = street.sql(HELD)
            assert held == [(1,)]
        assert await one.claim("city") is None

    run(street, work)


def test_only_a_city_that_nobody_lived_in_for_an_hour_is_forsaken(street: Street) -> None:
    async def work() -> None:
        one, two = street.moved_in(), street.moved_in()
        for city in ("empty", "lived", "young"):
            await one.claim(city)
        await one.release("empty")
        await one.release("young")
        street.sql("UPDATE lab_sample.homes SET claimed_at = now() - interval '2 hours' WHERE sandbox <> 'young'")
        told = {city: await two.is_forsaken(city) for city in ("empty", "lived", "young", "never-was")}
        assert told == {"empty": True, "lived": False, "young": False, "never-was": False}

    run(street, work)


def test_a_database_that_is_away_is_told_and_waited_for(mortal_postgresql: Cluster) -> None:
    street = Street(mortal_postgresql.made())

    async def work() -> None:
        one = street.moved_in()
        await one.claim("city")
        await asyncio.to_thread(mortal_postgresql.stop)
        await soon(lambda: street.memories[0].doubts == 1)
        assert not await one.reachable()

        async def ask(_connection: object) -> None:
            """Never reached."""

        with pytest.raises(StoreUnavailableError):
            await street.lines[0].run(ask, patience=0.3)
        waiting = asyncio.create_task(one.claim("city"))
        await asyncio.to_thread(mortal_postgresql.start)
        assert await waiting is None
        assert await one.reachable()

    run(street, work)


def test_a_database_that_stands_still_for_a_while_costs_nobody_their_homes(street: Street) -> None:
    """Whoever asks how it is must not break off the line on which the homes' locks are held."""

    async def work() -> None:
        one = street.moved_in()
        await one.claim("city")
        [(pid,)] = street.sql(
            "SELECT pid FROM pg_stat_activity "
            "WHERE application_name LIKE 'lab-homes-%' AND datname = current_database()"
        )
        os.kill(pid, signal.SIGSTOP)
        try:
            assert [await one.reachable() for _ in range(2)] == [False, False]
        finally:
            os.kill(pid, signal.SIGCONT)
        await street.lines[0].run(asked)
        assert await one.reachable()
        assert street.memories[0].doubts == 0

    async def asked(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute("SELECT 1")

    run(street, work)


def test_one_process_for_all_is_home_everywhere() -> None:
    async def work() -> None:
        sole = SoleHome()
        assert await sole.claim("city") is None
        await sole.release("city")
        await sole.forget("city")
        assert await sole.is_forsaken("city")
        assert await sole.reachable()

    asyncio.run(work())
