"""Retribution bills: what people and businesses owe the city for waste, market stalls and building approvals."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from services.world.accounts import BUILDING_RETRIBUTION, MARKET_RETRIBUTION, WASTE_RETRIBUTION
from services.world.entities import BillStatus, Business, Resident, RetributionBill, Size
from services.world.identifiers.budget_codes import compose_skpd
from services.world.layout import PLAIN, Layout
from services.world.permit_history import WITA
from services.world.randomness import Draw, between, pick, section_key, stream
from services.world.regions import CITY_PLAIN

BILL_COUNTS: dict[Size, int] = {"small": 60, "medium": 600, "large": 6_000}

_ENVIRONMENT = compose_skpd(("2.11",))
_TRADE = compose_skpd(("3.30", "3.31"))
_PUBLIC_WORKS = compose_skpd(("1.03",))
_RESIDENT_KINDS = ((_ENVIRONMENT, WASTE_RETRIBUTION, "Retribusi kebersihan rumah tangga", (10, 60)),)
_BUSINESS_KINDS = (
    (_TRADE, MARKET_RETRIBUTION, "Retribusi pelayanan pasar", (50, 900)),
    (_ENVIRONMENT, WASTE_RETRIBUTION, "Retribusi kebersihan tempat usaha", (75, 400)),
    (_PUBLIC_WORKS, BUILDING_RETRIBUTION, "Retribusi persetujuan bangunan gedung", (800, 42_000)),
)
_DAYS_TO_PAY = 30
_EXPIRES_AFTER = 180
_PENALTY_PERCENT_PER_MONTH = 1


class BillBuilder:
    """Makes any retribution bill of one city from its number.

    Args:
        seed: The city's.
        layout: The city's.
        reference_date: The city's.
        anchor_of: Gives the first member of a family by the family's number.
        business: Gives a business by its number.
    """

    def __init__(
        self,
        seed: int,
        layout: Layout,
        reference_date: date,
        *,
        anchor_of: Callable[[int], Resident],
        business: Callable[[int], Business],
    ) -> None:
        self._layout = layout
        self._today = reference_date
        self._key = section_key(seed, reference_date, "bills")
        self._anchor_of = anchor_of
        self._business = business

    def build(self, number: int) -> RetributionBill:
        """The bill of that number; two in five are businesses'."""
        draw = stream(self._key, number)
        payer: Resident | Business
        if number % 5 < 2:
            payer = self._business(int(draw() * self._layout.application_count))
            skpd, account, description, thousands = pick(draw, _BUSINESS_KINDS)
        else:
            payer = self._anchor_of(self._layout.family_at(PLAIN, int(draw() * self._layout.families.counts[PLAIN])))
            skpd, account, description, thousands = pick(draw, _RESIDENT_KINDS)
        issued_on = self._today - timedelta(days=between(draw, 3, 300))
        due_on = issued_on + timedelta(days=_DAYS_TO_PAY)
        amount = between(draw, *thousands) * 1000
        status = self._status(draw, due_on)
        return RetributionBill(
            billing_code=f"{CITY_PLAIN}{self._today.year % 100:02}9{number:08}",
            skpd_code=skpd,
            account_code=account,
            description=description,
            payer_name=payer.name,
            payer_nik=payer.nik if isinstance(payer, Resident) else None,
            payer_nib=payer.nib if isinstance(payer, Business) else None,
            amount_idr=amount,
            penalty_idr=0 if status == "paid" else self._penalty(amount, due_on),
            issued_on=issued_on,
            due_on=due_on,
            status=status,
            paid_at=self._paid_at(draw, issued_on) if status == "paid" else None,
        )

    def _status(self, draw: Draw, due_on: date) -> BillStatus:
        if draw() < 0.55:
            return "paid"
        return "expired" if (self._today - due_on).days > _EXPIRES_AFTER else "unpaid"

    def _penalty(self, amount: int, due_on: date) -> int:
        """One percent for each full 30 days after the due date, in whole rupiah, rounded down."""
        late = max(0, (self._today - due_on).days)
        return amount * _PENALTY_PERCENT_PER_MONTH * (late // 30) // 100

    def _paid_at(self, draw: Draw, issued_on: date) -> datetime:
        """In time, and before the reference date."""
        day = issued_on + timedelta(days=between(draw, 0, min(_DAYS_TO_PAY, (self._today - issued_on).days - 1)))
        return datetime.combine(day, time(8 + int(draw() * 8), int(draw() * 60)), WITA)
