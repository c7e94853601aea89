"""The rows that a sandbox begins with: this agency's view of the world."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.finance.rules import ISSUED, DocumentType
from services.finance.tables import accounts, bills, charges, documents, lines, programmes, skpd
from services.kit.specs import SandboxSpec
from services.kit.store import Seed
from services.world import World
from services.world.entities import RetributionBill, Sp2d, Spd, Spm, Spp

Row = dict[str, Any]

_SEQUENCE = slice(11, 17)
"""Where the sequence stands in a document's number."""


def rows(world: World, _spec: SandboxSpec) -> Seed:
    """Give this agency's rows, table by table."""
    yield (
        skpd,
        [
            {
                "code": one.code,
                "name": one.name,
                "short_name": one.short_name,
                "active": one.active,
                "predecessor_codes": list(one.predecessor_codes),
                "successor_code": one.successor_code,
                "effective_on": one.effective_on.isoformat(),
                "ended_on": one.ended_on.isoformat() if one.ended_on else None,
            }
            for one in world.skpd
        ],
    )
    yield (
        programmes,
        [
            {"code": one.code, "name": one.name, "level": one.level, "parent_code": one.parent_code}
            for one in world.programmes
        ],
    )
    yield (
        accounts,
        [
            {"code": one.code, "name": one.name, "level": one.level, "parent_code": one.parent_code}
            for one in world.accounts
        ],
    )
    yield (
        lines,
        [
            {
                "key": key,
                "id": line.id,
                "year": line.year,
                "skpd_code": line.skpd_code,
                "dpa_number": line.dpa_number,
                "sub_activity_code": line.sub_activity_code,
                "account_code": line.account_code,
                "amount_idr": line.amount_idr,
                "cash_plan_idr": list(line.cash_plan_idr),
            }
            for key, line in enumerate(world.budget, 1)
        ],
    )
    numbering = _Numbering()
    line_keys = {line.id: key for key, line in enumerate(world.budget, 1)}
    spds = [_spd(spd, numbering) for spd in world.spds]
    spps = [_spp(spp, numbering) for spp in world.spps]
    spms = [_spm(spm, numbering) for spm in world.spms]
    spp_of = {spm["number"]: spm["spp_key"] for spm in spms}
    for same_columns in (spds, spps, spms, [_sp2d(sp2d, numbering, spp_of) for sp2d in world.sp2ds]):
        yield documents, same_columns
    papers: tuple[Spd | Spp, ...] = (*world.spds, *world.spps)
    yield (
        charges,
        [
            {"document_key": row["key"], "line_key": line_keys[charge.budget_line_id], "amount_idr": charge.amount_idr}
            for row, paper in zip([*spds, *spps], papers, strict=True)
            for charge in paper.charges
        ],
    )
    yield bills, [_bill(bill) for bill in world.bills]


class _Numbering:
    """Gives documents their keys, 1, 2, 3 … over all types, and remembers them by number."""

    def __init__(self) -> None:
        self.keys: dict[str, int] = {}

    def begin(self, number: str, type_: DocumentType, skpd_code: str, on: date) -> Row:
        """Give the part of a row that all types of documents share."""
        key = self.keys[number] = len(self.keys) + 1
        return {
            "key": key,
            "type": type_,
            "number": number,
            "sequence": int(number[_SEQUENCE]),
            "skpd_code": skpd_code,
            "year": on.year,
            "month": on.month,
            "issued_on": on.isoformat(),
        }


def _spd(spd: Spd, numbering: _Numbering) -> Row:
    row = numbering.begin(spd.number, "SPD", spd.skpd_code, spd.issued_on)
    row["quarter"] = spd.quarter
    row["amount_idr"] = spd.amount_idr
    row["status"] = ISSUED
    return row


def _spp(spp: Spp, numbering: _Numbering) -> Row:
    row = numbering.begin(spp.number, "SPP", spp.skpd_code, spp.submitted_on)
    row["kind"] = spp.kind
    row["purpose"] = spp.purpose
    row["payee"] = spp.payee
    row["amount_idr"] = spp.amount_idr
    row["status"] = spp.status
    return row


def _spm(spm: Spm, numbering: _Numbering) -> Row:
    row = numbering.begin(spm.number, "SPM", spm.skpd_code, spm.issued_on)
    row["kind"] = spm.kind
    row["amount_idr"] = spm.amount_idr
    row["status"] = spm.status
    row["parent_key"] = row["spp_key"] = numbering.keys[spm.spp_number]
    return row


def _sp2d(sp2d: Sp2d, numbering: _Numbering, spp_of: Mapping[str, int]) -> Row:
    row = numbering.begin(sp2d.number, "SP2D", sp2d.skpd_code, sp2d.issued_on)
    row["kind"] = sp2d.kind
    row["amount_idr"] = sp2d.gross_idr
    row["deductions_idr"] = sp2d.deductions_idr
    row["status"] = sp2d.status
    row["parent_key"] = numbering.keys[sp2d.spm_number]
    row["spp_key"] = spp_of[sp2d.spm_number]
    row["cancelled_on"] = sp2d.cancelled_on.isoformat() if sp2d.cancelled_on else None
    return row


def _bill(bill: RetributionBill) -> Row:
    return {
        "billing_code": bill.billing_code,
        "skpd_code": bill.skpd_code,
        "account_code": bill.account_code,
        "description": bill.description,
        "payer_name": bill.payer_name,
        "payer_nik": bill.payer_nik,
        "payer_nib": bill.payer_nib,
        "amount_idr": bill.amount_idr,
        "penalty_idr": bill.penalty_idr if bill.paid_at else 0,
        "issued_on": bill.issued_on.isoformat(),
        "due_on": bill.due_on.isoformat(),
        "paid_at": bill.paid_at.isoformat(timespec="seconds") if bill.paid_at else None,
        "payment_reference": None,
    }
