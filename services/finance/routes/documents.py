"""Treasury documents: SPD, SPP, SPM and SP2D, each read, made as the next of the chain, and cancelled."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse
from sqlalchemy import select

from services.finance import ledger, records, schemas, treasury
from services.finance.routes.answering import Listing, Reader, given, made, one, tag
from services.finance.rules import Charge, DocumentType, key_of
from services.finance.tables import documents
from services.kit.access import Allow, Call
from services.kit.language import catalogue
from services.kit.paging import PageNumber, PageSize
from services.kit.problems import Problem, documented
from services.kit.store import Record

_ = catalogue(__file__)

router = APIRouter(tags=["Dokumen penatausahaan"])

SkpdWriter = Annotated[Call, Depends(Allow("finance:write", idempotent=True))]
TreasuryWriter = Annotated[Call, Depends(Allow("finance:treasury", idempotent=True))]
SkpdChanger = Annotated[Call, Depends(Allow("finance:write"))]

Id = Annotated[str, Path(max_length=40, description="`id` dokumen; bukan nomornya, karena nomor memuat garis miring.")]
SkpdFilter = Annotated[str | None, Query(pattern=schemas.SKPD_PATTERN, description="Kode SKPD 22 karakter.")]
Kind = Annotated[Literal["UP", "GU", "TU", "LS"] | None, Query(description="Jenis pembayaran. SPD tidak punya jenis.")]
Status = Annotated[
    Literal["draft", "approved", "issued", "cancelled"] | None,
    Query(description="SPP: draft, approved, cancelled. SPD, SPM, SP2D: issued, cancelled."),
]
Year = Annotated[int | None, Query(ge=2000, le=2100, description="Tahun dokumen.")]
Month = Annotated[int | None, Query(ge=1, le=12, description="Bulan dokumen.")]
Number = Annotated[str | None, Query(max_length=80, description="Nomor dokumen, persis.")]
Parent = Annotated[
    str | None, Query(max_length=40, description="`id` dokumen sebelumnya: SPP dari SPM, SPM dari SP2D.")
]


@dataclass(frozen=True, slots=True)
class Face:
    """How one type of document is shown.

    Attributes:
        scope: what cancelling one needs.
    """

    document: DocumentType
    row: type[schemas.DocumentRow]
    full: type[schemas.DocumentRow]
    scope: str
    about: str


FACES = (
    Face(
        "SPD", schemas.SpdRow, schemas.Spd, "finance:treasury", "Surat Penyediaan Dana: dana DPA yang disediakan BUD."
    ),
    Face("SPP", schemas.SppRow, schemas.Spp, "finance:write", "Surat Permintaan Pembayaran dari SKPD."),
    Face("SPM", schemas.SpmRow, schemas.Spm, "finance:write", "Surat Perintah Membayar atas SPP yang disetujui."),
    Face("SP2D", schemas.Sp2d, schemas.Sp2d, "finance:treasury", "Surat Perintah Pencairan Dana dari BUD."),
)


def _serve(face: Face) -> None:
    """Put the routes that all four types share on the router."""
    base = f"/v1/{face.document.lower()}"
    listing = Listing(
        base,
        select(documents)
        .where(
            documents.c.type == face.document,
            given(documents.c.skpd_code, "skpd"),
            given(documents.c.kind, "kind"),
            given(documents.c.status, "status"),
            given(documents.c.year, "year"),
            given(documents.c.month, "month"),
            given(documents.c.number, "number"),
            given(documents.c.parent_key, "parent_key"),
        )
        .order_by(documents.c.key),
    )

    @router.get(
        base,
        response_model=schemas.SpringPage[face.row],  # type: ignore[name-defined] # a shape known at run time
        summary=f"Daftar {face.document}",
        description=f"{face.about} Cari satu dokumen menurut nomornya dengan `number`.",
        operation_id=f"list_{face.document.lower()}",
    )
    async def list_documents(
        call: Reader,
        skpd: SkpdFilter = None,
        kind: Kind = None,
        status: Status = None,
        year: Year = None,
        month: Month = None,
        number: Number = None,
        parent: Parent = None,
        page: PageNumber = 0,
        size: PageSize = 20,
    ) -> JSONResponse:
        filters = {
            "skpd": skpd,
            "kind": kind,
            "status": status,
            "year": year,
            "month": month,
            "number": number,
            "parent": parent,
        }
        key = _key_of_parent(face.document, parent)
        return await listing.page(call, page, size, filters, shape=records.document_row, parent_key=key)

    @router.get(
        base + "/{document_id}",
        response_model=face.full,
        responses=documented(404),
        summary=f"Satu {face.document}",
        description=f"{face.about} Dijawab dengan `ETag`.",
        operation_id=f"read_{face.document.lower()}",
    )
    async def read_document(call: Reader, document_id: Id) -> Response:
        return one(call, await records.document(call.db, await _found(call, face.document, document_id)))

    @router.post(
        base + "/{document_id}/cancel",
        response_model=face.full,
        responses=documented(404, 409, 412, 428),
        summary=f"Batalkan {face.document}",
        description="Wajib `If-Match` dengan `ETag` terakhir. Batalkan dulu dokumen yang bertumpu padanya.",
        operation_id=f"cancel_{face.document.lower()}",
    )
    async def cancel_document(
        call: Annotated[Call, Depends(Allow(face.scope))], document_id: Id, body: schemas.CancelIn
    ) -> JSONResponse:
        row = await _current(call, face.document, document_id)
        await treasury.cancel(call.db, call.now.date(), row, body.reason)
        return await _changed(call, face.document, document_id)


for _face in FACES:
    _serve(_face)


@router.post(
    "/v1/spd",
    status_code=201,
    response_model=schemas.Spd,
    responses=documented(409),
    summary="Terbitkan SPD (BUD)",
    description="Menyediakan dana pada baris DPA untuk satu triwulan. SPD setiap baris tidak boleh melebihi DPA.",
)
async def create_spd(call: TreasuryWriter, body: schemas.SpdIn) -> JSONResponse:
    """Issue an SPD."""
    id_ = await treasury.release(
        call.db, call.now.date(), skpd_code=body.skpd_code, quarter=body.quarter, charges=_charges(body.charges)
    )
    return await _created(call, "SPD", id_)


@router.post(
    "/v1/spp",
    status_code=201,
    response_model=schemas.Spp,
    responses=documented(409),
    summary="Buat SPP",
    description="Draf permintaan pembayaran. UP: uang muka sekali setahun, tanpa baris DPA, dengan `amount_idr`. "
    "GU: pengisian kembali UP. TU: tambahan uang. LS: langsung ke pihak ketiga atau gaji. GU, TU, dan LS membebani "
    "baris DPA, paling banyak sebesar SPD yang belum diminta SPP lain.",
)
async def create_spp(call: SkpdWriter, body: schemas.SppIn) -> JSONResponse:
    """Draft an SPP."""
    id_ = await treasury.request(
        call.db,
        call.now.date(),
        skpd_code=body.skpd_code,
        kind=body.kind,
        purpose=body.purpose,
        payee=body.payee,
        amount_idr=body.amount_idr,
        charges=_charges(body.charges),
    )
    return await _created(call, "SPP", id_)


@router.post(
    "/v1/spp/{document_id}/approve",
    response_model=schemas.Spp,
    responses=documented(404, 409, 412, 428),
    summary="Setujui SPP",
    description="Wajib `If-Match` dengan `ETag` terakhir. Hanya draf yang dapat disetujui.",
)
async def approve_spp(call: SkpdChanger, document_id: Id) -> JSONResponse:
    """Approve an SPP."""
    row = await _current(call, "SPP", document_id)
    await treasury.approve(call.db, call.now.date(), ledger.paper(row))
    return await _changed(call, "SPP", document_id)


@router.post(
    "/v1/spm",
    status_code=201,
    response_model=schemas.Spm,
    responses=documented(409),
    summary="Terbitkan SPM",
    description="Satu SPM untuk satu SPP yang sudah disetujui.",
)
async def create_spm(call: SkpdWriter, body: schemas.SpmIn) -> JSONResponse:
    """Issue an SPM."""
    return await _created(call, "SPM", await treasury.order(call.db, call.now.date(), body.spp_id))


@router.post(
    "/v1/sp2d",
    status_code=201,
    response_model=schemas.Sp2d,
    responses=documented(409),
    summary="Terbitkan SP2D (BUD)",
    description="Tepat satu SP2D untuk satu SPM. Bila sudah ada, jawabannya 409 `sp2d_already_issued` dengan alamat "
    "SP2D itu di header `Location`. Pakai `Idempotency-Key` yang sama setiap kali mengulang.",
)
async def create_sp2d(call: TreasuryWriter, body: schemas.Sp2dIn) -> JSONResponse:
    """Issue an SP2D."""
    spm = await ledger.document(call.db, "SPM", body.spm_id)
    id_ = await treasury.pay(call.db, call.now.date(), spm, deductions_idr=body.deductions_idr)
    return await _created(call, "SP2D", id_)


def _key_of_parent(type_: DocumentType, parent: str | None) -> int | None:
    """Give the key to look for: None without a filter, 0, which no document has, for an id that cannot be one."""
    if parent is None:
        return None
    before: DocumentType = "SPM" if type_ == "SP2D" else "SPP"
    return key_of(before, parent) or 0


def _charges(given_: list[schemas.ChargeIn]) -> list[Charge]:
    return [Charge(charge.budget_line_id, charge.amount_idr) for charge in given_]


async def _found(call: Call, type_: DocumentType, id_: str) -> Record:
    row = await ledger.document(call.db, type_, id_)
    if row is None:
        detail = _("There is no {type} with id {id}. Search its number with ?number=.", type=type_, id=id_)
        raise Problem(404, "document_not_found", detail)
    return row


async def _current(call: Call, type_: DocumentType, id_: str) -> Record:
    """Give the row of a document that the caller has read in its present state."""
    row = await _found(call, type_, id_)
    call.require_current(tag(await records.document(call.db, row)))
    return row


async def _created(call: Call, type_: DocumentType, id_: str) -> JSONResponse:
    return made(f"/v1/{type_.lower()}/{id_}", await records.document(call.db, await _found(call, type_, id_)))


async def _changed(call: Call, type_: DocumentType, id_: str) -> JSONResponse:
    body = await records.document(call.db, await _found(call, type_, id_))
    return JSONResponse(body, headers={"etag": tag(body)})
