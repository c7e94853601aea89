"""The population registry's clean API, under `/v1`."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse

from services.kit.access import Allow, Call
from services.kit.etags import etag
from services.kit.paging import Cursor, Limit, cursor_page, key_of
from services.kit.problems import documented
from services.population import refusals, registry, rules
from services.population.schemas import (
    Family,
    FamilyPage,
    Region,
    RegionPage,
    Resident,
    ResidentPage,
    Verification,
    VerificationResult,
)
from services.world.entities import RegionLevel, ResidentStatus
from services.world.identifiers import kk as kk_number
from services.world.identifiers import nik as nik_number

Reader = Annotated[Call, Depends(Allow("population:read"))]
RegionFilter = Annotated[
    str | None,
    Query(max_length=32, description="Kode wilayah pada tingkat apa pun, bertitik atau tidak.", examples=["76.79.90"]),
]
NameFilter = Annotated[
    str | None, Query(min_length=2, max_length=60, description="Awal nama, huruf besar atau kecil.", examples=["SITI"])
]

# The forms are only documented here: what breaks them is answered with a code of its own.
NikInPath = Annotated[
    str,
    Path(
        description="16 angka.",
        examples=["7679904101900001"],
        json_schema_extra={"pattern": f"^{nik_number.PATTERN.pattern}$"},
    ),
]
KkInPath = Annotated[
    str, Path(description="16 angka.", json_schema_extra={"pattern": f"^{kk_number.PATTERN.pattern}$"})
]
CodeInPath = Annotated[
    str,
    Path(
        description="Bertitik atau tidak.",
        examples=["76.79.90.1001"],
        json_schema_extra={"pattern": r"^[1-9][0-9](\.?[0-9]{2}(\.?[0-9]{2}(\.?[123][0-9]{3})?)?)?$"},
    ),
]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

router = APIRouter()


def _single(call: Call, record: Mapping[str, Any]) -> Response:
    """Answer with one record and its strong ETag, a hash of what is sent; 304 to whom has it already."""
    body = _encode(record).encode()
    tag = etag(hashlib.blake2b(body, digest_size=12).hexdigest())
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if call.has_current(tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _dotted(region: str | None, pointer: str) -> str | None:
    if region is None:
        return None
    code = rules.region_code(region)
    if code is None:
        raise refusals.region_code_malformed(pointer)
    return code


@router.get(
    "/v1/residents",
    summary="Daftar penduduk",
    description=(
        "Ringkasan penduduk, urut nomor catatan, dengan paging kursor. Ikuti `meta.cursor` (atau header `Link`) sampai "
        "`meta.has_more` bernilai false. Tidak ada penyaring NIK atau KK: nomor pribadi tidak boleh ada di query."
    ),
    response_model=ResidentPage,
)
async def list_residents(
    call: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
    region: RegionFilter = None,
    status: Annotated[ResidentStatus | None, Query(description="Status catatan.")] = None,
    name: NameFilter = None,
) -> JSONResponse:
    """List residents."""
    code = _dotted(region, "?region")
    begins = None if name is None else name.upper()
    filters = {"region": code, "status": status, "name": begins}
    after = key_of(cursor, filters)
    found = await registry.residents_after(call.db, after, limit + 1, region=code, status=status, name=begins)
    page = cursor_page(found, limit=limit, key="id", path="/v1/residents", filters=filters)
    return JSONResponse(page.body, headers=page.headers)


@router.get(
    "/v1/residents/{nik}",
    summary="Satu penduduk menurut NIK",
    description=(
        "Catatan lengkap, termasuk yang meninggal atau nonaktif (lihat `status`). NIK yang dimiliki lebih dari satu "
        "catatan dijawab 409 `duplicate_nik` tanpa data siapa pun."
    ),
    response_model=Resident,
    responses={304: {"description": "Belum berubah"}, **documented(404, 409)},
)
async def show_resident(call: Reader, nik: NikInPath) -> Response:
    """Show one resident."""
    found = await registry.residents_with(call.db, nik)
    if len(found) == 1:
        return _single(call, found[0])
    if found:
        raise refusals.duplicate_nik()
    faults = nik_number.faults(nik)
    raise refusals.nik_malformed(faults, "path:nik") if faults else refusals.resident_not_found()


@router.get(
    "/v1/families",
    summary="Daftar kartu keluarga",
    description="Ringkasan kartu keluarga dengan kepala keluarganya, dengan paging kursor.",
    response_model=FamilyPage,
)
async def list_families(
    call: Reader, limit: Limit = 100, cursor: Cursor = None, region: RegionFilter = None
) -> JSONResponse:
    """List family cards."""
    code = _dotted(region, "?region")
    filters = {"region": code}
    found = await registry.families_after(call.db, key_of(cursor, filters), limit + 1, region=code)
    page = cursor_page(found, limit=limit, key="id", path="/v1/families", filters=filters)
    return JSONResponse(page.body, headers=page.headers)


@router.get(
    "/v1/families/{kk}",
    summary="Satu kartu keluarga dan anggotanya",
    description="Anggota yang sudah meninggal tetap tercantum; lihat `status` tiap anggota.",
    response_model=Family,
    responses={304: {"description": "Belum berubah"}, **documented(404)},
)
async def show_family(call: Reader, kk: KkInPath) -> Response:
    """Show one family card."""
    family = await registry.family_with(call.db, kk)
    if family is not None:
        return _single(call, family)
    faults = kk_number.faults(kk)
    raise refusals.kk_malformed(faults) if faults else refusals.family_not_found()


@router.get(
    "/v1/regions",
    summary="Daftar wilayah",
    description="Provinsi, kota, kecamatan, kelurahan dan desa, urut kode.",
    response_model=RegionPage,
)
async def list_regions(
    call: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
    level: Annotated[RegionLevel | None, Query(description="Tingkat wilayah.")] = None,
    parent: Annotated[str | None, Query(max_length=32, description="Kode wilayah induk, bertitik atau tidak.")] = None,
) -> JSONResponse:
    """List regions."""
    code = _dotted(parent, "?parent")
    filters = {"level": level, "parent": code}
    found = await registry.regions_after(call.db, key_of(cursor, filters), limit + 1, level=level, parent=code)
    page = cursor_page(found, limit=limit, key="code", path="/v1/regions", filters=filters)
    return JSONResponse(page.body, headers=page.headers)


@router.get(
    "/v1/regions/{code}",
    summary="Satu wilayah",
    description="Kode boleh ditulis dengan titik (`76.79.90.1001`) atau tanpa titik (`7679901001`).",
    response_model=Region,
    responses={304: {"description": "Belum berubah"}, **documented(404)},
)
async def show_region(call: Reader, code: CodeInPath) -> Response:
    """Show one region."""
    dotted = rules.region_code(code)
    if dotted is None:
        raise refusals.region_code_malformed("path:code")
    region = await registry.region_with(call.db, dotted)
    if region is None:
        raise refusals.region_not_found()
    return _single(call, region)


@router.post(
    "/v1/verifications",
    summary="Mencocokkan data per elemen",
    description=(
        "Menjawab cocok atau tidak untuk tiap elemen yang dikirim, tanpa pernah memperlihatkan data yang tercatat. "
        "`name`, `birth_place`, dan `address` mendapat skor kemiripan 0 sampai 100 yang dibandingkan dengan "
        "`threshold`; elemen lain harus sama. Hanya jawaban 200 yang mengurangi kuota."
    ),
    response_model=VerificationResult,
    responses=documented(404, 409),
)
async def verify(
    call: Annotated[Call, Depends(Allow("population:verify"))], verification: Verification
) -> JSONResponse:
    """Verify elements of one resident's data."""
    asked = verification.model_dump(mode="json", exclude={"nik", "threshold"}, exclude_none=True)
    if not asked:
        raise refusals.nothing_asked()
    if "village_code" in asked:
        asked["village_code"] = rules.region_code(asked["village_code"]) or ""
    inquiry = await registry.inquire(call, verification.nik)
    if inquiry.obstacle is not None:
        faults = nik_number.faults(verification.nik)
        raise refusals.obstructed(inquiry.obstacle, faults, rules.seconds_to_midnight(call.now))
    findings = rules.compared(asked, rules.clean_facts(inquiry.record), verification.threshold)
    return JSONResponse(
        {
            "nik": verification.nik,
            "threshold": verification.threshold,
            "all_match": all(finding.matches for finding in findings),
            "results": [
                {"element": finding.element, "match": finding.matches, "score": finding.score} for finding in findings
            ],
            "quota_left": inquiry.left,
        }
    )
