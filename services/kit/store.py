"""Where a sandbox's records live: what the kit and the agencies may ask of a database, whichever one it is.

Statements are SQLAlchemy Core, built once per module and given their values when run. Reads see the last commit. All
that one unsafe call writes, its journal entry and its idempotency record included, is one transaction.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy import Dialect, Executable, Select, Table

Record = Mapping[str, Any]
Seed = Iterable[tuple[Table, Sequence[Record]]]
"""Rows to begin with, table by table."""


class Prepared:
    """A query of the hot path: written once in SQLAlchemy, compiled once, then run as a prepared statement.

    On an open SQLite connection that costs some 20 µs, a fifth of executing the statement through the engine.

    Args:
        select: a `Select` whose parameters are all `bindparam`s (no `IN` lists).
    """

    def __init__(self, select: Select[Any]) -> None:
        self.select = select
        self.sql = ""
        self._constants: dict[str, object] = {}
        self._names: list[str] = []
        self._decoders: list[tuple[str, Callable[[Any], Any]]] = []

    def compiled(self, dialect: Dialect) -> str:
        """Give the SQL text with named parameters, compiled for `dialect` on first use."""
        if not self.sql:
            columns = list(self.select.selected_columns)
            self._names = [column.key or "" for column in columns]
            self._decoders = [
                (column.key or "", decode)
                for column in columns
                if (decode := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
            ]
            text = self.select.compile(dialect=dialect)
            self._constants = {name: value for name, value in text.params.items() if value is not None}
            self.sql = str(text)
        return self.sql

    def values(self, given: dict[str, object]) -> dict[str, object]:
        """Give all parameters: the caller's, and the constants that stand in the statement itself."""
        return {**self._constants, **given} if self._constants else given

    def record(self, row: Sequence[Any]) -> Record:
        """Turn a driver's row into a mapping from column name to decoded value."""
        record = dict(zip(self._names, row, strict=True))
        for name, decode in self._decoders:
            record[name] = decode(record[name])
        return record


class Appending:
    """Adding rows on the hot path: compiled once, rows given by position, values as the driver takes them.

    Args:
        table: where to; its column types need no conversion (text and numbers).
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._sql = ""

    def compiled(self, dialect: Dialect) -> str:
        """Give the SQL text with positional parameters, compiled for `dialect` on first use."""
        if not self._sql:
            self._sql = str(self._table.insert().compile(dialect=dialect))
        return self._sql


Query = Executable | Prepared


class Session(Protocol):
    """A way to read, and inside a transaction to write, one sandbox's records."""

    async def all(self, query: Query, /, **values: object) -> list[Record]:
        """Give every row, as mappings from column name to value."""
        ...

    async def first(self, query: Query, /, **values: object) -> Record | None:
        """Give the first row, or None."""
        ...

    async def scalar(self, query: Query, /, **values: object) -> Any:  # noqa: ANN401 - a column of any type
        """Give the first column of the first row, or None."""
        ...

    async def run(self, statement: Executable, /, rows: Sequence[Record] | None = None, **values: object) -> int:
        """Write, once or for each of `rows`; give the number of rows touched.

        Raises:
            ReadOnlyError: outside a transaction, that is in a safe HTTP method.
        """
        ...


class Transaction(Session, Protocol):
    """A session that writes."""

    async def append(self, to: Appending, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, whose values stand in the order of the table's columns."""
        ...

    @property
    def changed(self) -> bool:
        """Whether a record has been changed since the transaction began."""
        ...


class ReadOnlyError(RuntimeError):
    """A safe method tried to write: a defect of the service."""


class Snapshot(Session, Protocol):
    """A session fixed to one moment."""

    async def close(self) -> None:
        """Let the moment go."""
        ...


class Database(Protocol):
    """One sandbox's records in one service."""

    @property
    def reading(self) -> Session:
        """A session that sees the last commit."""
        ...

    def writing(self, committed: Callable[[], None]) -> AbstractAsyncContextManager[Transaction]:
        """Begin a transaction; leaving normally commits, leaving by an exception rolls back. One at a time.

        Args:
            committed: called once the transaction is in the store, whatever becomes of the one who asked.
        """
        ...

    async def snapshot(self) -> "Snapshot":
        """Give a session that goes on seeing the present state whatever is committed later; close it after use."""
        ...

    async def close(self) -> None:
        """Let go of connections; the records stay."""
        ...


class Store(Protocol):
    """All sandboxes of one service. Images are named; `INITIAL` is the city as it was seeded."""

    def names(self) -> list[str]:
        """Give the ids of the sandboxes that are complete."""
        ...

    def create(self, sandbox: str, spec: str, seed: Seed, *, durable: bool) -> None:
        """Make a sandbox and its initial image, all or nothing. Blocking: run it in a worker thread."""
        ...

    def spec(self, sandbox: str) -> str | None:
        """Give the specification that a sandbox was made with, or None when there is no such sandbox."""
        ...

    def open(self, sandbox: str, *, durable: bool) -> Database:
        """Open a sandbox that exists."""
        ...

    def save(self, sandbox: str, image: str) -> None:
        """Keep the present state under a name. Blocking."""
        ...

    def stage(self, sandbox: str, image: str, *, durable: bool) -> None:
        """Lay a named image ready beside the present state, which stays as it is. Blocking."""
        ...

    def swap(self, sandbox: str, *, durable: bool) -> None:
        """Put what was staged in the place of the present state, atomically. Nothing may be open. Blocking."""
        ...

    def images(self, sandbox: str) -> list[str]:
        """Give the names of the kept images."""
        ...

    def forget(self, sandbox: str, image: str) -> bool:
        """Remove an image; False when there was none."""
        ...

    def delete(self, sandbox: str) -> None:
        """Remove a sandbox and all its images."""
        ...


INITIAL = "initial"
