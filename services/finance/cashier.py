"""Retribution bills in the store: making one, and taking its payment."""

from datetime import date, datetime

from sqlalchemy import bindparam, func, select

from services.finance import billing, ledger, rules
from services.finance.schemas import BillIn
from services.finance.tables import accounts, bills
from services.kit.language import catalogue
from services.kit.store import Prepared, Record, Session

_ = catalogue(__file__)

_BILL = Prepared(select(bills).where(bills.c.billing_code == bindparam("code")))
_LAST_CODE = Prepared(select(func.coalesce(func.max(bills.c.billing_code), billing.FIRST_CODE).label("last")))
_ACCOUNT_LEVEL = Prepared(select(accounts.c.level).where(accounts.c.code == bindparam("code")))
_PAID = (
    bills.update()
    .where(bills.c.billing_code == bindparam("code"))
    .values(penalty_idr=bindparam("penalty"), paid_at=bindparam("at"), payment_reference=bindparam("with_reference"))
)


async def bill_row(db: Session, code: str) -> Record | None:
    """Give a bill by its billing code, or None."""
    return await db.first(_BILL, code=code)


async def bill(db: Session, today: date, asked: BillIn) -> str:
    """Make a bill and give its billing code.

    Raises:
        Problem: 409 `skpd_inactive`; 422 for an SKPD, account or payer that does not fit.
    """
    agency = await ledger.agency(db, asked.skpd_code)
    if agency is None:
        raise rules.invalid("#/skpd_code", "unknown_skpd", _("There is no such SKPD. See GET /v1/skpd."))
    rules.require_active(agency)
    billing.require_payer(asked.payer_nik, asked.payer_nib)
    level = await db.scalar(_ACCOUNT_LEVEL, code=asked.account_code)
    billing.require_retribution(asked.account_code, level)
    code = billing.code_after(await db.scalar(_LAST_CODE))
    row = {
        "billing_code": code,
        "skpd_code": asked.skpd_code,
        "account_code": asked.account_code,
        "description": asked.description,
        "payer_name": asked.payer_name,
        "payer_nik": asked.payer_nik,
        "payer_nib": asked.payer_nib,
        "amount_idr": asked.amount_idr,
        "penalty_idr": 0,
        "issued_on": today.isoformat(),
        "due_on": billing.due_date(today, asked.due_in_days).isoformat(),
    }
    await db.run(bills.insert(), rows=[row])
    return code


async def settle(db: Session, now: datetime, owed: Record, amount_idr: int, reference: str) -> None:
    """Take the payment of a bill.

    Raises:
        Problem: 409 `bill_already_paid` or `bill_expired`, 422 with `amount_mismatch`.
    """
    code, today, due_on = owed["billing_code"], now.date(), date.fromisoformat(owed["due_on"])
    penalty = billing.penalty(owed["amount_idr"], due_on, today)
    status = billing.status_of(owed["paid_at"], due_on, today)
    billing.require_payable(code, status, owed["amount_idr"] + penalty, amount_idr)
    await db.run(_PAID, code=code, penalty=penalty, at=now.isoformat(timespec="seconds"), with_reference=reference)
