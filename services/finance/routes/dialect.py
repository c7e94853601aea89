"""The SIPD dialect over the same state: paged rows with messy cells, and a push that always says 200."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Integer, Select, bindparam, func, select

from services.finance import ledger, rules, sipd, sipd_schemas, spellings, treasury
from services.finance.routes.answering import Reader, given
from services.finance.tables import accounts, documents, lines, programmes, skpd
from services.kit.access import Allow, Call
from services.kit.language import Text, catalogue
from services.kit.paging import MAX_LIMIT
from services.kit.problems import Problem, documented
from services.kit.store import Prepared, Session

_ = catalogue(__file__)

router = APIRouter(prefix="/sipd", tags=["Dialek SIPD"])

Pusher = Annotated[Call, Depends(Allow("finance:treasury"))]
PageFromOne = Annotated[int, Query(ge=1, le=1_000_000, description="Halaman, mulai dari 1.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Baris per halaman.")]

_WINDOW = {"limit": bindparam("limit", type_=Integer()), "offset": bindparam("offset", type_=Integer())}


def _window(query: Select[tuple[object, ...]]) -> Prepared:
    return Prepared(query.limit(_WINDOW["limit"]).offset(_WINDOW["offset"]))


_SPM = documents.alias("spm")
_LINES = _window(select(lines).where(given(lines.c.skpd_code, "skpd")).order_by(lines.c.key))
_LINE_COUNT = Prepared(select(func.count().label("total")).select_from(lines).where(given(lines.c.skpd_code, "skpd")))
_PAYMENTS = _window(
    select(documents, _SPM.c.number.label("spm_number"))
    .select_from(documents.join(_SPM, _SPM.c.key == documents.c.parent_key))
    .where(documents.c.type == "SP2D")
    .order_by(documents.c.key)
)
_PAYMENT_COUNT = Prepared(select(func.count().label("total")).select_from(documents).where(documents.c.type == "SP2D"))
_NAMES = tuple(Prepared(select(table.c.code, table.c.name)) for table in (skpd, programmes, accounts))
_SKPD_CODES = Prepared(select(lines.c.skpd_code, lines.c.year).distinct())


async def _names(db: Session) -> dict[str, str]:
    return {row["code"]: row["name"] for query in _NAMES for row in await db.all(query)}


@router.get(
    "/referensi/strict/dpa/penarikan/belanja",
    response_model=sipd_schemas.BudgetPage,
    summary="Baris DPA gaya SIPD",
    description="Sel `nama_…` berisi kode, spasi, lalu nama, kadang dengan karakter U+FFFD yang tersesat; rupiah "
    "ditulis dalam tiga cara; sebagian sub kegiatan masih berkode dua angka. Nomor `id_…` berganti setiap tahun.",
)
async def list_budget(call: Reader, page: PageFromOne = 1, limit: Limit = 10) -> JSONResponse:
    """List DPA lines as SIPD does."""
    return await _budget(call, None, page, limit)


@router.get(
    "/referensi/strict/dpa/penarikan/belanja/skpd/{skpd_id}",
    response_model=sipd_schemas.BudgetPage,
    responses=documented(404),
    summary="Baris DPA satu SKPD gaya SIPD",
    description="`skpd_id` adalah `id_skpd` dari daftar semua baris.",
)
async def list_budget_of(
    call: Reader,
    skpd_id: Annotated[int, Path(ge=1, le=2**53, description="`id_skpd` tahun itu.")],
    page: PageFromOne = 1,
    limit: Limit = 10,
) -> JSONResponse:
    """List one SKPD's DPA lines as SIPD does."""
    for row in await call.db.all(_SKPD_CODES):
        if sipd.numeric_id(row["year"], row["skpd_code"]) == skpd_id:
            return await _budget(call, row["skpd_code"], page, limit)
    raise Problem(404, "skpd_not_found", _("There is no SKPD with code {code}.", code=skpd_id))


