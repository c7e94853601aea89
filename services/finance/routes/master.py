"""Master data: SKPD, account codes, and the nomenclature from programme to sub-activity."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from sqlalchemy import bindparam, select

from services.finance.routes.answering import Listing, Reader, beneath, given, one
from services.finance.schemas import Account, Programme, Skpd, SpringPage
from services.finance.tables import accounts, programmes, skpd
from services.kit.language import catalogue
from services.kit.paging import PageNumber, PageSize
from services.kit.problems import Problem, documented
from services.kit.store import Prepared

_ = catalogue(__file__)

router = APIRouter(tags=["Data induk"])

Code = Annotated[str, Path(max_length=30, description="Kode persis seperti pada daftar, lengkap dengan titik.")]
Above = Annotated[
    str | None,
    Query(alias="under", pattern=r"^[1-8](\.[0-9]{1,4}){0,5}$", description="Hanya kode ini dan semua di bawahnya."),
]

_SKPD_LIST = Listing("/v1/skpd", select(skpd).where(given(skpd.c.active, "active")).order_by(skpd.c.code))
_SKPD = Prepared(select(skpd).where(skpd.c.code == bindparam("code")))
_PROGRAMME_LIST = Listing(
    "/v1/programmes",
    select(programmes)
    .where(given(programmes.c.level, "level"), beneath(programmes.c.code, "under"))
    .order_by(programmes.c.code),
)
_PROGRAMME = Prepared(select(programmes).where(programmes.c.code == bindparam("code")))
_ACCOUNT_LIST = Listing(
    "/v1/accounts",
    select(accounts)
    .where(given(accounts.c.level, "level"), beneath(accounts.c.code, "under"))
    .order_by(accounts.c.code),
)
_ACCOUNT = Prepared(select(accounts).where(accounts.c.code == bindparam("code")))


@router.get(
    "/v1/skpd",
    response_model=SpringPage[Skpd],
    summary="Daftar SKPD",
    description="Semua SKPD, juga yang sudah digabung atau berganti nama (`active: false`, lihat `successor_code`).",
)
async def list_skpd(
    call: Reader,
    active: Annotated[bool | None, Query(description="Hanya yang masih ada, atau hanya yang sudah tidak.")] = None,
    page: PageNumber = 0,
    size: PageSize = 20,
) -> JSONResponse:
    """List the SKPD."""
    return await _SKPD_LIST.page(call, page, size, {"active": active})


@router.get(
    "/v1/skpd/{code}",
    response_model=Skpd,
    responses=documented(404),
    summary="Satu SKPD",
    description="SKPD menurut kode 22 karakter. Kode lama tetap terjawab dan menunjuk penerusnya.",
)
async def read_skpd(call: Reader, code: Code) -> Response:
    """Read one SKPD."""
    row = await call.db.first(_SKPD, code=code)
    if row is None:
        raise Problem(404, "skpd_not_found", _("There is no SKPD with code {code}.", code=code))
    return one(call, row)


@router.get(
    "/v1/programmes",
    response_model=SpringPage[Programme],
    summary="Daftar program, kegiatan, dan sub kegiatan",
    description="Urut kode, sehingga induk selalu mendahului anaknya.",
)
async def list_programmes(
    call: Reader,
    level: Annotated[
        Literal["programme", "activity", "sub_activity"] | None,
        Query(description="Program, kegiatan, atau sub kegiatan saja."),
    ] = None,
    under: Above = None,
    page: PageNumber = 0,
    size: PageSize = 20,
) -> JSONResponse:
    """List programmes, activities and sub-activities."""
    return await _PROGRAMME_LIST.page(call, page, size, {"level": level, "under": under})


@router.get(
    "/v1/programmes/{code}",
    response_model=Programme,
    responses=documented(404),
    summary="Satu program, kegiatan, atau sub kegiatan",
    description="Menurut kodenya.",
)
async def read_programme(call: Reader, code: Code) -> Response:
    """Read one programme, activity or sub-activity."""
    row = await call.db.first(_PROGRAMME, code=code)
    if row is None:
        detail = _("There is no programme, activity or sub-activity with code {code}.", code=code)
        raise Problem(404, "programme_not_found", detail)
    return one(call, row)


@router.get(
    "/v1/accounts",
    response_model=SpringPage[Account],
    summary="Daftar kode rekening",
    description="Enam tingkat, urut kode. Hanya tingkat 6 yang memuat uang.",
)
async def list_accounts(
    call: Reader,
    level: Annotated[int | None, Query(ge=1, le=6, description="Tingkat 1 (akun) sampai 6 (sub rincian).")] = None,
    under: Above = None,
    page: PageNumber = 0,
    size: PageSize = 20,
) -> JSONResponse:
    """List the account chart."""
    return await _ACCOUNT_LIST.page(call, page, size, {"level": level, "under": under})


@router.get(
    "/v1/accounts/{code}",
    response_model=Account,
    responses=documented(404),
    summary="Satu kode rekening",
    description="Menurut kodenya.",
)
async def read_account(call: Reader, code: Code) -> Response:
    """Read one account."""
    row: Any = await call.db.first(_ACCOUNT, code=code)
    if row is None:
        raise Problem(404, "account_not_found", _("There is no account with code {code}.", code=code))
    return one(call, row)
