"""One sandbox's records in PostgreSQL: sessions on borrowed connections, and transactions that outlive a broken one.

Every transaction leaves a mark of its own in the sandbox's row of `lab_<service>.sandboxes`. So it can be told
afterwards whether one whose COMMIT was never answered has happened, and that nobody else has written meanwhile.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from sqlalchemy import ClauseElement, Delete, Executable, Insert, Select, Table, Update

from services.kit.postgresql_connections import Connections, Line
from services.kit.postgresql_dialect import DIALECT, form_of, in_schema, parameters, written, written_for_each
from services.kit.postgresql_dialect import PLACE as _PLACE
from services.kit.store import (
    Appending,
    Database,
    OutdatedError,
    Prepared,
    Query,
    ReadOnlyError,
    Record,
    Result,
    Session,
    Snapshot,
    StoreUnavailableError,
    Transaction,
    Work,
    decoder,
)

COMMIT_SECONDS = 5.0
"""How long a commit is waited for whose asker goes away meanwhile."""

_LOOKING = "SELECT mark FROM {ledger} WHERE id = '{name}' FOR UPDATE"
_MARKING = "UPDATE {ledger} SET mark = %d, touched = %s WHERE id = '{name}'; COMMIT"
_COPYING = (
    'CREATE TABLE {past}."{table}" (LIKE {schema}."{table}" INCLUDING INDEXES);'
    'INSERT INTO {past}."{table}" SELECT * FROM {schema}."{table}"'
)

_Done = TypeVar("_Done")
_Use = Callable[[Callable[[Line], Awaitable[Any]]], Awaitable[Any]]
"""Does something on a connection and gives what it gives."""


class _Session(Session):
    """Reads, on whichever connection `use` gives."""

    def __init__(self, schema: str, use: _Use) -> None:
        self.schema = schema
        self._use = use
        self._texts: dict[str, str] = {}

    def _here(self, sql: str) -> str:
        """Give a hot statement as it is for this sandbox."""
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = in_schema(sql, self.schema)
        return text

    async def _rows(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        async def fetch(line: Line) -> list[tuple[Any, ...]]:
            return await line.rows(sql, values)

        rows: list[tuple[Any, ...]] = await self._use(fetch)
        return rows

    async def all(self, query: Query, /, **values: object) -> list[Record]:
        """Give every row."""
        if isinstance(query, Prepared):
            form = form_of(query)
            return [form.record(row) for row in await self._rows(self._here(form.sql), parameters(form, values))]
        sql, given = written(_clause(query), values)
        rows = await self._rows(in_schema(sql, self.schema), given)
        return _records(query, rows)

    async def first(self, query: Query, /, **values: object) -> Record | None:
        """Give the first row, or None."""
        rows = await self.all(query, **values)
        return rows[0] if rows else None

    async def scalar(self, query: Query, /, **values: object) -> Any:  # noqa: ANN401 - a column of any type
        """Give the first column of the first row, or None."""
        record = await self.first(query, **values)
        return None if record is None else next(iter(record.values()))

    async def run(self, statement: Executable, /, rows: Sequence[Record] | None = None, **values: object) -> int:
        """Refuse to write."""
        message = "a safe method may not write"
        raise ReadOnlyError(message)


def _clause(statement: Executable) -> ClauseElement:
    if not isinstance(statement, ClauseElement):
        message = f"no statement of SQLAlchemy's: {statement!r}"
        raise TypeError(message)
    return statement


def _records(query: Executable, rows: Sequence[tuple[Any, ...]]) -> list[Record]:
    if not isinstance(query, Select):
        message = f"no query: {query!r}"
        raise TypeError(message)
    columns = list(query.selected_columns)
    names = [column.key or "" for column in columns]
    decoders = [(place, decode) for place, column in enumerate(columns) if (decode := decoder(column.type, DIALECT))]
    records: list[Record] = []
    for row in rows:
        values = list(row)
        for place, decode in decoders:
            values[place] = decode(values[place])
        records.append(dict(zip(names, values, strict=True)))
    return records


class _Writing(_Session, Transaction):
    """A transaction, on one connection from its beginning to its end."""

    def __init__(self, schema: str, line: Line) -> None:
        async def use(work: Callable[[Line], Awaitable[_Done]]) -> _Done:
            return await work(line)

        super().__init__(schema, use)
        self._line = line
        self._count = 0
        self.touched: set[str] = set()

    @property
    def changed(self) -> bool:
        """Whether a record has been changed since the transaction began."""
        return self._count > 0

    def _touch(self, statement: Executable) -> None:
        """Remember which table is written, so that a reset puts that one back."""
        table = statement.table if isinstance(statement, (Insert, Update, Delete)) else None
        if not isinstance(table, Table):
            message = f"no change of one table: {statement!r}"
            raise TypeError(message)
        self.touched.add(table.name)

    async def run(self, statement: Executable, /, rows: Sequence[Record] | None = None, **values: object) -> int:
        """Write, once or for each of `rows`."""
        self._touch(statement)
        if rows is None:
            sql, given = written(_clause(statement), values)
            touched = await self._line.run(in_schema(sql, self.schema), given)
        elif rows:
            sql, all_given = written_for_each(_clause(statement), rows)
            touched = await self._for_each(in_schema(sql, self.schema), all_given)
        else:
            touched = 0
        self._count += touched
        return touched

    async def _for_each(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        if len(rows) == 1:
            return await self._line.run(sql, rows[0])
        return await self._line.run_for_each(sql, rows)

    async def append(self, to: Appending, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, whose values stand in the order of the table's columns."""
        if rows:
            self.touched.add(to.table.name)
            self._count += await self._for_each(in_schema(to.sql(DIALECT, _PLACE), self.schema), rows)


