"""What the kit keeps in every sandbox, beside the agency's own tables, so that a reset can forget nothing."""

from sqlalchemy import JSON, Boolean, Column, Float, Integer, MetaData, String, Table, Text


def add_kit_tables(tables: MetaData) -> None:
    """Add the kit's tables to an agency's, once."""
    if "kit_journal" in tables.tables:
        return
    for table in KIT.sorted_tables:
        table.to_metadata(tables)


KIT = MetaData()

facts = Table(
    "kit_facts",
    KIT,
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
)
"""The sandbox's clock, whether it is frozen, and its fault rules with what is left of them."""

journal = Table(
    "kit_journal",
    KIT,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float, nullable=False),
    Column("method", String, nullable=False),
    Column("path", String, nullable=False),
    Column("query", String, nullable=False),
    Column("request_headers", Text, nullable=False),
    Column("request_body", Text),
    Column("response_headers", Text, nullable=False),
    Column("response_body", Text),
    Column("status", Integer),
    Column("client_id", String),
    Column("token_id", String),
    Column("scopes", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("trace_id", String, nullable=False),
    Column("idempotency_key", String),
    Column("fault", String),
    Column("committed", Boolean, nullable=False),
)

idempotency = Table(
    "kit_idempotency",
    KIT,
    Column("client_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", Text, nullable=False),
)

dead_tokens = Table("kit_dead_tokens", KIT, Column("token_id", String, primary_key=True))
"""Tokens that a fault ended before their time."""
