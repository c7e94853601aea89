"""The budget of the reference year: the lines of each agency's DPA with their monthly cash plan (RAK)."""

from collections.abc import Iterator
from datetime import date

from services.world.accounts import Use, leaves
from services.world.agencies import active_codes
from services.world.entities import BudgetLine
from services.world.minting import minter
from services.world.nomenclature import OFFICE, PAYROLL, sub_activities_of
from services.world.randomness import Draw, between, pick, section_key, stream

MONTHS = 12
_PAYROLL_ACCOUNTS = ("5.1.01.01.01.0001", "5.1.01.02.05.0001", "5.1.01.02.05.0002")
_PAYROLL_WEIGHTS = (1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1)  # the thirteenth and fourteenth salaries come at mid-year
_EVEN_WEIGHTS = (
    (1, 2, 2, 3, 2, 2, 2, 3, 2, 3, 3, 3),
    (2, 1, 2, 1, 3, 1, 2, 2, 3, 2, 3, 2),
    (1, 1, 1, 2, 2, 3, 3, 2, 2, 2, 3, 3),
    (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2),
    (1, 1, 3, 1, 1, 3, 1, 1, 3, 1, 1, 3),
)
_CAPITAL_MONTHS = (2, 5, 8, 10)  # counted from 0

_SCALE = {"1.01": 40, "1.02": 25, "1.03": 18}
"""Agencies of the basic services are many times as large as others; their payroll needs more than 32 bits."""

_RANGES: dict[Use, tuple[int, int]] = {
    "payroll": (300, 2_400),
    "goods": (8, 90),
    "services": (12, 150),
    "ict": (15, 400),
    "capital": (40, 900),
    "works": (2_500, 19_000),
}
"""Yearly amounts of one line in millions of rupiah."""

_OFFICE_USES: dict[str, tuple[Use, ...]] = {
    OFFICE[0]: ("goods", "services", "goods"),
    OFFICE[1]: ("services", "ict"),
    OFFICE[2]: ("goods", "ict"),
}
_WORKS = {"1.01.02.2.01.0003": 0, "1.03.10.2.01.0005": 1}
"""Sub-activities that build, by the place of their account among the accounts for works."""

_ICT_FIELDS = frozenset({"2.12", "2.16", "2.18", "2.20", "2.21", "5.03"})
_ICT_USES: tuple[Use, ...] = ("ict", "ict", "capital", "services")
_OTHER_USES: tuple[Use, ...] = ("goods", "services", "services")

_new_line = minter(BudgetLine)


def lines_of(seed: int, reference_date: date) -> tuple[BudgetLine, ...]:
    """Every budget line of the year, by agency and sub-activity."""
    key = section_key(seed, reference_date, "budget")
    year = reference_date.year
    return tuple(
        line
        for number, skpd_code in enumerate(active_codes())
        for line in _agency_lines(stream(key, number), number, skpd_code, year)
    )


def _agency_lines(draw: Draw, number: int, skpd_code: str, year: int) -> Iterator[BudgetLine]:
    dpa_number = f"DPA/A.1/{skpd_code}/{number + 1:03}/{year}"
    for sub_activity in sub_activities_of(skpd_code):
        for account, use in _accounts(draw, sub_activity).items():
            amount = _amount(draw, use, sub_activity)
            yield _new_line(
                id=f"{sub_activity}.{account}@{skpd_code}",
                year=year,
                skpd_code=skpd_code,
                dpa_number=dpa_number,
                sub_activity_code=sub_activity,
                account_code=account,
                amount_idr=amount,
                cash_plan_idr=_cash_plan(draw, use, amount),
            )


def _accounts(draw: Draw, sub_activity: str) -> dict[str, Use]:
    """The accounts that a sub-activity spends on, each once, with their use."""
    support = sub_activity[5:]
    if support == PAYROLL:
        return dict.fromkeys(_PAYROLL_ACCOUNTS if draw() < 0.7 else leaves("payroll"), "payroll")
    if sub_activity in _WORKS:
        return {leaves("works")[_WORKS[sub_activity]]: "works", pick(draw, leaves("services")): "services"}
    uses = _OFFICE_USES.get(support) or (_ICT_USES if sub_activity[:4] in _ICT_FIELDS else _OTHER_USES)
    return {pick(draw, leaves(use)): use for use in uses}


def _amount(draw: Draw, use: Use, sub_activity: str) -> int:
    low, high = _RANGES[use]
    factor = _SCALE.get(sub_activity[:4], 1) if use in {"payroll", "services"} else 1
    return (between(draw, low, high) * 10_000 + int(draw() * 10_000)) * 100 * factor


def _cash_plan(draw: Draw, use: Use, amount: int) -> tuple[int, ...]:
    """Twelve monthly amounts of whole thousands, but for the last one, which takes the rest."""
    weights = _weights(draw, use)
    unit = amount // sum(weights) // 1000 * 1000
    plan = [unit * weight for weight in weights]
    last = MONTHS - 1 if weights[-1] else _CAPITAL_MONTHS[-1]
    plan[last] += amount - unit * sum(weights)
    return tuple(plan)


def _weights(draw: Draw, use: Use) -> tuple[int, ...]:
    if use == "payroll":
        return _PAYROLL_WEIGHTS
    if use in {"capital", "works"}:
        first = between(draw, 0, 2)
        return tuple([int(month in _CAPITAL_MONTHS[first:]) for month in range(MONTHS)])
    return _EVEN_WEIGHTS[int(draw() * len(_EVEN_WEIGHTS))]
