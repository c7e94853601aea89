"""The chain of treasury documents in the store: what the rules ask of it, and the documents they let through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select

from services.finance import rules
from services.finance.rules import Advance, Agency, Charge, DocumentType, LineState, Paper, PaymentKind
from services.finance.tables import LIVING, charges, documents, lines, skpd
from services.kit.store import Prepared, Record, Session
from services.world.identifiers.document_number import parse
from services.world.identifiers.verdict import InvalidIdentifier


def _charged(type_: DocumentType) -> ScalarSelect[int]:
    """Sum of what living SPD or SPP have put on a line."""
    return (
        select(func.coalesce(func.sum(charges.c.amount_idr), 0))
        .select_from(charges.join(documents, documents.c.key == charges.c.document_key))
        .where(charges.c.line_key == lines.c.key, documents.c.type == type_, LIVING)
        .scalar_subquery()
    )


def _paid() -> ScalarSelect[int]:
    """Sum of what living SP2D have paid from a line: each pays what the SPP it goes back to asked."""
    return (
        select(func.coalesce(func.sum(charges.c.amount_idr), 0))
        .select_from(charges.join(documents, documents.c.spp_key == charges.c.document_key))
        .where(charges.c.line_key == lines.c.key, documents.c.type == "SP2D", LIVING)
        .scalar_subquery()
    )


RELEASED = _charged("SPD").label("released_idr")
REQUESTED = _charged("SPP").label("requested_idr")
REALISED = _paid().label("realised_idr")

_LINE = Prepared(
    select(
        lines.c.key, lines.c.id, lines.c.skpd_code, lines.c.year, lines.c.amount_idr, RELEASED, REQUESTED, REALISED
    ).where(lines.c.id == bindparam("id"))
)
_AGENCY = Prepared(select(skpd.c.code, skpd.c.active, skpd.c.successor_code).where(skpd.c.code == bindparam("code")))
_HAS_BUDGET = Prepared(
    select(lines.c.id).where(lines.c.skpd_code == bindparam("skpd"), lines.c.year == bindparam("year")).limit(1)
)
_DOCUMENT = Prepared(
    select(documents).where(documents.c.key == bindparam("key"), documents.c.type == bindparam("type"))
)
_BY_NUMBER = Prepared(
    select(documents).where(
        documents.c.type == bindparam("type"),
        documents.c.skpd_code == bindparam("skpd"),
        documents.c.sequence == bindparam("sequence"),
        documents.c.number == bindparam("number"),
    )
)
_SUCCESSOR = Prepared(select(documents).where(documents.c.parent_key == bindparam("key"), LIVING))
_CHARGES = Prepared(
    select(lines.c.id, charges.c.amount_idr, lines.c.sub_activity_code, lines.c.account_code)
    .select_from(charges.join(lines, lines.c.key == charges.c.line_key))
    .where(charges.c.document_key == bindparam("key"))
    .order_by(charges.c.line_key)
)
_LAST_SEQUENCE = Prepared(
    select(func.coalesce(func.max(documents.c.sequence), 0).label("last")).where(
        documents.c.type == bindparam("type"), documents.c.skpd_code == bindparam("skpd")
    )
)
_LAST_KEY = Prepared(select(func.coalesce(func.max(documents.c.key), 0).label("last")))
_FLOAT = Prepared(
    select(documents).where(
        documents.c.type == bindparam("type"),
        documents.c.skpd_code == bindparam("skpd"),
        documents.c.year == bindparam("year"),
        documents.c.kind == bindparam("kind"),
        LIVING,
    )
)
_SET_STATUS = (
    documents.update()
    .where(documents.c.key == bindparam("document"))
    .values(status=bindparam("now"), cancelled_on=bindparam("on"), cancel_reason=bindparam("because"))
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A document about to be written; its number follows from the store."""

    type: DocumentType
    skpd_code: str
    kind: PaymentKind | None
    amount_idr: int
    status: str
    quarter: int | None = None
    purpose: str | None = None
    payee: str | None = None
    deductions_idr: int = 0
    parent_key: int | None = None
    spp_key: int | None = None


def paper(row: Record) -> Paper:
    """Give what the rules need of a document's row."""
    return Paper(
        row["key"],
        row["type"],
        row["number"],
        row["kind"],
        row["skpd_code"],
        row["year"],
        row["amount_idr"],
        row["status"],
    )


async def agency(db: Session, code: str) -> Agency | None:
    """Give an SKPD, or None when there is no such one."""
    row = await db.first(_AGENCY, code=code)
    return None if row is None else Agency(row["code"], bool(row["active"]), row["successor_code"])


