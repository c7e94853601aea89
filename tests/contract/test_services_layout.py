"""What stores keep looks as it did, or has a new number: a lab that was updated must know an older sandbox for one."""

import hashlib
from importlib import import_module
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from towns import FOLDERS

from services.kit.layout import LAYOUT
from services.kit.seeding import seeded
from services.kit.service import Service
from services.kit.specs import SandboxSpec
from services.kit.tables import add_kit_tables

CLIENT = {"client_id": "city-app", "client_secret": "not-a-secret-at-all", "scopes": ["permits:read"]}
SPEC = SandboxSpec.model_validate({"seed": 1, "reference_date": "2026-11-02", "clients": [CLIENT]}, strict=False)


def definitions(declared: Service) -> list[str]:
    add_kit_tables(declared.tables)
    tables = declared.tables.sorted_tables
    indexes = sorted((index for table in tables for index in table.indexes), key=lambda index: str(index.name))
    parts: list[Any] = [*map(CreateTable, tables), *map(CreateIndex, indexes)]
    return [str(part.compile(dialect=sqlite.dialect())) for part in parts]


def rows(declared: Service) -> list[str]:
    return [
        f"{table.name} {name}={row[name]!r}"
        for table, some in seeded(declared.seed, SPEC)
        for row in some
        for name in sorted(row)
    ]


def test_whoever_changes_what_is_stored_says_so(service: str) -> None:
    """A changed table or city meets `layout.txt`, which holds the layout's number and a digest of both."""
    declared: Service = import_module(f"services.{service}.app").SERVICE
    digest = hashlib.sha256("\n".join([*definitions(declared), *rows(declared)]).encode()).hexdigest()
    assert (FOLDERS[service] / "layout.txt").read_text(encoding="ascii") == f"{LAYOUT} {digest}\n", (
        "What a sandbox of this agency looks like is not what it was. If a lab with this LAYOUT has been handed out "
        "(services/kit/layout.py), raise it by one; then write the line on the right into layout.txt of each service."
    )
