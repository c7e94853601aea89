"""The registry as a sandbox begins with it: the city's families, residents and regions."""

from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter

from sqlalchemy import Table

from services.kit.specs import SandboxSpec
from services.kit.store import Record, Seed
from services.population.tables import families, regions, residents
from services.world import World

CHUNK = 5_000
"""Rows that are in memory at once: a large city has some 100,000 residents."""

_DATES = {"birth_on", "deceased_on", "ektp_recorded_on", "issued_on"}


def rows(world: World, _spec: SandboxSpec) -> Seed:
    """Give the rows of every table, in chunks."""
    yield from _chunks(regions, world.regions)
    yield from _chunks(families, world.families)
    yield from _chunks(residents, world.residents)


def _chunks(table: Table, entities: Sequence[object]) -> Iterator[tuple[Table, list[Record]]]:
    """Give entities as rows; a table's columns are named as the entity's fields."""
    names = [column.name for column in table.columns]
    values = attrgetter(*names)
    dates = [name for name in names if name in _DATES]
    left = iter(entities)
    while chunk := [_row(names, values(entity), dates) for entity in islice(left, CHUNK)]:
        yield table, chunk


def _row(names: Sequence[str], values: Sequence[object], dates: Sequence[str]) -> Record:
    row = dict(zip(names, values, strict=True))
    for name in dates:
        value = row[name]
        row[name] = None if value is None else str(value)
    return row
