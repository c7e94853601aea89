"""What the permit office stores. Instants are RFC 3339 in WITA to the second, so that text order is time order."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table

TABLES = MetaData()

businesses = Table(
    "businesses",
    TABLES,
    Column("nib", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("actor_kind", String, nullable=False),
    Column("legal_form", String, nullable=False),
    Column("npwp_15", String, nullable=False),
    Column("npwp_16", String, nullable=False),
    Column("kbli", String, nullable=False),
    Column("kbli_title", String, nullable=False),
    Column("kbli_year", Integer, nullable=False),
    Column("scale", String, nullable=False),
    Column("risk", String, nullable=False),
    Column("capital_status", String, nullable=False),
    Column("investment_idr", BigInteger, nullable=False),
    Column("workers_male", Integer, nullable=False),
    Column("workers_female", Integer, nullable=False),
    Column("responsible_nik", String, nullable=False),
    Column("responsible_name", String, nullable=False),
    Column("responsible_role", String, nullable=False),
    Column("address", String, nullable=False),
    Column("village_code", String, nullable=False),
    Column("email", String, nullable=False),
    Column("phone", String, nullable=False),
    Column("status", String, nullable=False),
    Column("issued_on", String, nullable=False),
)

applications = Table(
    "applications",
    TABLES,
    Column("id", String, primary_key=True),
    Column("place", String, nullable=False),
    Column("license_id", String, nullable=False),
    Column("nib", String, nullable=False),
    Column("kbli", String, nullable=False),
    Column("risk", String, nullable=False),
    Column("permit_kind", String, nullable=False),
    Column("submitted_at", String, nullable=False),
    Column("status", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("nik", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sex", String, nullable=False),
    Column("birth_place", String, nullable=False),
    Column("birth_on", String, nullable=False),
    Column("address", String, nullable=False),
    Column("village_code", String, nullable=False),
    Column("phone", String, nullable=False),
    Column("email", String, nullable=False),
    Column("checklist", JSON, nullable=False),
    Column("decision_number", String),
    Column("valid_until", String),
    Index("applications_place", "place", unique=True),
    Index("applications_status_place", "status", "place"),
    Index("applications_nib_place", "nib", "place"),
    Index("applications_license", "license_id", unique=True),
)
"""`place` is `submitted_at/id`: the order of the queue. `version` is always the number of the last history step."""

history = Table(
    "history",
    TABLES,
    Column("application_id", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("status", String, nullable=False),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason_code", String),
    Column("note", String, nullable=False),
)
