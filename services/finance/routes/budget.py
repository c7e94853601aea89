"""The budget: DPA lines, the monthly cash plan (RAK), and how much of it has become SP2D."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Integer, bindparam, func, select

from services.finance import ledger
from services.finance.routes.answering import Listing, Reader, beneath, given, one
from services.finance.schemas import SKPD_PATTERN, BudgetLine, CashPlan, Realisation, SpringPage
from services.finance.tables import LIVING, documents, lines
from services.kit.access import Call
from services.kit.language import catalogue
from services.kit.paging import PageNumber, PageSize
from services.kit.problems import Problem, documented
from services.kit.store import Prepared, Record

_ = catalogue(__file__)

router = APIRouter(tags=["Anggaran dan realisasi"])

Year = Annotated[int, Query(ge=2000, le=2100, description="Tahun anggaran.")]
SkpdFilter = Annotated[
    str | None, Query(pattern=SKPD_PATTERN, description="Kode SKPD 22 karakter; tanpa ini seluruh kota.")
]
Month = Annotated[int | None, Query(ge=1, le=12, description="Bulan 1 sampai 12; tanpa ini setahun penuh.")]

_LINES = select(
    *(column for column in lines.columns if column is not lines.c.key),
    ledger.RELEASED,
    ledger.REQUESTED,
    ledger.REALISED,
)
_LINE_LIST = Listing(
    "/v1/dpa",
    _LINES.where(
        given(lines.c.skpd_code, "skpd"),
        given(lines.c.year, "year"),
        beneath(lines.c.account_code, "account"),
        beneath(lines.c.sub_activity_code, "sub_activity"),
    ).order_by(lines.c.key),
)
_LINE = Prepared(_LINES.where(lines.c.id == bindparam("id")))
_PLANS = Prepared(
    select(lines.c.cash_plan_idr).where(given(lines.c.skpd_code, "skpd"), lines.c.year == bindparam("year"))
)
_BUDGET = Prepared(
    select(func.coalesce(func.sum(lines.c.amount_idr), 0).label("total")).where(
        given(lines.c.skpd_code, "skpd"), lines.c.year == bindparam("year")
    )
)
_PAID = Prepared(
    select(
        documents.c.month,
        documents.c.kind,
        func.count().label("documents"),
        func.sum(documents.c.amount_idr).label("gross_idr"),
        func.sum(documents.c.deductions_idr).label("deductions_idr"),
    )
    .where(
        documents.c.type == "SP2D",
        LIVING,
        documents.c.year == bindparam("year"),
        given(documents.c.skpd_code, "skpd"),
    )
    .group_by(documents.c.month, documents.c.kind)
)
_RELEASED = Prepared(
    select(func.coalesce(func.sum(documents.c.amount_idr), 0).label("total")).where(
        documents.c.type == "SPD",
        LIVING,
        documents.c.year == bindparam("year"),
        documents.c.month <= bindparam("until", type_=Integer()),
        given(documents.c.skpd_code, "skpd"),
    )
)
SPENDING = ("LS", "GU", "TU")
"""Kinds of payment that are realisation; a UP is a float."""


@router.get(
    "/v1/dpa",
    response_model=SpringPage[BudgetLine],
    summary="Daftar baris DPA",
    description="Setiap baris adalah satu sub kegiatan dan satu rekening dari satu SKPD, dengan anggaran kas bulanan "
    "dan jumlah SPD (`released_idr`), SPP (`requested_idr`), dan SP2D (`realised_idr`) yang masih berlaku. "
    "`account` dan `sub_activity` juga menerima kode induk: `5.1.02` berarti semua rekening di bawahnya.",
)
async def list_lines(
    call: Reader,
    skpd: SkpdFilter = None,
    account: Annotated[
        str | None, Query(pattern=r"^[1-8](\.[0-9]{1,4}){0,5}$", description="Kode rekening atau induknya.")
    ] = None,
    sub_activity: Annotated[
        str | None,
        Query(pattern=r"^[1-8](\.[0-9]{1,4}){0,5}$", description="Kode sub kegiatan, kegiatan, atau program."),
    ] = None,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="Tahun anggaran.")] = None,
    page: PageNumber = 0,
    size: PageSize = 20,
) -> JSONResponse:
    """List DPA lines."""
    filters = {"skpd": skpd, "account": account, "sub_activity": sub_activity, "year": year}
    return await _LINE_LIST.page(call, page, size, filters)


@router.get(
    "/v1/dpa/{line_id}",
    response_model=BudgetLine,
    responses=documented(404),
    summary="Satu baris DPA",
    description="`line_id` adalah `<sub kegiatan>.<rekening>@<SKPD>`.",
)
async def read_line(
    call: Reader, line_id: Annotated[str, Path(max_length=80, description="`id` dari daftar DPA.")]
) -> Response:
    """Read one DPA line."""
    row = await call.db.first(_LINE, id=line_id)
    if row is None:
        raise Problem(404, "dpa_line_not_found", _("There is no budget line {id}.", id=line_id))
    return one(call, row)


@router.get(
    "/v1/cash-plan",
    response_model=CashPlan,
    responses=documented(404),
    summary="Anggaran kas (RAK) per bulan",
    description="Rencana penarikan Januari sampai Desember, dijumlahkan dari baris-baris DPA.",
)
async def read_cash_plan(call: Reader, year: Year, skpd: SkpdFilter = None) -> Response:
    """Read the cash plan of an SKPD or of the city."""
    await _require_skpd(call, skpd)
    plans = [row["cash_plan_idr"] for row in await call.db.all(_PLANS, skpd=skpd, year=year)]
    months = [{"month": month, "planned_idr": sum(plan[month - 1] for plan in plans)} for month in range(1, 13)]
    total = sum(month["planned_idr"] for month in months)
    return one(call, {"skpd_code": skpd, "year": year, "total_idr": total, "months": months})


@router.get(
    "/v1/realisation",
    response_model=Realisation,
    responses=documented(404),
    summary="Realisasi belanja dari SP2D",
    description="Jumlah SP2D jenis LS, GU, dan TU yang tidak dibatalkan, menurut bulan SP2D: bruto (`gross_idr`), "
    "potongan, dan netto. `period` adalah bulan yang diminta (atau setahun penuh), `to_date` sejak Januari. "
    "UP bukan belanja, melainkan uang muka: jumlahnya di `float_idr`. Pakai `If-None-Match` agar bacaan yang "
    "tidak berubah dijawab 304.",
)
async def read_realisation(call: Reader, year: Year, skpd: SkpdFilter = None, month: Month = None) -> Response:
    """Read how much of the budget has been spent."""
    await _require_skpd(call, skpd)
    until = month or 12
    paid = [row for row in await call.db.all(_PAID, skpd=skpd, year=year) if row["month"] <= until]
    spent = [row for row in paid if row["kind"] in SPENDING]
    period = spent if month is None else [row for row in spent if row["month"] == month]
    body = {
        "skpd_code": skpd,
        "year": year,
        "month": month,
        "budget_idr": await call.db.scalar(_BUDGET, skpd=skpd, year=year),
        "released_idr": await call.db.scalar(_RELEASED, skpd=skpd, year=year, until=until),
        "period": _sums(period),
        "to_date": _sums(spent),
        "period_by_kind": {kind: _sums(row for row in period if row["kind"] == kind) for kind in SPENDING},
        "float_idr": sum(row["gross_idr"] for row in paid if row["kind"] == "UP"),
    }
    return one(call, body)


async def _require_skpd(call: Call, code: str | None) -> None:
    if code is not None and await ledger.agency(call.db, code) is None:
        raise Problem(404, "skpd_not_found", _("There is no SKPD with code {code}.", code=code))


def _sums(rows: Iterable[Record]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update({name: row[name] for name in ("documents", "gross_idr", "deductions_idr")})
    gross, withheld = total["gross_idr"], total["deductions_idr"]
    return {
        "documents": total["documents"],
        "gross_idr": gross,
        "deductions_idr": withheld,
        "net_idr": gross - withheld,
    }
