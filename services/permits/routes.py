"""The clean API, `/v1`. Summaries and descriptions are read by participants, in Bahasa Indonesia."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse

from services.kit.access import Allow, Call
from services.kit.paging import Cursor, Limit, cursor_page, key_of
from services.kit.problems import documented
from services.kit.store import Record
from services.permits import records, schemas
from services.permits.deadlines import WORKING_DAYS
from services.permits.risks import RISK_NAMES, TABLE_YEAR, assess
from services.permits.rules import REASONS, STATUSES, allowed

router = APIRouter(prefix="/v1")

Reading = Annotated[Call, Depends(Allow("permits:read"))]
Deciding = Annotated[Call, Depends(Allow("permits:decide"))]
ApplicationId = Annotated[str, Path(description="Nomor permohonan, misalnya PMH-000123.")]

_ETAG_HEADER = {"ETag": {"description": "Versi permohonan; kirim kembali di If-Match.", "schema": {"type": "string"}}}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Tidak berubah sejak ETag yang Anda kirim."}}


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "status_name": STATUSES[row["status"]].name}


@router.get(
    "/businesses",
    tags=["Pelaku usaha"],
    summary="Daftar pelaku usaha",
    description="Urut NIB, per halaman, tanpa data pribadi.",
    response_model=schemas.BusinessPage,
)
async def list_businesses(
    call: Reading,
    limit: Limit = 100,
    cursor: Cursor = None,
    kbli: schemas.KbliFilter = None,
    kbli_year: Annotated[int | None, Query(ge=1900, le=9999, description="Tahun KBLI: 2020 atau 2025.")] = None,
    scale: schemas.ScaleFilter = None,
    risk: schemas.RiskFilter = None,
    status: schemas.NibStatusFilter = None,
) -> Response:
    """List businesses by NIB."""
    filters = {"kbli": kbli, "kbli_year": kbli_year, "scale": scale, "risk": risk, "status": status}
    after = key_of(cursor, filters)
    rows = await records.list_businesses(call.db, filters, after=after, count=limit + 1)
    page = cursor_page(rows, limit=limit, key="nib", path="/v1/businesses", filters=filters)
    return JSONResponse(page.body, headers=page.headers)


@router.get(
    "/businesses/{nib}",
    tags=["Pelaku usaha"],
    summary="Satu pelaku usaha",
    description="Termasuk penanggung jawab, seperti diketik pada formulir.",
    response_model=schemas.Business,
    responses=documented(404),
)
async def show_business(call: Reading, nib: Annotated[str, Path(description="NIB, 13 angka.")]) -> Response:
    """Show a business."""
    found = await records.business_of(call.db, nib)
    shown = {name: value for name, value in found.items() if not name.startswith("responsible_")}
    shown["responsible"] = {name: found[f"responsible_{name}"] for name in ("nik", "name", "role")}
    return JSONResponse(shown)


@router.get(
    "/applications",
    tags=["Permohonan"],
    summary="Daftar permohonan izin",
    description="Dari yang paling lama, per halaman, tanpa data pribadi. Antrean verifikasi: `?status=20`.",
    response_model=schemas.ApplicationPage,
)
async def list_applications(
    call: Reading,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: schemas.StatusFilter = None,
    nib: schemas.NibFilter = None,
    kbli: schemas.KbliFilter = None,
    risk: schemas.RiskFilter = None,
    submitted_from: schemas.FromFilter = None,
    submitted_to: schemas.ToFilter = None,
) -> Response:
    """List applications, oldest first."""
    filters = {
        "status": status,
        "nib": nib,
        "kbli": kbli,
        "risk": risk,
        "submitted_from": submitted_from.isoformat() if submitted_from else None,
        "submitted_to": submitted_to.isoformat() if submitted_to else None,
    }
    after = key_of(cursor, filters)
    rows = await records.list_applications(call.db, filters, after=after, count=limit + 1)
    page = cursor_page(rows, limit=limit, key="place", path="/v1/applications", filters=filters)
    listed = [_named(row) for row in page.body["data"]]
    for row in listed:
        del row["place"]
    return JSONResponse({**page.body, "data": listed}, headers=page.headers)


_APPLICANT = ("nik", "name", "sex", "birth_place", "birth_on", "address", "village_code", "phone", "email")
_APART = frozenset({*_APPLICANT, "place", "checklist"})


def _application(row: Record) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in _APART}
    shown["status_name"] = STATUSES[row["status"]].name
    shown["applicant"] = {name: row[name] for name in _APPLICANT}
    return shown


@router.get(
    "/applications/{application_id}",
    tags=["Permohonan"],
    summary="Satu permohonan izin",
    description="Data pribadi seperti diketik pemohon. `ETag` diperlukan untuk memutuskan; "
    "`If-None-Match` menghemat bacaan ulang (304).",
    response_model=schemas.Application,
    responses={200: {"headers": _ETAG_HEADER}, **_UNCHANGED, **documented(404)},
)
async def show_application(call: Reading, application_id: ApplicationId) -> Response:
    """Show an application with its entity tag."""
    found = await records.application_of(call.db, application_id)
    tag = records.tag_of(found)
    if call.has_current(tag):
        return Response(status_code=304, headers={"etag": tag})
    return JSONResponse(_application(found), headers={"etag": tag})


@router.get(
    "/applications/{application_id}/history",
    tags=["Permohonan"],
    summary="Riwayat permohonan",
    description="Setiap langkah: status, kapan (jam sandbox), oleh siapa, dan alasannya.",
    response_model=schemas.Steps,
    responses=documented(404),
)
async def show_history(call: Reading, application_id: ApplicationId) -> Response:
    """Show the steps of an application."""
    await records.application_of(call.db, application_id)
    steps = await records.history_of(call.db, application_id)
    return JSONResponse({"data": [_step(step) for step in steps]})


def _step(row: Record) -> dict[str, Any]:
    return {name: value for name, value in _named(row).items() if name != "application_id"}


@router.get(
    "/applications/{application_id}/checklist",
    tags=["Permohonan"],
    summary="Daftar persyaratan permohonan",
    description="Lengkap bila semua butir yang wajib sudah dipenuhi.",
    response_model=schemas.Checklist,
    responses=documented(404),
)
async def show_checklist(call: Reading, application_id: ApplicationId) -> Response:
    """Show what an application must contain."""
    return JSONResponse({"data": (await records.application_of(call.db, application_id))["checklist"]})


@router.get(
    "/applications/{application_id}/sla",
    tags=["Permohonan"],
    summary="Waktu layanan permohonan",
    description="Hari kerja yang terpakai. Berjalan di 20, jeda di 41, lanjut di 42, diulang di 43 dan 44.",
    response_model=schemas.ServiceTime,
    responses=documented(404),
)
async def show_service_time(call: Reading, application_id: ApplicationId) -> Response:
    """Show how much of its service time an application has used."""
    found = await records.application_of(call.db, application_id)
    now = call.now
    read = records.deadline_of(found, await records.history_of(call.db, application_id), now)
    return JSONResponse(
        {
            "state": read.state,
            "limit_working_days": read.limit,
            "used_working_days": read.used,
            "due_on": read.due_on.isoformat() if read.due_on else None,
            "overdue": read.overdue,
            "as_of": now.isoformat(timespec="seconds"),
        }
    )


@router.post(
    "/applications/{application_id}/decisions",
    tags=["Keputusan"],
    summary="Putuskan permohonan",
    description="Perlu `If-Match` berisi ETag permohonan yang terakhir dibaca. Keputusan baru dijawab 201; keputusan "
    "yang sama dengan keadaan sekarang (status dan alasan sama) dijawab 200 tanpa mengubah apa pun. "
    "`Idempotency-Key` boleh dikirim, agar percobaan ulang mendapat jawaban pertama.",
    status_code=201,
    response_model=schemas.Decision,
    responses={
        200: {"description": "Sudah demikian; tidak ada yang berubah.", "model": schemas.Decision},
        201: {"headers": _ETAG_HEADER},
        **documented(404, 409, 412, 428),
    },
    openapi_extra={
        "parameters": [
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "ETag permohonan.",
                "schema": {"type": "string"},
                "example": '"v3-PMH-000123"',
            }
        ]
    },
)
async def decide(call: Deciding, application_id: ApplicationId, decision: schemas.NewDecision) -> Response:
    """Write a decision on an application."""
    found = await records.application_of(call.db, application_id)
    call.require_current(records.tag_of(found))
    wanted = records.Decision(decision.status, decision.reason_code, decision.reason)
    decided = await records.decide(call, found, wanted)
    body = {**_named(decided.step), "version": decided.application["version"]}
    headers = {"etag": records.tag_of(decided.application), "location": f"/v1/applications/{application_id}/history"}
    return JSONResponse(body, 201 if decided.is_new else 200, headers)


@router.get(
    "/risks",
    tags=["Acuan"],
    summary="Tingkat risiko sebuah kegiatan usaha",
    description="Risiko bergantung pada kode KBLI **dan** skala usaha. Tabelnya KBLI 2020.",
    response_model=schemas.RiskAnswer,
    responses=documented(404),
)
async def show_risk(
    _call: Reading,
    kbli: Annotated[str, Query(pattern=schemas.KBLI_PATTERN, description="Kode KBLI, 5 angka.")],
    scale: Annotated[schemas.Scale, Query(description="01 mikro, 02 kecil, 03 menengah, 04 besar.")],
    kbli_year: Annotated[int, Query(ge=1900, le=9999, description="Tahun KBLI dari kode ini.")] = TABLE_YEAR,
) -> Response:
    """Show the risk of a field of business at a scale."""
    found = assess(kbli, scale, kbli_year)
    return JSONResponse(
        {
            "kbli": found.field.kbli,
            "title": found.field.title,
            "kbli_year": kbli_year,
            "scale": found.scale,
            "scale_name": found.scale_name,
            "risk": found.risk,
            "risk_name": RISK_NAMES[found.risk],
            "permit_kind": found.permit_kind,
            "office_verifies": found.office_verifies,
            "limit_working_days": WORKING_DAYS[found.risk],
        }
    )


@router.get(
    "/reference/reasons",
    tags=["Acuan"],
    summary="Aturan kantor: alasan keputusan",
    description="Setiap alasan milik tepat satu status. Untuk antrean 20, periksa menurut `order`: yang pertama "
    "berlaku menentukan.",
    response_model=schemas.ReferenceReasons,
)
async def list_reasons(_call: Reading) -> Response:
    """List the published reasons."""
    data = [
        {
            "order": reason.order,
            "reason_code": reason.code,
            "status": reason.status,
            "status_name": STATUSES[reason.status].name,
            "title": reason.title,
            "applies": reason.applies,
            "response_code": reason.response_code,
        }
        for reason in REASONS.values()
    ]
    return JSONResponse({"data": data})


@router.get(
    "/reference/statuses",
    tags=["Acuan"],
    summary="Status permohonan dan kelanjutannya",
    description="Kode status OSS (Lampiran 10), status yang boleh menyusul, dan akibatnya pada jam SLA.",
    response_model=schemas.ReferenceStatuses,
)
async def list_statuses(_call: Reading) -> Response:
    """List the status codes with what may follow."""
    data = [
        {
            "status": status.code,
            "status_name": status.name,
            "following": list(status.following),
            "following_when_overdue": list(allowed(status.code, overdue=True)),
            "clock": status.clock,
        }
        for status in STATUSES.values()
    ]
    return JSONResponse({"data": data})
