"""What may be done in the chain SPD, SPP, SPM, SP2D: each function asks the rules, then writes.

Every function runs inside the transaction of one call and raises before it writes anything, so that a refusal of one
step leaves the others of the same transaction as they are (the dialect pushes many at once).
"""

from collections.abc import Sequence
from datetime import date

from services.finance import ledger, rules
from services.finance.ledger import Draft
from services.finance.rules import Charge, Paper, PaymentKind
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.store import Record, Session

_ = catalogue(__file__)


async def release(db: Session, today: date, *, skpd_code: str, quarter: int, charges: Sequence[Charge]) -> str:
    """Issue an SPD and give its id.

    Raises:
        Problem: 409 `skpd_inactive`, `budget_year_closed` or `dpa_exceeded`; 422 for lines that do not fit.
    """
    await _require_agency(db, skpd_code, today)
    states = rules.require_lines(skpd_code, await ledger.line_states(db, charges))
    for state in states:
        rules.require_open_year(state.year, today)
    rules.require_within_budget(states, charges)
    amount = sum(charge.amount_idr for charge in charges)
    draft = Draft("SPD", skpd_code, None, amount, rules.ISSUED, quarter=quarter)
    return await ledger.write(db, draft, today, states, charges)


async def request(
    db: Session,
    today: date,
    *,
    skpd_code: str,
    kind: PaymentKind,
    purpose: str,
    payee: str,
    amount_idr: int | None,
    charges: Sequence[Charge],
) -> str:
    """Draft an SPP and give its id.

    Raises:
        Problem: 409 `skpd_inactive`, `budget_year_closed`, `up_already_requested`, `float_missing`, `float_exceeded` or
            `spd_exceeded`; 422 for amounts or lines that do not fit.
    """
    await _require_agency(db, skpd_code, today)
    total = rules.total_requested(kind, amount_idr, charges)
    states = rules.require_lines(skpd_code, await ledger.line_states(db, charges))
    for state in states:
        rules.require_open_year(state.year, today)
    rules.require_advance(kind, total, await ledger.advance(db, skpd_code, today.year))
    rules.require_released(states, charges)
    draft = Draft("SPP", skpd_code, kind, total, rules.DRAFT, purpose=purpose, payee=payee)
    return await ledger.write(db, draft, today, states, charges)


async def approve(db: Session, today: date, spp: Paper) -> None:
    """Approve an SPP.

    Raises:
        Problem: 409 `spp_not_draft` or `budget_year_closed`.
    """
    rules.require_approvable(spp)
    rules.require_open_year(spp.year, today)
    await ledger.set_status(db, spp.key, rules.APPROVED)


async def order(db: Session, today: date, spp_id: str) -> str:
    """Issue the SPM of an SPP and give its id.

    Raises:
        Problem: 409 `spm_already_issued`, `spp_not_approved`, `budget_year_closed`; 422 `unknown_spp`.
    """
    row = await ledger.document(db, "SPP", spp_id)
    if row is None:
        raise rules.invalid("#/spp_id", "unknown_spp", _("There is no SPP with this id."))
    spp = ledger.paper(row)
    rules.require_order(spp, await ledger.successor(db, spp.key))
    rules.require_open_year(spp.year, today)
    draft = Draft("SPM", spp.skpd_code, spp.kind, spp.amount_idr, rules.ISSUED, parent_key=spp.key, spp_key=spp.key)
    return await ledger.write(db, draft, today)


async def pay(db: Session, today: date, spm: Record | None, *, deductions_idr: int) -> str:
    """Issue the SP2D of an SPM and give its id.

    Raises:
        Problem: 409 `sp2d_already_issued`, `spm_cancelled`, `spd_exceeded`, `budget_year_closed`; 422 `unknown_spm` or
            `deductions_exceed_gross`.
    """
    if spm is None:
        raise rules.invalid("#/spm_id", "unknown_spm", _("There is no such SPM."))
    paper = ledger.paper(spm)
    rules.require_payment(paper, await ledger.successor(db, paper.key))
    rules.require_open_year(paper.year, today)
    rules.net_of(paper.amount_idr, deductions_idr)
    charges = await ledger.charges_of(db, spm["spp_key"])
    rules.require_funds(await ledger.charged_states(db, charges), charges)
    draft = Draft(
        "SP2D",
        paper.skpd_code,
        paper.kind,
        paper.amount_idr,
        rules.ISSUED,
        deductions_idr=deductions_idr,
        parent_key=paper.key,
        spp_key=spm["spp_key"],
    )
    return await ledger.write(db, draft, today)


async def cancel(db: Session, today: date, row: Record, reason: str) -> None:
    """Cancel a document.

    Raises:
        Problem: 409 `document_cancelled`, `document_in_use`, `spd_in_use` or `budget_year_closed`.
    """
    paper = ledger.paper(row)
    rules.require_cancellable(paper, await ledger.successor(db, paper.key))
    rules.require_open_year(paper.year, today)
    if paper.type == "SPD":
        charges = await ledger.charges_of(db, paper.key)
        rules.require_withdrawable(await ledger.charged_states(db, charges), charges)
    rules.require_float_unused(paper, await ledger.refill(db, paper.skpd_code, paper.year))
    await ledger.set_status(db, paper.key, rules.CANCELLED, on=today, because=reason)


async def _require_agency(db: Session, code: str, today: date) -> None:
    agency = await ledger.agency(db, code)
    if agency is None:
        raise rules.invalid("#/skpd_code", "unknown_skpd", _("There is no such SKPD. See GET /v1/skpd."))
    rules.require_active(agency)
    if not await ledger.has_budget(db, code, today.year):
        detail = _("SKPD {code} has no DPA for {year}, the present year.", code=code, year=today.year)
        raise Problem(409, "budget_year_closed", detail)
