"""The registry as a sandbox begins with it, and what the grader sees of it."""

from dataclasses import fields
from datetime import date
from itertools import groupby

import pytest

from services.population import seed
from services.population.tables import TABLES, families, regions, residents
from services.world import build
from services.world.entities import Family, Region, Resident
from services.world.layout import REGISTRY_SHARES


def test_columns_are_fields_of_the_entities():
    """So that nothing needs translating."""
    for table, entity in ((residents, Resident), (families, Family), (regions, Region)):
        assert {column.name for column in table.columns} <= {field.name for field in fields(entity)}


def test_rows_come_in_chunks(monkeypatch):
    """A large city is never in memory twice over."""
    monkeypatch.setattr(seed, "CHUNK", 100)
    world = build(3, "small", date(2026, 11, 2))
    chunks = list(seed.rows(world, None))
    assert max(len(rows) for _table, rows in chunks) == 100
    counts = {table.name: sum(len(rows) for _, rows in group) for table, group in groupby(chunks, lambda pair: pair[0])}
    assert counts == {
        "regions": len(world.regions),
        "families": len(world.families),
        "residents": len(world.residents),
    }


def test_the_grader_sees_every_record(registry):
    """Whole, as it stands in the registry now."""
    seen = registry.truth("residents")
    assert [row["id"] for row in seen] == [one.id for one in registry.world.residents]
    assert seen[5].keys() == {column.name for column in residents.columns}


def test_the_grader_sees_every_trouble(registry):
    """Of each kind, with the number and the status that belong to it."""
    seen = registry.truth("trouble")
    assert {row["trouble"] for row in seen} == set(REGISTRY_SHARES)
    for row in seen:
        known = registry.world.resident(row["id"])
        assert (row["nik"], row["status"]) == (known.nik, known.status)
    duplicates = [row["nik"] for row in seen if row["trouble"] == "duplicate_nik"]
    assert len(duplicates) == 2 * len(set(duplicates))


@pytest.mark.parametrize("view", ["residents", "trouble", "quota"])
def test_views_are_announced(registry, view):
    """The back door lists them."""
    assert view in registry.service.backdoor.state.back.views


def test_reads_stay_fast_in_a_large_city():
    """What is looked up has an index."""
    indexed = {column.name for index in TABLES.tables["residents"].indexes for column in index.columns}
    assert {"nik", "kk", "village_code"} <= indexed
