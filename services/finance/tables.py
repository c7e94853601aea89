"""What the finance agency keeps of a city: master data, budget, treasury documents, retribution bills.

Codes are the keys of master data, as in SIPD itself; budget lines and documents, of which there are thousands in every
sandbox, are joined by small numbers that nobody sees. Dates are ISO strings, money is whole rupiah. Nothing that can be
added up is stored: what was released, disbursed or realised is always the sum of the documents themselves.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    literal_column,
)

TABLES = MetaData()

skpd = Table(
    "skpd",
    TABLES,
    Column("code", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("short_name", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("predecessor_codes", JSON, nullable=False),
    Column("successor_code", String),
    Column("effective_on", String, nullable=False),
    Column("ended_on", String),
)

programmes = Table(
    "programmes",
    TABLES,
    Column("code", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("level", String, nullable=False),
    Column("parent_code", String),
)
"""Programme, activity (kegiatan) and sub-activity (sub kegiatan)."""

accounts = Table(
    "accounts",
    TABLES,
    Column("code", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("level", Integer, nullable=False),
    Column("parent_code", String),
)

lines = Table(
    "budget_lines",
    TABLES,
    Column("key", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("year", Integer, nullable=False),
    Column("skpd_code", String, ForeignKey("skpd.code"), nullable=False),
    Column("dpa_number", String, nullable=False),
    Column("sub_activity_code", String, ForeignKey("programmes.code"), nullable=False),
    Column("account_code", String, ForeignKey("accounts.code"), nullable=False),
    Column("amount_idr", BigInteger, nullable=False),
    Column("cash_plan_idr", JSON, nullable=False),
    Index("lines_of_skpd", "skpd_code", "year"),
)
"""DPA lines with their cash plan (RAK), a list of twelve amounts."""

documents = Table(
    "documents",
    TABLES,
    Column("key", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("number", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("skpd_code", String, ForeignKey("skpd.code"), nullable=False),
    Column("kind", String),
    Column("quarter", Integer),
    Column("year", Integer, nullable=False),
    Column("month", Integer, nullable=False),
    Column("issued_on", String, nullable=False),
    Column("purpose", String),
    Column("payee", String),
    Column("amount_idr", BigInteger, nullable=False),
    Column("deductions_idr", BigInteger, nullable=False, server_default="0"),
    Column("status", String, nullable=False),
    Column("parent_key", Integer, ForeignKey("documents.key")),
    Column("spp_key", Integer, ForeignKey("documents.key")),
    Column("cancelled_on", String),
    Column("cancel_reason", String),
    Index("documents_of_skpd", "skpd_code", "type", "sequence", unique=True),
    Index("documents_of_spp", "spp_key"),
)
"""SPD, SPP, SPM and SP2D. `parent_key` is the SPP of an SPM and the SPM of an SP2D; `spp_key` is where both began.

A number is unique because it consists of type, SKPD and sequence.
"""

LIVING = documents.c.status != literal_column("'cancelled'")
"""The condition for documents that count. Written out, for an index is used only where its condition is seen."""

_LIVING_SUCCESSOR = and_(documents.c.parent_key.is_not(None), LIVING)
Index("one_living_successor", documents.c.parent_key, unique=True, sqlite_where=_LIVING_SUCCESSOR)
"""The store itself refuses a second living SPM of an SPP and a second living SP2D of an SPM."""

charges = Table(
    "charges",
    TABLES,
    Column("document_key", Integer, ForeignKey("documents.key"), primary_key=True),
    Column("line_key", Integer, ForeignKey("budget_lines.key"), primary_key=True),
    Column("amount_idr", BigInteger, nullable=False),
    Index("charges_of_line", "line_key"),
    sqlite_with_rowid=False,
)
"""What an SPD releases on, or an SPP asks from, each budget line. An SPM and its SP2D pay what their SPP asked."""

bills = Table(
    "bills",
    TABLES,
    Column("billing_code", String, primary_key=True),
    Column("skpd_code", String, ForeignKey("skpd.code"), nullable=False),
    Column("account_code", String, ForeignKey("accounts.code"), nullable=False),
    Column("description", String, nullable=False),
    Column("payer_name", String, nullable=False),
    Column("payer_nik", String),
    Column("payer_nib", String),
    Column("amount_idr", BigInteger, nullable=False),
    Column("penalty_idr", BigInteger, nullable=False),
    Column("issued_on", String, nullable=False),
    Column("due_on", String, nullable=False),
    Column("paid_at", String),
    Column("payment_reference", String),
    Index("bills_of_skpd", "skpd_code"),
)
"""Retribution bills. That one has expired, and what it costs to be late, follow from `due_on` and the clock.

`penalty_idr` is what was paid; 0 before that.
"""
