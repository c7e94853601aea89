"""The rules of retribution bills, on plain values.

Sources: UU 1/2022 and PP 35/2023 for retributions being billed and for one percent a month on late ones; the times are
the lab's own.
"""

from datetime import date, timedelta
from typing import Literal

from services.finance.rules import invalid
from services.kit.language import catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)

BillStatus = Literal["unpaid", "paid", "expired"]

DUE_DAYS = 30
"""Days within which a bill is to be paid, if the biller says nothing else."""

EXPIRES_AFTER = 180
"""Days after the due date on which a billing code still takes money, with a penalty."""

PENALTY_PERCENT = 1
PENALTY_PERIOD = 30
"""One percent for each full thirty days after the due date, rounded down to whole rupiah."""

FIRST_CODE = "767900900000000"
"""Billing codes of a city without bills begin after this one."""

RETRIBUTION = "4.1.02"
"""Accounts of regional retributions begin with this."""


def expiry_date(due_on: date) -> date:
    """Give the last day on which a bill can be paid."""
    return due_on + timedelta(days=EXPIRES_AFTER)


def status_of(paid_at: str | None, due_on: date, today: date) -> BillStatus:
    """Give a bill's status, which follows the clock: late bills can be paid with a penalty until they expire.

    Args:
        paid_at: RFC 3339, None before it is paid.
    """
    if paid_at is not None:
        return "paid"
    return "expired" if today > expiry_date(due_on) else "unpaid"


def penalty(amount_idr: int, due_on: date, today: date) -> int:
    """Give what paying late costs on a day, in whole rupiah."""
    late = max(0, (today - due_on).days)
    return amount_idr * PENALTY_PERCENT * (late // PENALTY_PERIOD) // 100


def due_date(today: date, days: int) -> date:
    """Give the day by which a bill made today is to be paid without penalty."""
    return today + timedelta(days=days)


def require_payer(nik: str | None, nib: str | None) -> None:
    """A bill goes to a person or to a business.

    Raises:
        Problem: 422 with `payer_ambiguous`.
    """
    if (nik is None) == (nib is None):
        text = _("Give either payer_nik or payer_nib, not both and not neither.")
        raise invalid("#/payer_nik", "payer_ambiguous", text)


def require_retribution(account_code: str, level: int | None) -> None:
    """Only retribution accounts of the lowest level can be billed.

    Args:
        level: of the account in the chart, None when there is no such account.

    Raises:
        Problem: 422 with `unknown_account` or `account_not_billable`.
    """
    if level is None:
        raise invalid("#/account_code", "unknown_account", _("There is no such account. See GET /v1/accounts."))
    if level < 6 or not account_code.startswith(f"{RETRIBUTION}."):
        text = _("Only retribution accounts of level 6 can be billed; they begin with {prefix}.", prefix=RETRIBUTION)
        raise invalid("#/account_code", "account_not_billable", text)


def require_payable(billing_code: str, status: BillStatus, owed_idr: int, given_idr: int) -> None:
    """A bill is paid once, before it expires, and in full.

    Raises:
        Problem: 409 `bill_already_paid` or `bill_expired`, 422 with `amount_mismatch`.
    """
    if status == "paid":
        raise Problem(409, "bill_already_paid", _("Bill {code} has been paid.", code=billing_code))
    if status == "expired":
        detail = _("Bill {code} has expired. Make a new bill.", code=billing_code)
        raise Problem(409, "bill_expired", detail)
    if given_idr != owed_idr:
        text = _(
            "The bill is over {owed_idr} rupiah, penalty included. It is paid in full or not at all.", owed_idr=owed_idr
        )
        raise invalid("#/amount_idr", "amount_mismatch", text)


def code_after(last: str) -> str:
    """Give the billing code that follows `last`: 15 digits, counted up, never used twice."""
    return f"{int(last) + 1:015}"