async def has_budget(db: Session, skpd_code: str, year: int) -> bool:
    """Say whether an SKPD has a DPA for a year."""
    return await db.first(_HAS_BUDGET, skpd=skpd_code, year=year) is not None


async def line_states(db: Session, asked: Sequence[Charge]) -> list[LineState | None]:
    """Give the state of the line of each charge, None for a line that does not exist."""
    return [await _line_state(db, charge.line_id) for charge in asked]


async def _line_state(db: Session, id_: str) -> LineState | None:
    row = await db.first(_LINE, id=id_)
    if row is None:
        return None
    return LineState(
        row["key"],
        row["id"],
        row["skpd_code"],
        row["year"],
        row["amount_idr"],
        row["released_idr"],
        row["requested_idr"],
        row["realised_idr"],
    )


async def document(db: Session, type_: DocumentType, id_: str) -> Record | None:
    """Give a document's row by its id, or None."""
    key = rules.key_of(type_, id_)
    return None if key is None else await db.first(_DOCUMENT, type=type_, key=key)


async def document_numbered(db: Session, type_: DocumentType, number: str) -> Record | None:
    """Give a document's row by its number, or None."""
    try:
        parts = parse(number)
    except InvalidIdentifier:
        return None
    return await db.first(_BY_NUMBER, type=type_, skpd=parts.skpd_code, sequence=parts.sequence, number=number)


async def successor(db: Session, key: int) -> Paper | None:
    """Give the living document that rests on this one: an SPP's SPM, an SPM's SP2D."""
    row = await db.first(_SUCCESSOR, key=key)
    return None if row is None else paper(row)


async def charge_rows(db: Session, key: int) -> list[Record]:
    """Give what an SPD or SPP charges, with id, sub-activity and account of each line."""
    return await db.all(_CHARGES, key=key)


async def charges_of(db: Session, key: int) -> list[Charge]:
    """Give what an SPD or SPP charges."""
    return [Charge(row["id"], row["amount_idr"]) for row in await charge_rows(db, key)]


async def charged_states(db: Session, asked: Sequence[Charge]) -> list[LineState]:
    """Give the states of lines that documents charge already, and which therefore exist."""
    return [state for state in await line_states(db, asked) if state is not None]


async def advance(db: Session, skpd_code: str, year: int) -> Advance:
    """Give an SKPD's float in a year."""
    request = await db.first(_FLOAT, type="SPP", skpd=skpd_code, year=year, kind="UP")
    payment = await db.first(_FLOAT, type="SP2D", skpd=skpd_code, year=year, kind="UP")
    return Advance(request["number"] if request else None, payment["amount_idr"] if payment else 0)


async def refill(db: Session, skpd_code: str, year: int) -> Paper | None:
    """Give a living SPP-GU of an SKPD, or None."""
    row = await db.first(_FLOAT, type="SPP", skpd=skpd_code, year=year, kind="GU")
    return None if row is None else paper(row)


async def write(
    db: Session, draft: Draft, today: date, states: Sequence[LineState] = (), asked: Sequence[Charge] = ()
) -> str:
    """Write a document that the rules have let through.

    Args:
        states: the lines that an SPD or SPP charges.
        asked: how much, in the same order.

    Returns:
        Its id.
    """
    sequence = 1 + await db.scalar(_LAST_SEQUENCE, type=draft.type, skpd=draft.skpd_code)
    key: int = 1 + await db.scalar(_LAST_KEY)
    row: dict[str, Any] = {
        "key": key,
        "type": draft.type,
        "number": rules.number_of(draft.type, sequence, draft.kind, draft.skpd_code, today),
        "sequence": sequence,
        "skpd_code": draft.skpd_code,
        "kind": draft.kind,
        "quarter": draft.quarter,
        "year": today.year,
        "month": today.month,
        "issued_on": today.isoformat(),
        "purpose": draft.purpose,
        "payee": draft.payee,
        "amount_idr": draft.amount_idr,
        "deductions_idr": draft.deductions_idr,
        "status": draft.status,
        "parent_key": draft.parent_key,
        "spp_key": draft.spp_key,
    }
    await db.run(documents.insert(), rows=[row])
    charged = [
        {"document_key": key, "line_key": state.key, "amount_idr": charge.amount_idr}
        for state, charge in zip(states, asked, strict=True)
    ]
    await db.run(charges.insert(), rows=charged)
    return rules.document_id(draft.type, key)


async def set_status(db: Session, key: int, status: str, *, on: date | None = None, because: str | None = None) -> None:
    """Move a document on, or cancel it on a day for a reason."""
    await db.run(_SET_STATUS, document=key, now=status, on=on.isoformat() if on else None, because=because)