class _Deed:
    """One transaction that is to be made once, in however many attempts."""

    def __init__(self, work: Work[Any], committed: Callable[[], None]) -> None:
        self.work = work
        self.committed = committed
        self.mark = 0
        self.touched: frozenset[str] = frozenset()
        self.result: Any = None
        self.is_done = False

    def settle(self) -> None:
        """Take it as committed."""
        self.is_done = True
        self.committed()


class PostgreSqlDatabase(Database):
    """One open sandbox.

    Args:
        ledger: the table of sandboxes, such as `lab_permits.sandboxes`.
        schema: where its tables are.
        tables: those of the agency's own, which a `snapshot` shows.
        began: since when its present state is that.
        mark: what the last transaction left in the ledger.
        touched: the tables that it says have been written since the state was that of an image.
    """

    def __init__(
        self,
        connections: Connections,
        ledger: str,
        name: str,
        schema: str,
        tables: Sequence[Table],
        began: float,
        mark: int,
        touched: Iterable[str],
        *,
        durable: bool,
    ) -> None:
        self.began = began
        self._connections = connections
        self._schema = schema
        self._tables = tables
        self._mark = mark
        self._touched = frozenset(touched)
        self._durable = durable
        self._lock = asyncio.Lock()
        self._doubted: _Deed | None = None
        here = {"ledger": ledger, "name": name}
        self._beginning = f"{beginning(durable=durable)}; {_LOOKING.format(**here)}"
        self._ending = _MARKING.format(**here)
        self._reading = _Session(schema, self._read)

    async def _read(self, work: Callable[[Line], Awaitable[_Done]]) -> _Done:
        return await self._connections.patiently(self._schema, work)

    @property
    def reading(self) -> Session:
        """A session that sees the last commit."""
        return self._reading

    async def write(self, work: Work[Result], committed: Callable[[], None]) -> Result:
        """Run one transaction; again from its beginning, where the connection broke before it was committed."""
        deed = _Deed(work, committed)

        async def attempt(line: Line) -> Result:
            await self._attempt(deed, line)
            result: Result = deed.result
            return result

        until = self._connections.deadline()  # from before the lock: none may write minutes after its call
        try:
            async with self._lock:
                return await self._connections.patiently(self._schema, attempt, until=until)
        except StoreUnavailableError as error:
            if not deed.is_done:
                error.is_doubtful = self._doubted is deed
                raise
            # The last answer came when patience was just over.
            result: Result = deed.result
            return result

    async def _attempt(self, deed: _Deed, line: Line) -> None:
        writing = _Writing(self._schema, line)
        try:
            await self._begin(deed, line)
            if not deed.is_done:
                deed.result = await deed.work(writing)
                deed.touched = self._touched | writing.touched
                await self._commit(deed, line)
        except psycopg.Error:
            await line.roll_back()
            raise
        finally:
            # Whatever was begun counts: one who goes away does not hear of what the server did all the same.
            await line.roll_back(clean=not writing.touched)

    async def _begin(self, deed: _Deed, line: Line) -> None:
        """Begin a transaction, hold the sandbox against other writers, and settle what was left in doubt.

        Raises:
            OutdatedError: the last transaction that is there is not the last one that this process knows of.
        """
        found = await line.value_after(self._beginning)
        doubted, self._doubted = self._doubted, None
        if doubted is not None and found == doubted.mark:
            self._committed(doubted)
        if found != self._mark:
            raise OutdatedError(is_doubtful=doubted is deed)

    async def _commit(self, deed: _Deed, line: Line) -> None:
        """Commit, to the end even if the asker goes away meanwhile."""
        deed.mark = secrets.randbits(62)
        self._doubted = deed
        # Which tables were touched seldom changes.
        touched = "touched" if deed.touched == self._touched else f"'{{{','.join(sorted(deed.touched))}}}'"
        committing = asyncio.ensure_future(line.run(self._ending % (deed.mark, touched)))
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            with suppress(Exception):
                await asyncio.wait_for(committing, COMMIT_SECONDS)
                self._committed(deed)
            raise
        except psycopg.Error as error:
            if not line.is_broken_by(error):
                self._doubted = None
            raise
        self._committed(deed)

    def _committed(self, deed: _Deed) -> None:
        self._doubted = None
        self._mark = deed.mark
        self._touched = deed.touched
        deed.settle()

    async def snapshot(self) -> Snapshot:
        """Give a session that goes on seeing the last commit: copies of the agency's tables, made at one moment.

        A transaction that is kept open would do the same, but hold a connection for as long as a fault lasts.
        """
        past = f"{self._schema}__past"
        copying = ";".join(_COPYING.format(past=past, schema=self._schema, table=table.name) for table in self._tables)

        async def copy(line: Line) -> None:
            try:
                await line.run(
                    f"{beginning(durable=self._durable, isolation='REPEATABLE READ')};"
                    f"DROP SCHEMA IF EXISTS {past} CASCADE; CREATE SCHEMA {past}; {copying}; COMMIT"
                )
            finally:
                await line.roll_back()

        await self._connections.patiently(self._schema, copy, aside=True)
        return _Past(past, self._read, self._reading, self._forget)

    async def _forget(self, past: str) -> None:
        async def drop(line: Line) -> None:
            await line.run(f"DROP SCHEMA IF EXISTS {past} CASCADE")

        await self._connections.patiently(self._schema, drop, aside=True)

    async def close(self) -> None:
        """Connections are borrowed for each statement, so there is nothing to let go of but what still writes."""
        async with self._lock:
            pass


class _Past(_Session, Snapshot):
    """A copy of the agency's tables."""

    def __init__(self, past: str, use: _Use, present: Session, forget: Callable[[str], Awaitable[None]]) -> None:
        super().__init__(past, use)
        self._present = present
        self._forget = forget

    async def all(self, query: Query, /, **values: object) -> list[Record]:
        """Give every row, of the present where the past is let go of at this very moment."""
        try:
            return await super().all(query, **values)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return await self._present.all(query, **values)

    async def close(self) -> None:
        """Remove the copies."""
        await self._forget(self.schema)


def beginning(*, durable: bool, isolation: str = "READ COMMITTED") -> str:
    """Give the statements that begin a transaction; a throw-away sandbox's does not wait for the disk."""
    begin = f"BEGIN ISOLATION LEVEL {isolation}"
    return begin if durable else f"{begin}; SET LOCAL synchronous_commit TO off"
