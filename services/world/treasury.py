"""Documents that have moved money up to the reference date: SPD, SPP, SPM and SP2D of every agency.

On each budget line the sum of SP2D stays within that of SPP, SPP within SPD, and SPD within the DPA, because documents
never ask for more than the cash plan holds for their months. Planted: cancelled SP2D that were paid again, cancelled
SPP and SPM. Papers of the last days are still under way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from services.world.entities import BudgetLine, Charge, DocumentStatus, PaymentKind, Sp2d, Spd, Spm, Spp
from services.world.identifiers.digits import TWO
from services.world.minting import minter
from services.world.randomness import Draw, between, section_key, stream
from services.world.regions import CITY_CODE

_FLOATS_IDR = (60_000_000, 180_000_000)
_PAYROLL = "5.1.01"
_CAPITAL = "5.2"
_PAYROLL_DEDUCTION, _TAX_DEDUCTION = 8, 11
"""Percent withheld from salaries and from suppliers; nothing is withheld from floats."""

_EXTRA_EVERY = 5
"""Every so many-th agency asks for a TU."""

_SPP_CANCELLED_EVERY = 61
_SPM_REPLACED_EVERY = 83
_SP2D_REISSUED_EVERY = 29
"""Every so many-th payment of the city goes wrong in this way, so that no city lacks one."""

_DAY = timedelta(days=1)
_SPP, _SPM, _SP2D = "02.0", "03.0", "04.0"
_TREASURER, _SUPPLIER = "Bendahara Pengeluaran", "Penyedia barang/jasa"
_PURPOSES: dict[PaymentKind, str] = {
    "UP": "Uang persediaan",
    "GU": "Ganti uang persediaan",
    "TU": "Tambahan uang persediaan",
    "LS": "Pembayaran langsung",
}

_new_charge = minter(Charge)
_new_spd = minter(Spd)
_new_spp = minter(Spp)
_new_spm = minter(Spm)
_new_sp2d = minter(Sp2d)


@dataclass(slots=True)
class Papers:
    """The documents of all agencies, each kind in the order of agency and sequence."""

    spds: list[Spd] = field(default_factory=list)
    spps: list[Spp] = field(default_factory=list)
    spms: list[Spm] = field(default_factory=list)
    sp2ds: list[Sp2d] = field(default_factory=list)


class _Request(NamedTuple):
    """A payment that an agency asks for."""

    kind: PaymentKind
    filed_on: date
    payee: str
    deduction_percent: int
    charges: tuple[Charge, ...]
    amount_idr: int


class _Occasion(NamedTuple):
    """Something that is paid regularly."""

    kind: PaymentKind
    day: int  # of the month
    every: int  # so many months
    payee: str
    deduction_percent: int
    lines: list[BudgetLine]
    limit_idr: int | None  # what all charges together may come to


def papers_of(seed: int, reference_date: date, lines: Sequence[BudgetLine]) -> Papers:
    """All documents dated before the reference date.

    Args:
        seed: The city's.
        reference_date: The city's.
        lines: The budget lines of the year, those of one agency together.
    """
    key = section_key(seed, reference_date, "treasury")
    papers = Papers()
    for number, (_, agency_lines) in enumerate(groupby(lines, key=attrgetter("skpd_code"))):
        _Desk(number, stream(key, number), reference_date, list(agency_lines), papers).work()
    return papers


class _Desk:
    """The treasurer's desk of one agency: writes its documents of the year."""

    def __init__(self, number: int, draw: Draw, today: date, lines: list[BudgetLine], papers: Papers) -> None:
        self._agency_number = number
        self._draw = draw
        self._today = today
        self._lines = lines
        self._papers = papers
        self._skpd = lines[0].skpd_code
        self._float = between(draw, *_FLOATS_IDR) // 100_000 * 100_000
        self._endings = [f"/{self._skpd}/M/{month}/{today.year}" for month in range(13)]
        self._sequences = {_SPP: 0, _SPM: 0, _SP2D: 0}

    def work(self) -> None:
        """Write all documents, month by month."""
        self._release()
        for month in range(1, self._today.month + 1):
            for request in self._requests(month):
                self._file(request)

    def _release(self) -> None:
        """An SPD at the beginning of each quarter, for what the cash plan holds in it."""
        for quarter in range(1, 5):
            first = 3 * quarter - 3
            issued_on = date(self._today.year, first + 1, 2)
            if issued_on >= self._today:
                break
            charges = [
                _new_charge(budget_line_id=line.id, amount_idr=amount)
                for line in self._lines
                if (amount := sum(line.cash_plan_idr[first : first + 3]))
            ]
            number = f"{CITY_CODE}/01.0/{quarter:06}/{self._skpd}/M/{first + 1}/{issued_on.year}"
            total = sum([charge.amount_idr for charge in charges])
            self._papers.spds.append(
                _new_spd(
                    number=number,
                    skpd_code=self._skpd,
                    quarter=quarter,
                    issued_on=issued_on,
                    charges=tuple(charges),
                    amount_idr=total,
                )
            )

    def _requests(self, month: int) -> Iterator[_Request]:
        year = self._today.year
        if month == 1:
            yield _Request("UP", date(year, 1, 8), _TREASURER, 0, (), self._float)
        for occasion in self._occasions:
            if month % occasion.every:
                continue
            charges, total = self._charges(month, occasion)
            if charges:
                filed_on = date(year, month, occasion.day)
                yield _Request(occasion.kind, filed_on, occasion.payee, occasion.deduction_percent, charges, total)

    @cached_property
    def _occasions(self) -> tuple[_Occasion, ...]:
        payroll = [line for line in self._lines if line.account_code.startswith(_PAYROLL)]
        capital = [line for line in self._lines if line.account_code.startswith(_CAPITAL)]
        running = [line for line in self._lines if not line.account_code.startswith((_PAYROLL, _CAPITAL))]
        half = len(running) // 2
        extra = (
            running[-1:] if self._agency_number % _EXTRA_EVERY == 0 else []
        )  # for the others, one line stays without realisation
        return (
            _Occasion("LS", 3, 1, "Pegawai", _PAYROLL_DEDUCTION, payroll, None),
            _Occasion("GU", 11, 2, _TREASURER, 0, running[:half], self._float),
            _Occasion("LS", 14, 2, _SUPPLIER, _TAX_DEDUCTION, running[half:-1], None),
            _Occasion("TU", 16, 2, _TREASURER, 0, extra, None),
            _Occasion("LS", 18, 1, _SUPPLIER, _TAX_DEDUCTION, capital, None),
        )

    def _charges(self, month: int, occasion: _Occasion) -> tuple[tuple[Charge, ...], int]:
        """What is asked from each line, within what was planned since the last time; and the sum of it."""
        draw = self._draw
        lines = occasion.lines
        since = month - occasion.every
        share = occasion.limit_idr // max(1, len(lines)) if occasion.limit_idr is not None else None
        charges = []
        total = 0
        for line in lines:
            planned = sum(line.cash_plan_idr[since:month])
            if not planned:
                continue
            amount = int(planned * (0.78 + 0.22 * draw())) // 100 * 100
            if share is not None and amount > share:
                amount = share
            total += amount
            charges.append(_new_charge(budget_line_id=line.id, amount_idr=amount))
        return tuple(charges), total

    def _next_number(self, document: str, kind: PaymentKind, day: date) -> str:
        """The next number of a kind of document ("02.0"); shaped as `identifiers.document_number` says."""
        sequence = self._sequences[document] = self._sequences[document] + 1
        return f"{CITY_CODE}/{document}/00{TWO[sequence // 100]}{TWO[sequence % 100]}/{kind}{self._endings[day.month]}"

    def _file(self, request: _Request) -> None:
        """Write the SPP of a request and whatever followed from it before the reference date."""
        if request.filed_on >= self._today:
            return
        ordered_on = request.filed_on + _DAY
        payment = len(self._papers.spps)
        is_float = request.kind == "UP"
        is_cancelled = not is_float and payment % _SPP_CANCELLED_EVERY == _SPP_CANCELLED_EVERY // 2
        status: DocumentStatus = "approved" if ordered_on < self._today else "draft"
        spp = _new_spp(
            number=self._next_number(_SPP, request.kind, request.filed_on),
            skpd_code=self._skpd,
            kind=request.kind,
            submitted_on=request.filed_on,
            purpose=f"{_PURPOSES[request.kind]} {request.filed_on.month}/{request.filed_on.year}",
            payee=request.payee,
            charges=request.charges,
            amount_idr=request.amount_idr,
            status="cancelled" if is_cancelled else status,
        )
        self._papers.spps.append(spp)
        if is_cancelled or ordered_on >= self._today:
            return
        if not is_float and payment % _SPM_REPLACED_EVERY == _SPM_REPLACED_EVERY // 2:
            self._order(spp, ordered_on, "cancelled")
        spm = self._order(spp, ordered_on, "issued")
        is_reissued = not is_float and payment % _SP2D_REISSUED_EVERY == _SP2D_REISSUED_EVERY // 2
        self._pay(spm, request.deduction_percent, is_reissued=is_reissued)

    def _order(self, spp: Spp, day: date, status: DocumentStatus) -> Spm:
        spm = _new_spm(
            number=self._next_number(_SPM, spp.kind, day),
            spp_number=spp.number,
            skpd_code=self._skpd,
            kind=spp.kind,
            issued_on=day,
            amount_idr=spp.amount_idr,
            status=status,
        )
        self._papers.spms.append(spm)
        return spm

    def _pay(self, spm: Spm, deduction_percent: int, *, is_reissued: bool) -> None:
        """The SP2D of an SPM, or a cancelled one and the one that replaced it."""
        paid_on = spm.issued_on + _DAY
        if is_reissued:
            cancelled_on = paid_on + _DAY
            self._disburse(spm, deduction_percent, paid_on, cancelled_on)
            paid_on = cancelled_on
        self._disburse(spm, deduction_percent, paid_on, None)

    def _disburse(self, spm: Spm, deduction_percent: int, day: date, cancelled_on: date | None) -> None:
        if day >= self._today or (cancelled_on is not None and cancelled_on >= self._today):
            return
        deductions = spm.amount_idr * deduction_percent // 100
        self._papers.sp2ds.append(
            _new_sp2d(
                number=self._next_number(_SP2D, spm.kind, day),
                spm_number=spm.number,
                skpd_code=self._skpd,
                kind=spm.kind,
                issued_on=day,
                gross_idr=spm.amount_idr,
                deductions_idr=deductions,
                net_idr=spm.amount_idr - deductions,
                status="issued" if cancelled_on is None else "cancelled",
                cancelled_on=cancelled_on,
            )
        )
