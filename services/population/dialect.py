"""The Dukcapil dialect over the same records: HTTP 200 whatever comes, the truth about it inside `content[0]`.

Names, spellings and sentences are those that clients of the real service meet (`TRESHOLD` included); hosts and keys are
not. What goes wrong before the registry is reached, such as a missing token, is told by the gateway as problem details.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, Field

from services.kit.access import Allow, Call
from services.kit.specs import Shape
from services.population import registry, rules

router = APIRouter(prefix="/dukcapil/get_json/{lembaga}")

Lembaga = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9_]{2,40}$", description="Singkatan lembaga pengguna.", examples=["DPMPTSP"]),
]
Short = Annotated[str | None, Field(max_length=64)]
Long = Annotated[str | None, Field(max_length=250)]


class Identified(Shape):
    """What every request of the dialect has; the three members that name a user are accepted and not looked at."""

    NIK: Annotated[str, Field(max_length=64, examples=["7679904101900001"])]
    USER_ID: Short = None
    PASSWORD: Short = None
    IP_USER: Short = None


def _whole(value: object) -> object:
    """JSON knows no difference between 90 and 90.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Elements(Identified):
    """Body of `CALL_VERIFY_BY_ELEMEN`; elements that are absent or null are not compared."""

    TRESHOLD: Annotated[
        Annotated[int, Field(ge=0, le=100, strict=True)] | Annotated[str, Field(pattern=r"^(100|[1-9]?[0-9])$")],
        BeforeValidator(_whole),
        Field(description="Skor terendah agar teks dianggap sesuai; memang ditulis tanpa H.", examples=["90"]),
    ] = str(rules.DEFAULT_THRESHOLD)
    NO_KK: Short = None
    NAMA_LGKP: Annotated[str | None, Field(max_length=150, examples=["SITI AISYAH"])] = None
    TMPT_LHR: Long = None
    TGL_LHR: Annotated[str | None, Field(max_length=32, description="DD-MM-YYYY", examples=["01-01-1990"])] = None
    JENIS_KLMIN: Annotated[str | None, Field(max_length=32, examples=["Perempuan"])] = None
    STATUS_KAWIN: Short = None
    JENIS_PKRJN: Long = None
    ALAMAT: Long = None
    NO_RT: Short = None
    NO_RW: Short = None
    PROP_NAME: Long = None
    KAB_NAME: Long = None
    KEC_NAME: Long = None
    KEL_NAME: Long = None
    NO_PROP: Short = None
    NO_KAB: Short = None
    NO_KEC: Short = None
    NO_KEL: Short = None


class DialectAnswer(BaseModel):
    """The envelope of every answer of the dialect, a page of exactly one row."""

    content: Annotated[
        list[dict[str, str | None]],
        Field(
            min_length=1,
            max_length=1,
            description="Hasil per elemen, catatan lengkap, atau `RESPONSE_CODE` dan `RESPON`.",
        ),
    ]
    lastPage: Literal[True]  # noqa: N815 - the dialect's own spelling
    firstPage: Literal[True]  # noqa: N815
    number: Literal[0]
    size: Literal[1]
    numberOfElements: Literal[1]  # noqa: N815
    totalElements: Literal[1]  # noqa: N815
    sort: None
    quotaLimiter: Annotated[int, Field(description="Sisa kuota hari ini.")]  # noqa: N815


_NOT_COMPARED = {"USER_ID", "PASSWORD", "IP_USER", "TRESHOLD", "NIK"}


@router.post(
    "/CALL_VERIFY_BY_ELEMEN",
    summary="Mencocokkan data per elemen (dialek Dukcapil)",
    description=(
        "Selalu HTTP 200; bacalah `content[0]`. Bila ada `RESPONSE_CODE`, NIK tidak dapat diverifikasi: 15 format "
        "salah, 13 tidak ditemukan, 12 ganda, 11 meninggal, 14 nonaktif (diperiksa dalam urutan itu), 05 kuota "
        "habis. Bila tidak, setiap elemen yang dikirim dijawab `Sesuai` atau `Tidak Sesuai`, dengan skor untuk "
        "`NAMA_LGKP`, `TMPT_LHR`, dan `ALAMAT`."
    ),
    response_model=DialectAnswer,
)
async def verify_by_element(
    call: Annotated[Call, Depends(Allow("population:verify"))], lembaga: Lembaga, elements: Elements
) -> JSONResponse:
    """Verify elements of one resident's data."""
    inquiry = await registry.inquire(call, elements.NIK)
    if inquiry.obstacle is not None:
        return _obstructed(inquiry.obstacle, inquiry)
    asked = elements.model_dump(exclude=_NOT_COMPARED, exclude_none=True)
    registered = await _registered(call, inquiry)
    findings = rules.compared({"NIK": elements.NIK, **asked}, registered, int(elements.TRESHOLD))
    return _answer({finding.element: finding.sentence for finding in findings}, inquiry)


@router.post(
    "/CALL_NIK",
    summary="Catatan lengkap menurut NIK (dialek Dukcapil)",
    description=(
        "Untuk lembaga yang berhak melihat data, bukan hanya mencocokkannya. Selalu HTTP 200, dengan `RESPONSE_CODE` "
        "yang sama seperti verifikasi per elemen."
    ),
    response_model=DialectAnswer,
)
async def show_by_nik(
    call: Annotated[Call, Depends(Allow("population:read"))], lembaga: Lembaga, identified: Identified
) -> JSONResponse:
    """Show one whole record."""
    inquiry = await registry.inquire(call, identified.NIK)
    if inquiry.obstacle is not None:
        return _obstructed(inquiry.obstacle, inquiry)
    return _answer(await _registered(call, inquiry), inquiry)


async def _registered(call: Call, inquiry: registry.Inquiry) -> dict[str, str | None]:
    names = await registry.region_names(call.db, inquiry.record["village_code"])
    return rules.dialect_facts(inquiry.record, names)


def _obstructed(obstacle: rules.Obstacle, inquiry: registry.Inquiry) -> JSONResponse:
    return _answer({"RESPONSE_CODE": obstacle.code, "RESPON": obstacle.sentence}, inquiry)


def _answer(content: Mapping[str, str | None], inquiry: registry.Inquiry) -> JSONResponse:
    return JSONResponse(
        {
            "content": [content],
            "lastPage": True,
            "firstPage": True,
            "number": 0,
            "size": 1,
            "numberOfElements": 1,
            "totalElements": 1,
            "sort": None,
            "quotaLimiter": inquiry.left,
        }
    )
