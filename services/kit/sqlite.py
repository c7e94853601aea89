"""The store on a laptop: one SQLite file per sandbox and service.

    <root>/<sandbox>/spec.json               made last: a folder without it is half-made and is cleared away
    <root>/<sandbox>/epoch                   number of the present state file, replaced atomically by a reset
    <root>/<sandbox>/state-<epoch>.db        the present state, in WAL mode
    <root>/<sandbox>/checkpoints/<name>.db   images; `initial` is the seeded city

A reset writes the next epoch's file whole and then moves the pointer, so no log file can ever meet another's database.
Reads run on the event loop (a prepared read takes some tens of microseconds); only commits, which wait for the disk,
go to a thread.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, MetaData, NullPool, Table, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from services.kit.store import (
    INITIAL,
    Appending,
    Database,
    Prepared,
    Query,
    ReadOnlyError,
    Record,
    Seed,
    Session,
    Snapshot,
    Store,
    Transaction,
)

_CACHE_KIB = 192
_DIALECT = sqlite.dialect(paramstyle="named")
_POSITIONAL = sqlite.dialect(paramstyle="qmark")


class SqliteStore(Store):
    """The sandboxes of one service under one folder.

    Args:
        root: folder of this service's sandboxes; made when missing, half-made sandboxes in it are cleared away.
        tables: what each sandbox holds.
    """

    def __init__(self, root: Path, tables: MetaData) -> None:
        self._root = root
        self._tables = tables
        self._compiled: dict[Any, Any] = {}
        self._definitions_made: dict[object, list[str]] = {}
        self._insertions: dict[tuple[str, tuple[str, ...]], str] = {}
        root.mkdir(parents=True, exist_ok=True)
        whole = set(self.names())
        for folder in root.iterdir():
            if folder.is_dir() and folder.name not in whole:
                shutil.rmtree(folder)

    def names(self) -> list[str]:
        """Give the ids of the sandboxes that are complete."""
        folders = (folder for folder in self._root.iterdir() if not folder.name.startswith("."))
        return sorted(folder.name for folder in folders if (folder / "spec.json").exists())

    def create(self, sandbox: str, spec: str, seed: Seed, *, durable: bool) -> None:
        """Make a sandbox and its initial image, all or nothing."""
        making = self._root / f".{sandbox}"
        try:
            self._make(making, spec, seed, durable=durable)
            self._clear(sandbox)
            making.rename(self._root / sandbox)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        if durable:
            _flush(self._root)

    def _make(self, making: Path, spec: str, seed: Seed, *, durable: bool) -> None:
        shutil.rmtree(making, ignore_errors=True)
        (making / "checkpoints").mkdir(parents=True)
        image = making / "checkpoints" / f"{INITIAL}.db"
        self._fill(image, seed)
        shutil.copyfile(image, making / "state-0.db")
        (making / "epoch").write_text("0", encoding="ascii")
        (making / "spec.json").write_text(spec, encoding="utf-8")
        if durable:
            for path in (image, making / "state-0.db", making / "epoch", making / "spec.json", making / "checkpoints"):
                _flush(path)
            _flush(making)

    def _fill(self, path: Path, seed: Seed) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("PRAGMA journal_mode=OFF")
            raw.execute("PRAGMA synchronous=OFF")
            raw.execute("BEGIN")
            for definition in self._definitions(CreateTable, self._tables.sorted_tables):
                raw.execute(definition)
            for table, rows in seed:
                if rows:
                    # The compiled statement names columns in the table's order, whatever the order of a row's members.
                    names = tuple(sorted(rows[0], key=table.columns.keys().index))
                    raw.executemany(self._insertion(table, names), _positional(table, names, rows))
            indexes = [index for table in self._tables.sorted_tables for index in table.indexes]
            for definition in self._definitions(CreateIndex, sorted(indexes, key=lambda index: str(index.name))):
                raw.execute(definition)
            raw.execute("COMMIT")

    def _definitions(self, kind: Callable[[Any], ExecutableDDLElement], parts: Sequence[Any]) -> list[str]:
        """Give the SQL that makes these parts, compiled once: a room makes its sandboxes all at the same moment."""
        if kind not in self._definitions_made:
            self._definitions_made[kind] = [str(kind(part).compile(dialect=_POSITIONAL)) for part in parts]
        return self._definitions_made[kind]

    def _insertion(self, table: Table, names: tuple[str, ...]) -> str:
        key = (table.name, names)
        if key not in self._insertions:
            self._insertions[key] = str(table.insert().values(dict.fromkeys(names)).compile(dialect=_POSITIONAL))
        return self._insertions[key]

    def spec(self, sandbox: str) -> str | None:
        """Give the specification that a sandbox was made with, or None when there is no such sandbox."""
        try:
            return (self._root / sandbox / "spec.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def open(self, sandbox: str, *, durable: bool) -> Database:
        """Open a sandbox that exists, and clear away what a killed reset left of another epoch."""
        present = self._state(sandbox)
        for file in present.parent.glob("state-*"):
            if not file.name.startswith(present.name):
                file.unlink()
        return SqliteDatabase(present, self._compiled, durable=durable)

    def _state(self, sandbox: str) -> Path:
        folder = self._root / sandbox
        return folder / f"state-{(folder / 'epoch').read_text(encoding='ascii').strip()}.db"

    def _image(self, sandbox: str, image: str) -> Path:
        return self._root / sandbox / "checkpoints" / f"{image}.db"

    def save(self, sandbox: str, image: str) -> None:
        """Keep the present state under a name."""
        target = self._image(sandbox, image)
        making = target.with_suffix(".making")
        making.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._state(sandbox))) as source, closing(sqlite3.connect(making)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        _flush(making)
        making.replace(target)
        _flush(target.parent)

    def stage(self, sandbox: str, image: str) -> None:
        """Lay a named image ready as the next epoch's file."""
        present = self._state(sandbox)
        epoch = int(present.stem.removeprefix("state-")) + 1
        staged = present.with_name(f"state-{epoch}.db")
        for leftover in (staged, staged.with_name(staged.name + "-wal"), staged.with_name(staged.name + "-shm")):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(self._image(sandbox, image), staged)

    def swap(self, sandbox: str) -> None:
        """Move the pointer to the staged epoch and remove the old one."""
        present = self._state(sandbox)
        epoch = int(present.stem.removeprefix("state-")) + 1
        staged = present.with_name(f"state-{epoch}.db")
        if not staged.exists():
            message = f"nothing is staged for sandbox {sandbox}"
            raise RuntimeError(message)
        _flush(staged)
        pointer = present.with_name("epoch")
        making = present.with_name("epoch.making")
        making.write_text(str(epoch), encoding="ascii")
        _flush(making)
        making.replace(pointer)
        _flush(pointer.parent)
        for old in (present, present.with_name(present.name + "-wal"), present.with_name(present.name + "-shm")):
            old.unlink(missing_ok=True)

    def images(self, sandbox: str) -> list[str]:
        """Give the names of the kept images."""
        return sorted(path.stem for path in (self._root / sandbox / "checkpoints").glob("*.db"))

    def forget(self, sandbox: str, image: str) -> bool:
        """Remove an image; False when there was none."""
        try:
            self._image(sandbox, image).unlink()
        except FileNotFoundError:
            return False
        return True

    def delete(self, sandbox: str) -> None:
        """Remove a sandbox; its specification goes first, so that a half-removed one counts as none."""
        (self._root / sandbox / "spec.json").unlink(missing_ok=True)
        self._clear(sandbox)

    def _clear(self, sandbox: str) -> None:
        """Remove what is left of a sandbox that counts as none."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / sandbox)


class SqliteDatabase(Database):
    """One open state file: a connection that reads, and one that writes once something is written."""

    def __init__(self, path: Path, compiled: dict[Any, Any], *, durable: bool) -> None:
        self._path = path
        self._compiled = compiled
        self._durable = durable
        self._lock = asyncio.Lock()
        self._reader: SqliteSession | None = None
        self._writer: SqliteSession | None = None

    def _session(self, *, writes: bool) -> "SqliteSession":
        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        connection = engine.connect().execution_options(compiled_cache=self._compiled)
        return SqliteSession(connection, writes=writes)

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=64)
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if self._durable else 'OFF'}",
            f"cache_size=-{_CACHE_KIB}",
            "foreign_keys=ON",
            "busy_timeout=5000",
        ):
            raw.execute(f"PRAGMA {pragma}")
        return raw

    @property
    def reading(self) -> Session:
        """A session that sees the last commit."""
        if self._reader is None:
            self._reader = self._session(writes=False)
        return self._reader

    @asynccontextmanager
    async def writing(self, committed: Callable[[], None]) -> AsyncIterator[Transaction]:
        """Begin a transaction; leaving normally commits, leaving by an exception rolls back."""
        async with self._lock:
            if self._writer is None:
                self._writer = self._session(writes=True)
            writer = self._writer
            writer.begin()
            try:
                yield writer
                await self._commit(writer.raw, committed)
            except BaseException:
                writer.raw.rollback()
                raise

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

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._writes = writes
        raw: Any = connection.connection.driver_connection
        self.raw: sqlite3.Connection = raw
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
            return [query.record(row) for row in self.raw.execute(query.compiled(_DIALECT), query.values(values))]
        return [dict(row) for row in self._connection.execute(query, values).mappings()]

    async def first(self, query: Query, /, **values: object) -> Record | None:
        """Give the first row, or None."""
        if isinstance(query, Prepared):
            found = self.raw.execute(query.compiled(_DIALECT), query.values(values)).fetchone()
            return None if found is None else query.record(found)
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
        self.raw.executemany(to.compiled(_POSITIONAL), rows)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.invalidate()
        self._connection.close()
        self.raw.close()


def _positional(table: Table, names: tuple[str, ...], rows: Sequence[Record]) -> Iterator[tuple[Any, ...]]:
    """Give rows as the driver binds them fastest, their values as the column types store them."""
    encoders = [
        (name, encode)
        for name in names
        if (encode := table.columns[name].type.dialect_impl(_POSITIONAL).bind_processor(_POSITIONAL)) is not None
    ]
    if encoders:
        rows = [{**row, **{name: encode(row[name]) for name, encode in encoders}} for row in rows]
    if len(names) == 1:
        return ((row[names[0]],) for row in rows)
    return map(itemgetter(*names), rows)


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
