"""Both stores behind one handle, each over something real: a folder, or a database of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from sqlalchemy import MetaData

from services.kit.store import Database, Record, Seed, Session, Store, Transaction

Done = TypeVar("Done")
Make = Callable[..., Store]
"""Takes the tables, a thread that works, and by name whatever else the store shall be told."""


def nothing() -> None:
    """Nobody wants to know."""


AT = 1_800_000_000.25
"""When everything here happens, in seconds since the epoch."""


class Shelf:
    """A store, in a loop of its own.

    Args:
        make: gives a store over the same place each time, as a process does that starts anew.
    """

    def __init__(self, make: Make, tables: MetaData) -> None:
        self._make = make
        self._tables = tables
        self._worker = ThreadPoolExecutor(1)
        self._loop = asyncio.Runner()
        self._databases: list[Database] = []
        self.store = make(tables, self._worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()
        self._loop.close()
        self._worker.shutdown()

    def _close(self) -> None:
        for database in self._databases:
            self.run(database.close())
        self._databases = []
        self.run(self.store.close())

    def reopen(self, **told: Any) -> None:
        """Go on as another process over the same place.

        Args:
            told: what its store is told, such as the number of another layout.
        """
        self._close()
        self.store = self._make(self._tables, self._worker, **told)

    def run(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Let a coroutine run to its end."""
        return self._loop.run(work)

    def create(self, name: str, seed: Seed, *, durable: bool = True) -> None:
        """Make a sandbox."""
        self.run(self.store.create(name, f'{{"of": "{name}"}}', lambda: seed, at=AT, durable=durable))

    def open(self, name: str, *, durable: bool = True) -> Database:
        """Open a sandbox; it is closed with the shelf."""
        database = self.run(self.store.open(name, durable=durable))
        self._databases.append(database)
        return database

    def close(self, database: Database) -> None:
        """Close one before that."""
        self._databases.remove(database)
        self.run(database.close())

    def restore(self, name: str, image: str, *, at: float = AT, durable: bool = True) -> None:
        """Put an image back, both phases."""
        self.run(self.store.stage(name, image, durable=durable))
        self.run(self.store.swap(name, at=at, durable=durable))

    def write(self, database: Database, statement: Any, rows: Iterable[Record] | None = None, **values: object) -> int:
        """Write in a transaction of its own."""

        async def work(session: Transaction) -> int:
            return await session.run(statement, rows=None if rows is None else list(rows), **values)

        return self.run(database.write(work, nothing))

    def all(self, session: Session, query: Any, **values: object) -> list[Record]:
        """Read every row."""
        return self.run(session.all(query, **values))
