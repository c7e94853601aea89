"""How the agencies' tables and statements are written for PostgreSQL.

As in SQLite: text is ordered by its code points whatever the database's locale, whole numbers have 64 bits, JSON keeps
the order of its members, and no row gets a number from the store.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    Date,
    Float,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, DropConstraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler

from services.kit.store import Form, Prepared, Record, compiled_for


class _CastText(String):
    render_bind_cast = True


class _CastWhole(BigInteger):
    render_bind_cast = True


class _CastFloat(Float[float]):
    render_bind_cast = True


class _CastBoolean(Boolean):
    render_bind_cast = True


class _CastDate(Date):
    render_bind_cast = True


class _Dialect(PGDialect):
    """Says of each parameter what it is: PostgreSQL does not find out by itself in `$1 IS NULL OR code = $1`."""

    supports_statement_cache = True
    colspecs = PGDialect.colspecs | {
        String: _CastText,
        Integer: _CastWhole,
        Float: _CastFloat,
        Boolean: _CastBoolean,
        Date: _CastDate,
    }


DIALECT = _Dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
PLACE = "the sandbox"
"""Stands for the sandbox's schema in every statement that is compiled here."""


def in_schema(sql: str, schema: str) -> str:
    """Give a statement that was compiled here as it is for one sandbox."""
    return sql.replace(f'"{PLACE}"', schema)


def form_of(query: Prepared) -> Form:
    """Give a hot query as it is written here."""
    return query.form(DIALECT, PLACE)


def parameters(form: Form, given: dict[str, object]) -> list[object]:
    """Give a hot query's parameters by position."""
    values = form.values(given)
    return [values[name] for name in form.order]


@lru_cache(maxsize=256)
def _compiled(statement: ClauseElement, names: tuple[str, ...]) -> SQLCompiler:
    """Compile a statement that will be given these parameters; the last ones that were used are remembered."""
    way = compiled_for(statement, DIALECT, PLACE, names)
    if not isinstance(way, SQLCompiler):
        message = f"neither a query nor a change of rows: {statement!r}"
        raise TypeError(message)
    return way


def written(statement: ClauseElement, given: Record) -> tuple[str, list[object]]:
    """Give a statement's text and its parameters by position, as the driver takes them."""
    way = _compiled(statement, tuple(sorted(given)))
    state = way.construct_expanded_state(dict(given))
    return state.statement, _values(way, state)


def written_for_each(statement: ClauseElement, rows: Sequence[Record]) -> tuple[str, list[list[object]]]:
    """Give a statement's text and its parameters for each row, which all have the same members."""
    way = _compiled(statement, tuple(sorted(rows[0])))
    return str(way), [_values(way, way.construct_expanded_state(dict(row))) for row in rows]


def _values(way: SQLCompiler, state: ExpandedState) -> list[object]:
    origin = {new: old for old, news in state.parameter_expansion.items() for new in news}
    values: list[object] = []
    for name in state.positiontup or ():
        encode = way.binds[origin.get(name, name)].type.dialect_impl(DIALECT).bind_processor(DIALECT)
        value = state.parameters[name]
        values.append(encode(value) if encode else value)
    return values


class Definitions:
    """The SQL that makes, empties and completes a sandbox's tables.

    Foreign keys hold for whatever is written, but are not checked for rows that are filled in: those come from the
    city or from an image, and checking them would take as long as all the rest.
    """

    def __init__(self, tables: MetaData) -> None:
        here = MetaData()
        for table in tables.sorted_tables:
            _adapt(table.to_metadata(here))
        made = here.sorted_tables
        links = [(table, link) for table in made for link in _links(table)]
        indexes = sorted((index for table in made for index in table.indexes), key=lambda index: str(index.name))
        self.tables = tables.sorted_tables
        self._links = [
            (
                {table.name, link.referred_table.name},
                f"{_text(AddConstraint(link))} NOT VALID",
                _text(DropConstraint(link)),
            )
            for table, link in links
        ]
        self._index = [_text(CreateIndex(index)) for index in indexes]
        for table, link in links:
            table.constraints.remove(link)
        self._create = [_text(CreateTable(table)) for table in made]

    def creating(self, schema: str) -> str:
        """Give the statements that make the schema and its tables, ready to be filled."""
        return in_schema(";".join([f'CREATE SCHEMA "{PLACE}"', *self._create]), schema)

    def completing(self, schema: str) -> str:
        """Give the statements for what new tables need once they are filled."""
        return in_schema(";".join([*self._index, *[link for _ends, link, _unlink in self._links]]), schema)

    def emptying(self, schema: str, tables: Collection[str]) -> str:
        """Give the statements that empty some tables, ready to be filled."""
        unlinking = [unlink for ends, _link, unlink in self._links if ends.intersection(tables)]
        named = ",".join(f'"{PLACE}"."{table}"' for table in sorted(tables))
        return in_schema(";".join([*unlinking, f"TRUNCATE {named}"]), schema)

    def relinking(self, schema: str, tables: Collection[str]) -> str:
        """Give the statements for what emptied tables need once they are filled; empty where they need nothing."""
        return in_schema(";".join(link for ends, link, _unlink in self._links if ends.intersection(tables)), schema)


def _text(definition: ExecutableDDLElement) -> str:
    return str(compiled_for(definition, DIALECT, PLACE))


def _links(table: Table) -> list[ForeignKeyConstraint]:
    """Give a table's foreign keys, each with a name by which it can be taken away."""
    links = sorted(table.foreign_key_constraints, key=lambda link: tuple(link.column_keys))
    for number, link in enumerate(links):
        link.name = f"{table.name}_link_{number}"
    return links


def _adapt(table: Table) -> None:
    """Let a table mean what it means in SQLite."""
    for column in table.columns:
        column.autoincrement = False
        if isinstance(column.type, String):
            type_ = column.type.copy()
            type_.collation = "C"
            column.type = type_
        elif isinstance(column.type, Integer):
            column.type = BigInteger()
    for index in table.indexes:
        # A table says `sqlite_where` only: to name this dialect too would load it on every laptop.
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
