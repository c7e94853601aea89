"""The kit's own tables in PostgreSQL are made with the first call, while others call already."""

import asyncio
from functools import partial
from typing import Any

import psycopg
import pytest
from postgresql_cluster import Cluster
from shelves import Shelf
from sqlalchemy import MetaData

from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections

TABLES = MetaData()
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.made()


def make(url: str, tables: MetaData, worker: Any) -> PostgreSqlStore:
    return PostgreSqlStore(Connections(url, 4), "sample", tables, worker)


def test_several_processes_may_make_the_kits_tables_at_the_same_moment(url: str) -> None:
    shelves = [Shelf(partial(make, url), TABLES) for _ in range(5)]

    async def play() -> list[list[str]]:
        return await asyncio.gather(*(shelf.store.names() for shelf in shelves))

    assert shelves[0].run(play()) == [[]] * 5

    async def close() -> None:
        await asyncio.gather(*(shelf.store.close() for shelf in shelves))

    shelves[0].run(close())
    for shelf in shelves:
        shelf._loop.close()
        shelf._worker.shutdown()


def test_whoever_calls_while_the_tables_are_being_made_finds_them(url: str) -> None:
    """A lab lists its sandboxes when it starts; whoever made one in that moment was told of a mistake."""
    with (
        Shelf(partial(make, url), TABLES) as shelf,
        psycopg.connect(url) as maker,
        psycopg.connect(url, autocommit=True) as watcher,
    ):

        def waiting() -> int:
            [(number,)] = watcher.execute(_WAITING).fetchall()
            return int(number)

        async def play() -> list[list[str]]:
            # As another process that is making them, and not done yet.
            maker.execute("CREATE SCHEMA lab_sample")
            calls: list[asyncio.Task[list[str]]] = []
            for number in (1, 2):
                calls.append(asyncio.create_task(shelf.store.names()))
                while not calls[-1].done() and await asyncio.to_thread(waiting) < number:
                    pass
            maker.rollback()
            return await asyncio.gather(*calls)

        assert shelf.run(play()) == [[], []]
