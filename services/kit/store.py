"""Where a sandbox's records live: what the kit and the agencies may ask of a database, whichever one it is.

Statements are SQLAlchemy Core, built once per module and given their values when run. Reads see the last commit. All
that one unsafe call writes, its journal entry and its idempotency record included, is one transaction. Text is ordered
by its code points, whole numbers have 64 bits, and no store numbers rows by itself: a row brings its key.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import ClauseElement, Compiled, Dialect, Executable, Select, Table
from sqlalchemy.types import TypeEngine

from services.kit.language import catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)

Record = Mapping[str, Any]
Seed = Iterable[tuple[Table, Sequence[Record]]]
"""Rows to begin with, table by table."""

Result = TypeVar("Result")
Decoder = Callable[[Any], Any]


class Form:
    """A query as one dialect writes it.

    Attributes:
        sql: its text.
        names: the columns of its rows.
        order: where parameters are given by position: their names in that order.
    """

    __slots__ = ("_constants", "_decoders", "names", "order", "sql")

    def __init__(self, select: Select[Any], dialect: Dialect, schema: str | None) -> None:
        columns = list(select.selected_columns)
        self.names = [column.key or "" for column in columns]
        self._decoders = [
            (column.key or "", decode) for column in columns if (decode := decoder(column.type, dialect)) is not None
        ]
        compiled = compiled_for(select, dialect, schema)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self.order: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self.sql = str(compiled)

    def values(self, given: dict[str, object]) -> dict[str, object]:
        """Give all parameters: the caller's, and the constants that stand in the statement itself."""
        return {**self._constants, **given} if self._constants else given

    def record(self, row: Sequence[Any]) -> Record:
        """Turn a driver's row into a mapping from column name to decoded value."""
        record = dict(zip(self.names, row, strict=True))
        for name, decode in self._decoders:
            record[name] = decode(record[name])
        return record


def compiled_for(
    statement: ClauseElement, dialect: Dialect, schema: str | None, names: Sequence[str] | None = None
) -> Compiled:
    """Compile a statement.

    Args:
        schema: what stands before the names of tables that name no schema themselves; None for nothing.
        names: the parameters that will be given, where they decide which columns are written.
    """
    options: dict[str, Any] = {} if names is None else {"column_keys": names}
    if schema is not None:
        options |= {"schema_translate_map": {None: schema}, "render_schema_translate": True}
    return statement.compile(dialect=dialect, **options)


def decoder(type_: TypeEngine[Any], dialect: Dialect) -> Decoder | None:
    """Give what makes a column's value of a driver's, or None where they are the same."""
    return type_.dialect_impl(dialect).result_processor(dialect, None)


class Prepared:
    """A query of the hot path: written once in SQLAlchemy, compiled once, then run as a prepared statement.

    On an open SQLite connection that costs some 20 µs, a fifth of executing the statement through the engine.

    Args:
        select: a `Select` whose parameters are all `bindparam`s (no `IN` lists).
    """

    __slots__ = ("_forms", "select")

    def __init__(self, select: Select[Any]) -> None:
        self.select = select
        self._forms: dict[str, Form] = {}

    def form(self, dialect: Dialect, schema: str | None = None) -> Form:
        """Give the query as `dialect` writes it, compiled on first use."""
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = Form(self.select, dialect, schema)
        return form