async def _budget(call: Call, code: str | None, page: int, limit: int) -> JSONResponse:
    names = await _names(call.db)
    offset = call.first_row(page - 1, limit)
    found = await call.db.all(_LINES, skpd=code, limit=limit, offset=offset)
    total = await call.db.scalar(_LINE_COUNT, skpd=code)
    rows = [sipd.budget_row(row, names) for row in found]
    return JSONResponse(sipd.page_answer(rows, page=page, limit=limit, total=total))


@router.get(
    "/ekspor/sp2d",
    response_model=sipd_schemas.PaymentPage,
    summary="Register SP2D seperti lembar kerja",
    description="Semua SP2D, yang batal pun ada, dengan tanggal dan rupiah dalam berbagai tulisan.",
)
async def list_payments(call: Reader, page: PageFromOne = 1, limit: Limit = 10) -> JSONResponse:
    """List SP2D as an export for a spreadsheet does."""
    names = await _names(call.db)
    offset = call.first_row(page - 1, limit)
    found = await call.db.all(_PAYMENTS, limit=limit, offset=offset)
    total = await call.db.scalar(_PAYMENT_COUNT)
    rows = [sipd.payment_row(row, names) for row in found]
    return JSONResponse(sipd.page_answer(rows, page=page, limit=limit, total=total))


@router.post(
    "/push/sp2d",
    response_model=sipd_schemas.PushAnswer,
    summary="Push SP2D gaya SIPD",
    description="Menerbitkan SP2D untuk beberapa SPM sekaligus. **Jawabannya selalu HTTP 200 dan `success: true`**: "
    "baris yang ditolak hanya tampak di `log`, pada baris yang diawali `ERROR:`. Baris lain tetap diterbitkan.",
)
async def push_payments(call: Pusher, body: sipd_schemas.PushIn) -> JSONResponse:
    """Issue SP2D for several SPM, as a push to SIPD does."""
    log = []
    for number, row in enumerate(body.data, start=1):
        try:
            told = await _pushed(call, number, row)
        except Problem as problem:
            told = _("ERROR: row {row}: [{code}] {reason}", row=number, **_reason(problem, call.language))
        log.append(told.render(call.language))
    return JSONResponse(sipd.push_answer(log))


def _reason(problem: Problem, language: str) -> dict[str, object]:
    error = problem.errors[0] if problem.status == 422 else problem
    return {"code": error.code, "reason": error.detail.render(language)}


async def _pushed(call: Call, number: int, row: sipd_schemas.PushRow) -> Text:
    today = call.now.date()
    gross, withheld = _read_rupiah("nilai_bruto", row.nilai_bruto), _read_rupiah("nilai_potongan", row.nilai_potongan)
    _require_today(row.tanggal_sp2d, today)
    spm = await ledger.document_numbered(call.db, "SPM", row.nomor_spm)
    if spm is not None and spm["amount_idr"] != gross:
        text = _("The SPM is over {amount_idr} rupiah.", amount_idr=spm["amount_idr"])
        raise rules.invalid("nilai_bruto", "amount_mismatch", text)
    id_ = await treasury.pay(call.db, today, spm, deductions_idr=withheld)
    issued = await ledger.document(call.db, "SP2D", id_)
    issued_number = issued["number"] if issued else ""
    return _(
        "INFO: row {row}: SP2D {number} was issued for SPM {spm}.", row=number, number=issued_number, spm=row.nomor_spm
    )


def _line(text: str) -> str:
    """Keep typed text on one line of the log."""
    return " ".join(text.split())


def _read_rupiah(name: str, text: str) -> int:
    try:
        return spellings.read_rupiah(text)
    except spellings.UnreadableSpelling as error:
        detail = _("{name} cannot be read as whole rupiah: {text}", name=name, text=_line(text))
        raise rules.invalid(name, "amount_unreadable", detail) from error


def _require_today(text: str, today: date) -> None:
    try:
        given_day = spellings.read_day(text)
    except spellings.UnreadableSpelling as error:
        detail = _("tanggal_sp2d cannot be read as a date: {text}", text=_line(text))
        raise rules.invalid("tanggal_sp2d", "date_unreadable", detail) from error
    if given_day != today:
        detail = _("An SP2D bears the day on which it is issued, {today}.", today=today.isoformat())
        raise rules.invalid("tanggal_sp2d", "date_not_today", detail)
