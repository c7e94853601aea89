"""What the population registry stores in each sandbox. Dates are ISO strings; columns are named as on the wire."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table

TABLES = MetaData()

residents = Table(
    "residents",
    TABLES,
    Column("id", String, primary_key=True),
    Column("nik", String, nullable=False, index=True),
    Column("kk", String, nullable=False, index=True),
    Column("name", String, nullable=False, index=True),
    Column("sex", String, nullable=False),
    Column("birth_place", String, nullable=False),
    Column("birth_on", String, nullable=False),
    Column("religion", String, nullable=False),
    Column("blood_type", String, nullable=False),
    Column("marital_status", String, nullable=False),
    Column("relationship", String, nullable=False),
    Column("education", String, nullable=False),
    Column("occupation", String, nullable=False),
    Column("mother_name", String, nullable=False),
    Column("mother_nik", String),
    Column("father_name", String, nullable=False),
    Column("father_nik", String),
    Column("address", String, nullable=False),
    Column("rt", String, nullable=False),
    Column("rw", String, nullable=False),
    Column("postal_code", String, nullable=False),
    Column("village_code", String, nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("deceased_on", String),
    Column("ektp_status", String, nullable=False),
    Column("ektp_recorded_on", String),
    Column("birth_certificate", String),
)
"""One row per population record. `nik` is not unique: that is one of the troubles of the city."""

families = Table(
    "families",
    TABLES,
    Column("id", String, primary_key=True),
    Column("kk", String, nullable=False, unique=True),
    Column("issued_on", String, nullable=False),
    Column("head_id", String, nullable=False),
    Column("address", String, nullable=False),
    Column("rt", String, nullable=False),
    Column("rw", String, nullable=False),
    Column("postal_code", String, nullable=False),
    Column("village_code", String, nullable=False, index=True),
)

regions = Table(
    "regions",
    TABLES,
    Column("code", String, primary_key=True),
    Column("plain_code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("level", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("parent_code", String),
    Column("postal_code", String),
    Index("ix_regions_parent", "parent_code"),
)

quota = Table(
    "quota",
    TABLES,
    Column("day", String, primary_key=True),
    Column("used", Integer, nullable=False),
)
"""Verifications made on each day of the sandbox clock."""