class Appending:
    """Adding rows on the hot path: compiled once, rows given by position, values as the driver takes them.

    Args:
        table: where to; its column types need no conversion (text, numbers and truth values).
    """

    __slots__ = ("_forms", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self._forms: dict[str, str] = {}

    def sql(self, dialect: Dialect, schema: str | None = None) -> str:
        """Give the SQL text with positional parameters, compiled for `dialect` on first use."""
        sql = self._forms.get(dialect.name)
        if sql is None:
            sql = self._forms[dialect.name] = str(compiled_for(self.table.insert(), dialect, schema))
        return sql


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


class StoreUnavailableError(Problem):
    """The store has not been to be reached for as long as a call may wait; nothing is lost, and it heals by itself.

    Attributes:
        is_doubtful: what was to be written may have been written all the same.
    """

    is_doubtful = False

    def __init__(self) -> None:
        detail = _("The agency cannot reach its records just now. Wait a little, then try again.")
        super().__init__(503, "store_unavailable", detail, headers={"retry-after": "5"})


class OutdatedError(RuntimeError):
    """The store's present state is not the one that this process goes by: the sandbox must be opened again.

    Another process has written, or the database came back without the last changes of a throw-away sandbox.

    Args:
        is_doubtful: what was to be written may have been written all the same, before that.
    """

    def __init__(self, *, is_doubtful: bool) -> None:
        super().__init__("the sandbox has other records than this process knows of")
        self.is_doubtful = is_doubtful


class ExistsError(RuntimeError):
    """Another process has just made the sandbox that was to be made."""


class Snapshot(Session, Protocol):
    """A session fixed to one moment."""

    async def close(self) -> None:
        """Let the moment go."""
        ...


Work = Callable[[Transaction], Awaitable[Result]]
"""What is done in a transaction. It may be called again from the beginning, where the store lost what it had done."""


class Database(Protocol):
    """One sandbox's records in one service. Any method may raise `StoreUnavailableError`.

    Attributes:
        began: when its present state was put there, as `Store.create` or `Store.swap` was told.
    """

    began: float

    @property
    def reading(self) -> Session:
        """A session that sees the last commit."""
        ...

    async def write(self, work: Work[Result], committed: Callable[[], None]) -> Result:
        """Run one transaction and give what `work` gives; an exception of its rolls back. One at a time.

        Args:
            committed: called once the transaction is in the store, whatever becomes of the one who asked.

        Raises:
            OutdatedError: nothing was written, and nothing can be until the sandbox is opened again.
        """
        ...

    async def snapshot(self) -> "Snapshot":
        """Give a session that goes on seeing the last commit whatever is committed later; close it after use."""
        ...

    async def close(self) -> None:
        """Let go of connections; the records stay."""
        ...


class Store(Protocol):
    """All sandboxes of one service. Images are named; `INITIAL` is the city as it was seeded.

    No method blocks the event loop for longer than opening a file takes; any may raise `StoreUnavailableError`.
    """

    async def names(self) -> list[str]:
        """Give the ids of the sandboxes that are complete."""
        ...

    async def create(self, sandbox: str, spec: str, seed: Callable[[], Seed], *, at: float, durable: bool) -> None:
        """Make a sandbox and its initial image, all or nothing.

        Args:
            seed: gives the rows, which may take long: it is called and read in a worker thread.
            at: the present moment, in seconds since the epoch.

        Raises:
            ExistsError: another process was faster.
        """
        ...

    async def spec(self, sandbox: str) -> str | None:
        """Give the specification that a sandbox was made with, or None when there is no such sandbox."""
        ...

    async def open(self, sandbox: str, *, durable: bool) -> Database:
        """Open a sandbox that exists.

        Raises:
            LookupError: it does not.
        """
        ...

    async def save(self, sandbox: str, image: str) -> None:
        """Keep the present state under a name."""
        ...

    async def stage(self, sandbox: str, image: str, *, durable: bool) -> None:
        """Lay a named image ready beside the present state, which stays as it is."""
        ...

    async def swap(self, sandbox: str, *, at: float, durable: bool) -> None:
        """Put what was staged in the place of the present state, atomically. Nothing may be open.

        Args:
            at: the present moment, in seconds since the epoch.
        """
        ...

    async def images(self, sandbox: str) -> list[str]:
        """Give the names of the kept images."""
        ...

    async def forget(self, sandbox: str, image: str) -> bool:
        """Remove an image; False when there was none."""
        ...

    async def delete(self, sandbox: str) -> None:
        """Remove a sandbox and all its images."""
        ...

    async def close(self) -> None:
        """Let go of connections, when every database is closed."""
        ...


INITIAL = "initial"
