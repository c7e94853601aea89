"""Retribution bills: made, read, and paid in full before they expire."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse
from sqlalchemy import String, and_, bindparam, or_, select

from services.finance import billing, cashier, records
from services.finance.billing import BillStatus
from services.finance.routes.answering import Listing, given, made, one, tag
from services.finance.schemas import SKPD_PATTERN, Bill, BillIn, PaymentIn, SpringPage
from services.finance.tables import bills
from services.kit.access import Allow, Call
from services.kit.language import catalogue
from services.kit.paging import PageNumber, PageSize
from services.kit.problems import Problem, documented
from services.kit.store import Record

_ = catalogue(__file__)

router = APIRouter(tags=["Retribusi"])

Biller = Annotated[Call, Depends(Allow("finance:billing"))]
BillWriter = Annotated[Call, Depends(Allow("finance:billing", idempotent=True))]
BillId = Annotated[str, Path(max_length=15, description="Kode billing, 15 angka.")]

_status, _oldest = bindparam("status", type_=String()), bindparam("oldest", type_=String())
_LIST = Listing(
    "/v1/bills",
    select(bills)
    .where(
        given(bills.c.skpd_code, "skpd"),
        or_(
            _status.is_(None),
            and_(_status == "paid", bills.c.paid_at.is_not(None)),
            and_(_status == "unpaid", bills.c.paid_at.is_(None), bills.c.due_on >= _oldest),
            and_(_status == "expired", bills.c.paid_at.is_(None), bills.c.due_on < _oldest),
        ),
    )
    .order_by(bills.c.issued_on, bills.c.billing_code),
)


@router.get(
    "/v1/bills",
    response_model=SpringPage[Bill],
    summary="Daftar tagihan retribusi",
    description="`status` mengikuti jam sandbox: setelah `due_on` ada denda 1% setiap 30 hari penuh, dan setelah "
    "`expires_on` kode billing tidak berlaku lagi (`expired`).",
)
async def list_bills(
    call: Biller,
    skpd: Annotated[str | None, Query(pattern=SKPD_PATTERN, description="Kode SKPD pemungut.")] = None,
    status: Annotated[BillStatus | None, Query(description="unpaid, paid, atau expired.")] = None,
    page: PageNumber = 0,
    size: PageSize = 20,
) -> JSONResponse:
    """List bills."""
    today = call.now.date()
    oldest = today - timedelta(days=billing.EXPIRES_AFTER)
    return await _LIST.page(
        call,
        page,
        size,
        {"skpd": skpd, "status": status},
        shape=lambda row: records.bill(row, today),
        oldest=oldest.isoformat(),
    )


@router.get(
    "/v1/bills/{bill_id}",
    response_model=Bill,
    responses=documented(404),
    summary="Satu tagihan retribusi",
    description="Menurut kode billing.",
)
async def read_bill(call: Biller, bill_id: BillId) -> Response:
    """Read one bill."""
    return one(call, records.bill(await _found(call, bill_id), call.now.date()))


@router.post(
    "/v1/bills",
    status_code=201,
    response_model=Bill,
    summary="Buat tagihan retribusi",
    description="Wajib `Idempotency-Key`: satu kunci untuk satu tagihan, sama pada setiap pengulangan. Isi salah satu "
    "dari `payer_nik` (orang) atau `payer_nib` (usaha).",
)
async def create_bill(call: BillWriter, body: BillIn) -> JSONResponse:
    """Make a bill."""
    code = await cashier.bill(call.db, call.now.date(), body)
    return made(f"/v1/bills/{code}", records.bill(await _found(call, code), call.now.date()))


@router.post(
    "/v1/bills/{bill_id}/payments",
    status_code=201,
    response_model=Bill,
    responses=documented(404, 409),
    summary="Bayar tagihan",
    description="Seluruh `total_idr` sekaligus, denda ikut, paling lambat pada `expires_on`. Wajib `Idempotency-Key`. "
    "Jawabannya tagihan yang sudah lunas.",
)
async def pay_bill(call: BillWriter, bill_id: BillId, body: PaymentIn) -> JSONResponse:
    """Pay a bill."""
    await cashier.settle(call.db, call.now, await _found(call, bill_id), body.amount_idr, body.reference)
    paid = records.bill(await _found(call, bill_id), call.now.date())
    return JSONResponse(paid, 201, headers={"etag": tag(paid)})


async def _found(call: Call, bill_id: str) -> Record:
    row = await cashier.bill_row(call.db, bill_id)
    if row is None:
        raise Problem(404, "bill_not_found", _("There is no bill with code {code}.", code=bill_id))
    return row
