"""Rows of the store as the wire shapes show them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.finance import billing, ledger
from services.finance.rules import DocumentType, document_id
from services.kit.store import Record, Session

_COMMON = ("number", "skpd_code", "year", "month", "issued_on", "status", "cancelled_on", "cancel_reason")
_OWN: Mapping[DocumentType, tuple[str, ...]] = {
    "SPD": ("quarter", "amount_idr"),
    "SPP": ("kind", "purpose", "payee", "amount_idr"),
    "SPM": ("kind", "amount_idr"),
    "SP2D": ("kind", "deductions_idr"),
}


def document_row(row: Record) -> dict[str, Any]:
    """Give a document as it stands in a list."""
    type_: DocumentType = row["type"]
    shown = {"id": document_id(type_, row["key"]), **{name: row[name] for name in (*_COMMON, *_OWN[type_])}}
    if row["spp_key"] is not None:
        shown["spp_id"] = document_id("SPP", row["spp_key"])
    if type_ == "SP2D":
        shown["spm_id"] = document_id("SPM", row["parent_key"])
        shown["gross_idr"] = row["amount_idr"]
        shown["net_idr"] = row["amount_idr"] - row["deductions_idr"]
    return shown


async def document(db: Session, row: Record) -> dict[str, Any]:
    """Give a document with what it charges and what rests on it."""
    shown = document_row(row)
    if row["type"] in {"SPD", "SPP"}:
        shown["charges"] = [
            {
                "budget_line_id": charge["id"],
                "sub_activity_code": charge["sub_activity_code"],
                "account_code": charge["account_code"],
                "amount_idr": charge["amount_idr"],
            }
            for charge in await ledger.charge_rows(db, row["key"])
        ]
    if row["type"] in {"SPP", "SPM"}:
        after = await ledger.successor(db, row["key"])
        shown["spm_id" if row["type"] == "SPP" else "sp2d_id"] = document_id(after.type, after.key) if after else None
    return shown


def bill(row: Record, today: date) -> dict[str, Any]:
    """Give a bill as it stands on a day: what is owed grows with the delay, what was paid stays."""
    due_on = date.fromisoformat(row["due_on"])
    is_paid = row["paid_at"] is not None
    penalty = row["penalty_idr"] if is_paid else billing.penalty(row["amount_idr"], due_on, today)
    return {
        "id": row["billing_code"],
        "skpd_code": row["skpd_code"],
        "account_code": row["account_code"],
        "description": row["description"],
        "payer_name": row["payer_name"],
        "payer_nik": row["payer_nik"],
        "payer_nib": row["payer_nib"],
        "amount_idr": row["amount_idr"],
        "penalty_idr": penalty,
        "total_idr": row["amount_idr"] + penalty,
        "issued_on": row["issued_on"],
        "due_on": row["due_on"],
        "expires_on": billing.expiry_date(due_on).isoformat(),
        "status": billing.status_of(row["paid_at"], due_on, today),
        "paid_at": row["paid_at"],
        "payment_reference": row["payment_reference"],
    }
