"""One sandbox's open SQLite file: sessions that read and write, on the event loop; only commits go to a thread."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, NullPool, create_engine
from sqlalchemy.dialects import sqlite

from services.kit.sqlite_image import POSITIONAL
from services.kit.store import (
    Appending,
    Database,
    Prepared,
    Query,
    ReadOnlyError,
    Record,
    Result,
    Session,
    Snapshot,
    Transaction,
    Work,
)

_CACHE_KIB = 192
_NAMED = sqlite.dialect(paramstyle="named")


class Connections:
    """SQLAlchemy connections to files that we open ourselves, with one engine and one memory of compiled statements.

    An engine of its own for each file would cost more than opening the file.
    """

    def __init__(self) -> None:
        self._compiled: dict[Any, Any] = {}
        self._next: list[sqlite3.Connection] = []
        self._engine = create_engine(
            "sqlite://", creator=self._next.pop, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )

    def adopt(self, raw: sqlite3.Connection) -> Connection:
        """Give SQLAlchemy's view of an open connection."""
        self._next.append(raw)
        return self._engine.connect().execution_options(compiled_cache=self._compiled)


class SqliteDatabase(Database):
    """One open state file: a connection that reads, and one that writes once something is written."""

    def __init__(self, path: Path, connections: "Connections", began: float, *, durable: bool) -> None:
        self.began = began
        self._path = path
        self._connections = connections
        self._durable = durable
        self._lock = asyncio.Lock()
        self._reader: SqliteSession | None = None
        self._writer: SqliteSession | None = None

    def _session(self, *, writes: bool) -> "SqliteSession":
        raw = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=64)
        for pragma in (
            f"synchronous={'FULL' if self._durable else 'OFF'}",
            "journal_mode=WAL",
            f"cache_size=-{_CACHE_KIB}",
            "foreign_keys=ON",
            "busy_timeout=5000",
        ):
            raw.execute(f"PRAGMA {pragma}")
        return SqliteSession(raw, self._connections, writes=writes)

    @property
    def reading(self) -> Session:
        """A session that sees the last commit."""
        if self._reader is None:
            self._reader = self._session(writes=False)
        return self._reader

    async def write(self, work: Work[Result], committed: Callable[[], None]) -> Result:
        """Run one transaction."""
        async with self._lock:
            if self._writer is None:
                self._writer = self._session(writes=True)
            writer = self._writer
            writer.begin()
            try:
                result = await work(writer)
                await self._commit(writer.raw, committed)
            except BaseException:
                writer.raw.rollback()
                raise
            return result

    async def _commit(self, raw: sqlite3.Connection, committed: Callable[[], None]) -> None:
        """Commit, in a thread where that waits for the disk, and to the end even if the caller goes away meanwhile."""
        if not self._durable:
            raw.commit()
            committed()
            return
        committing = asyncio.get_running_loop().run_in_executor(None, raw.commit)
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            await committing
            committed()
            raise
        committed()

    async def snapshot(self) -> Snapshot:
        """Give a session that goes on seeing the present state whatever is committed later."""
        session = self._session(writes=False)
        session.raw.execute("BEGIN")
        session.raw.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return session

    async def close(self) -> None:
        """Close both connections, which folds the log into the file."""
        async with self._lock:
            for session in (self._reader, self._writer):
                if session is not None:
                    await session.close()
            self._reader = self._writer = None


class SqliteSession(Snapshot, Transaction):
    """A connection to one state file."""

    def __init__(self, raw: sqlite3.Connection, connections: "Connections", *, writes: bool) -> None:
        self.raw = raw
        # Now, for SQLAlchemy ends whatever transaction it finds.
        self._connection = connections.adopt(raw)
        self._writes = writes
        self._changes = 0

    def begin(self) -> None:
        """Begin a transaction."""
        self.raw.execute("BEGIN IMMEDIATE")
        self._changes = self.raw.total_changes

    @property
    def changed(self) -> bool:
        """Whether a record has been changed since the transaction began."""
        return self.raw.total_changes != self._changes

    async def all(self, query: Query, /, **values: object) -> list[Record]:
        """Give every row."""
        if isinstance(query, Prepared):
            form = query.form(_NAMED)
            return [form.record(row) for row in self.raw.execute(form.sql, form.values(values))]
        return [dict(row) for row in self._connection.execute(query, values).mappings()]

    async def first(self, query: Query, /, **values: object) -> Record | None:
        """Give the first row, or None."""
        if isinstance(query, Prepared):
            form = query.form(_NAMED)
            found = self.raw.execute(form.sql, form.values(values)).fetchone()
            return None if found is None else form.record(found)
        row = self._connection.execute(query, values).mappings().first()
        return None if row is None else dict(row)

    async def scalar(self, query: Query, /, **values: object) -> Any:  # noqa: ANN401 - a column of any type
        """Give the first column of the first row, or None."""
        if isinstance(query, Prepared):
            record = await self.first(query, **values)
            return None if record is None else next(iter(record.values()))
        return self._connection.execute(query, values).scalar()

    async def run(self, statement: Executable, /, rows: Sequence[Record] | None = None, **values: object) -> int:
        """Write, once or for each of `rows`."""
        if not self._writes:
            message = "a safe method may not write"
            raise ReadOnlyError(message)
        if rows is not None:
            if not rows:
                return 0
            return self._connection.execute(statement, [dict(row) for row in rows]).rowcount
        return self._connection.execute(statement, values).rowcount

    async def append(self, to: Appending, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, whose values stand in the order of the table's columns."""
        self.raw.executemany(to.sql(POSITIONAL), rows)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.invalidate()
        self._connection.close()
        self.raw.close()
