"""A sandbox's rows as PostgreSQL's COPY reads and writes them: what sandboxes are made from, and what images hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Table

from services.kit.postgresql_connections import Line
from services.kit.postgresql_dialect import DIALECT
from services.kit.store import Record, Seed

_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NULL = r"\N"


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one table.

    Attributes:
        table: its name.
        columns: those that are given, as COPY names them.
        rows: in COPY's text format.
    """

    table: str
    columns: str
    rows: bytes


def _columns(names: Sequence[str]) -> str:
    return ",".join(f'"{name}"' for name in names)


def seeded(tables: Sequence[Table], seed: Seed) -> list[Part]:
    """Give the rows that a sandbox begins with, in an order that lets each refer to those before it."""
    rank = {table.name: number for number, table in enumerate(tables)}
    found = [(rank[table.name], _part(table, rows)) for table, rows in seed if rows]
    return [part for _rank, part in sorted(found, key=itemgetter(0))]


def _part(table: Table, rows: Sequence[Record]) -> Part:
    names = sorted(rows[0], key=table.columns.keys().index)
    writers = [(name, _writer(table, name)) for name in names]
    text = "".join("\t".join([write(row[name]) for name, write in writers]) + "\n" for row in rows)
    return Part(table.name, _columns(names), text.encode())


def _writer(table: Table, name: str) -> Callable[[Any], str]:
    encode = table.columns[name].type.dialect_impl(DIALECT).bind_processor(DIALECT)
    if encode is None:
        return _text
    return lambda value: _text(encode(value))


def _text(value: object) -> str:
    if value is None:
        return _NULL
    if isinstance(value, str):
        return value.translate(_ESCAPED) if "\\" in value or not value.isprintable() else value
    return str(value)


async def fill(line: Line, schema: str, parts: Sequence[Part]) -> None:
    """Add rows to a sandbox's tables."""
    for part in parts:
        if part.rows:
            async with line.cursor.copy(f'COPY {schema}."{part.table}" ({part.columns}) FROM STDIN') as copy:
                await copy.write(part.rows)


async def drawn(line: Line, schema: str, tables: Sequence[Table]) -> list[Part]:
    """Give all rows of a sandbox's tables."""
    parts = []
    for table in tables:
        columns = _columns(table.columns.keys())
        async with line.cursor.copy(f'COPY {schema}."{table.name}" ({columns}) TO STDOUT') as copy:
            parts.append(Part(table.name, columns, b"".join([bytes(piece) async for piece in copy])))
    return parts
