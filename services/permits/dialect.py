"""The OSS dialect, `/oss/{method}`: envelopes over the same state as the clean API (PIA 4.3.22).

Kept as the real one is: every call is a POST, business errors come with HTTP 200, `kode` is now a number and now a
string, and the envelopes do not agree on their own names. What is no envelope at all, the gateway refuses with a
problem, as it would anywhere.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from services.kit.access import Allow, Call
from services.kit.language import Text, catalogue
from services.kit.problems import Problem
from services.permits import dialect_shapes as shapes
from services.permits import records
from services.permits.dialect_data import license_data, nib_data
from services.permits.rules import REASONS, STATUSES, reasons_for

_ = catalogue(__file__)

router = APIRouter(prefix="/oss", tags=["Dialek OSS"])

Reading = Annotated[Call, Depends(Allow("permits:read"))]
Deciding = Annotated[Call, Depends(Allow("permits:decide"))]

_METHOD = re.compile(r"[A-Za-z]{1,40}")
_NIB = re.compile(r"[0-9]{13}")
_MOMENT = "%Y-%m-%d %H:%M:%S"
_SUCCESS = "Sukses"


@router.post(
    "/inqueryNIB",
    summary="inqueryNIB: data satu NIB",
    description='Sukses: `kode` angka 200. Galat bisnis: HTTP 200 dengan `kode` teks, misalnya "404".',
    response_model=shapes.ResponInqueryNib,
)
async def inquery_nib(call: Reading, body: shapes.InqueryNib) -> JSONResponse:
    """Show a business the way OSS does."""
    nib = body.wanted.nib
    if not _NIB.fullmatch(nib):
        return _respon("inqueryNIB", "400", call, _("A NIB has 13 digits."))
    try:
        business = await records.business_of(call.db, nib)
    except Problem as problem:
        return _respon("inqueryNIB", "404", call, problem.detail)
    data = nib_data(business, await records.applications_of(call.db, nib))
    return JSONResponse({"responinqueryNIB": {"kode": 200, "keterangan": _SUCCESS, "dataNIB": data}})


@router.post(
    "/inqueryLicense",
    summary="inqueryLicense: data dan status satu izin",
    description="Amplopnya `dataLicense` dengan `success`, `code`, dan `message`: berbeda dari layanan lainnya.",
    response_model=shapes.DataLicense,
)
async def inquery_license(call: Reading, body: shapes.InqueryLicense) -> JSONResponse:
    """Show an application the way OSS does, with its checklist and its list of statuses."""
    try:
        application = await records.application_with_license(call.db, body.wanted.id_izin)
    except Problem as problem:
        message = problem.detail.render(call.language)
        meta = [{"message": message, "field": "id_izin"}]
        refused = {"success": False, "code": 404, "message": message, "data": None, "meta": meta}
        return JSONResponse({"dataLicense": refused})
    business = await records.business_of(call.db, application["nib"])
    data = license_data(application, business, await records.history_of(call.db, application["id"]))
    shown = {"success": True, "code": 200, "message": _SUCCESS, "data": data, "meta": None}
    return JSONResponse({"dataLicense": shown})


@router.post(
    "/checkLicenseStatus",
    summary="checkLicenseStatus: status sekarang satu izin",
    description="Jawabannya bernama `responsecheckStatusLicense`: memang demikian ejaannya.",
    response_model=shapes.ResponseCheckStatusLicense,
)
async def check_license_status(call: Reading, body: shapes.CheckLicenseStatus) -> JSONResponse:
    """Show an application's present status the way OSS does."""
    id_izin = body.wanted.id_izin
    try:
        application = await records.application_with_license(call.db, id_izin)
    except Problem as problem:
        refused = {"kode": 404, "keterangan": problem.detail.render(call.language), "dataIZIN": {"id_izin": ""}}
        return JSONResponse({"responsecheckStatusLicense": refused})
    data = {
        "nib": application["nib"],
        "id_izin": id_izin,
        "kd_status": application["status"],
        "uraian_status": STATUSES[application["status"]].name,
    }
    shown = {"kode": "200", "keterangan": _SUCCESS, "dataIZIN": data}
    return JSONResponse({"responsecheckStatusLicense": shown})


@router.post(
    "/receiveLicenseStatus",
    summary="receiveLicenseStatus: kirim status izin",
    description='Urutan status yang sah sama dengan API bersih. Sukses: `kode` teks "200"; galat: `kode` angka.',
    response_model=shapes.ResponReceiveLicenseStatus,
)
async def receive_license_status(call: Deciding, body: shapes.ReceiveLicenseStatus) -> JSONResponse:
    """Take a status that the region pushes: the same decision as in the clean API, in other clothes."""
    pushed = body.pushed
    wrong = _wrong_with(pushed)
    if wrong is not None:
        return _respon("receiveLicenseStatus", 400, call, wrong)
    try:
        application = await records.application_with_license(call.db, pushed.id_izin)
        if application["nib"] != pushed.nib:
            return _respon("receiveLicenseStatus", 400, call, _("This id_izin belongs to another NIB."))
        await records.decide(call, application, _decision(pushed))
    except Problem as problem:
        return _respon("receiveLicenseStatus", _KODE[problem.status], call, problem.detail)
    return _respon("receiveLicenseStatus", "200", call, None)


_KODE: Mapping[int, int] = {404: 404, 409: 500, 412: 500, 422: 400}
"""Lampiran 9 by HTTP status: an illegal step is 500 (proses payload gagal), a missing reason 400 (parameter salah)."""


def _wrong_with(pushed: shapes.PushedStatus) -> Text | None:
    if pushed.kd_status not in STATUSES:
        return _("This kd_status is not in Lampiran 10.")
    try:
        datetime.strptime(pushed.tgl_status, _MOMENT)  # noqa: DTZ007 - OSS sends no offset, and only the form matters
    except ValueError:
        return _("The form of tgl_status is YYYY-MM-DD HH:II:SS.")
    return None


def _decision(pushed: shapes.PushedStatus) -> records.Decision:
    """Read `keterangan`: for statuses with published reasons it begins with one, as `code: sentence`."""
    code, colon, sentence = pushed.keterangan.partition(":")
    if colon and code.strip() in REASONS and reasons_for(pushed.kd_status):
        return records.Decision(pushed.kd_status, code.strip(), sentence.strip() or None)
    return records.Decision(pushed.kd_status, None, pushed.keterangan.strip() or None)


@router.post("/{method}", include_in_schema=False)
async def unknown_method(call: Reading, method: str) -> JSONResponse:
    """Answer for every method of OSS that the lab does not play."""
    name = method if _METHOD.fullmatch(method) else ""
    return _respon(name, "404", call, _("This service does not exist."))


def _respon(method: str, kode: int | str, call: Call, text: Text | None) -> JSONResponse:
    keterangan = text.render(call.language) if text else _SUCCESS
    return JSONResponse({f"respon{method}": {"kode": kode, "keterangan": keterangan, "dataNIB": {}}})
