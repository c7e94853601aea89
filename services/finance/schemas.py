"""Wire shapes of the finance API. What participants read in the documentation is in Bahasa Indonesia.

Money is whole rupiah, codes are strings, dates are `YYYY-MM-DD`.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, StringConstraints

from services.finance.billing import DUE_DAYS, BillStatus
from services.finance.rules import PaymentKind
from services.kit.specs import Shape

MAX_RUPIAH = 10**15
MAX_CHARGES = 200

SKPD_PATTERN = r"^[1-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}$"

Rupiah = Annotated[int, Field(ge=1, le=MAX_RUPIAH, strict=True, description="Rupiah bulat.")]
Deductions = Annotated[int, Field(ge=0, le=MAX_RUPIAH, strict=True, description="Potongan dalam rupiah bulat.")]
SkpdCode = Annotated[
    str, StringConstraints(pattern=SKPD_PATTERN), Field(examples=["2.16.2.20.2.21.01.0000"], description="Kode SKPD.")
]
AccountCode = Annotated[
    str, StringConstraints(pattern=r"^[1-8](\.[0-9]{1,4}){0,5}$", max_length=17), Field(examples=["4.1.02.01.01.0001"])
]
DocumentId = Annotated[str, StringConstraints(min_length=1, max_length=40), Field(examples=["spm-002412"])]
LineId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80),
    Field(examples=["2.16.03.2.02.0014.5.1.02.02.01.0063@2.16.2.20.2.21.01.0000"]),
]
Words = Annotated[str, StringConstraints(pattern=r"^\S.{1,298}\S$", max_length=300)]

Row = TypeVar("Row", bound=BaseModel)


class SpringPage(Shape, Generic[Row]):
    """Satu halaman gaya Spring; `number` mulai dari 0."""

    content: list[Row]
    number: int
    size: int
    numberOfElements: int  # noqa: N815 - Spring's own spelling
    totalElements: int  # noqa: N815 - Spring's own spelling
    totalPages: int  # noqa: N815 - Spring's own spelling
    firstPage: bool  # noqa: N815 - Spring's own spelling
    lastPage: bool  # noqa: N815 - Spring's own spelling


class Skpd(Shape):
    """SKPD; yang sudah digabung atau berganti nama menyebut penerusnya."""

    code: str
    name: str
    short_name: str
    active: bool
    predecessor_codes: list[str]
    successor_code: str | None
    effective_on: str
    ended_on: str | None


class Programme(Shape):
    """Program, kegiatan, atau sub kegiatan."""

    code: str
    name: str
    level: Literal["programme", "activity", "sub_activity"]
    parent_code: str | None


class Account(Shape):
    """Satu kode rekening."""

    code: str
    name: str
    level: int
    parent_code: str | None


class BudgetLine(Shape):
    """Baris DPA, anggaran kasnya (RAK, Januari sampai Desember), dan jumlah dokumen yang berlaku atasnya."""

    id: str
    year: int
    skpd_code: str
    dpa_number: str
    sub_activity_code: str
    account_code: str
    amount_idr: int
    cash_plan_idr: list[int]
    released_idr: int
    requested_idr: int
    realised_idr: int


class CashPlanMonth(Shape):
    """Satu bulan anggaran kas."""

    month: int
    planned_idr: int


class CashPlan(Shape):
    """Anggaran kas (RAK) satu SKPD, atau seluruh kota, dalam satu tahun."""

    skpd_code: str | None
    year: int
    total_idr: int
    months: list[CashPlanMonth]


class ChargeIn(Shape):
    """Jumlah pada satu baris DPA."""

    budget_line_id: LineId
    amount_idr: Rupiah


class ChargeOut(Shape):
    """Jumlah pada satu baris DPA, dengan kode sub kegiatan dan rekeningnya."""

    budget_line_id: str
    sub_activity_code: str
    account_code: str
    amount_idr: int


class SpdIn(Shape):
    """Isi `POST /v1/spd`."""

    skpd_code: SkpdCode
    quarter: Annotated[int, Field(ge=1, le=4, strict=True, description="Triwulan 1 sampai 4.")]
    charges: Annotated[list[ChargeIn], Field(min_length=1, max_length=MAX_CHARGES)]


class SppIn(Shape):
    """Isi `POST /v1/spp`. UP menyebut `amount_idr` tanpa `charges`; jenis lain adalah jumlah `charges`-nya."""

    skpd_code: SkpdCode
    kind: Annotated[PaymentKind, Field(description="UP, GU, TU, atau LS.")]
    purpose: Annotated[Words, Field(examples=["Pembayaran langganan internet bulan Oktober"])]
    payee: Annotated[Words, Field(examples=["CV Contoh Sejahtera"])]
    charges: Annotated[list[ChargeIn], Field(max_length=MAX_CHARGES, default_factory=list)]
    amount_idr: Rupiah | None = None


class SpmIn(Shape):
    """Isi `POST /v1/spm`."""

    spp_id: DocumentId


class Sp2dIn(Shape):
    """Isi `POST /v1/sp2d`. Yang dibayar bank adalah nilai SPM dikurangi potongan."""

    spm_id: DocumentId
    deductions_idr: Deductions = 0


class CancelIn(Shape):
    """Isi pembatalan."""

    reason: Annotated[Words, Field(examples=["Nomor rekening penerima salah"])]


class DocumentRow(Shape):
    """Yang sama pada semua dokumen."""

    id: str
    number: str
    skpd_code: str
    year: int
    month: int
    issued_on: str
    status: Literal["draft", "approved", "issued", "cancelled"]
    cancelled_on: str | None
    cancel_reason: str | None


class SpdRow(DocumentRow):
    """SPD dalam daftar."""

    quarter: int
    amount_idr: int


class Spd(SpdRow):
    """SPD dengan baris-baris yang dananya disediakan."""

    charges: list[ChargeOut]


class SppRow(DocumentRow):
    """SPP dalam daftar."""

    kind: PaymentKind
    purpose: str
    payee: str
    amount_idr: int


class Spp(SppRow):
    """SPP dengan baris-baris yang dibebani, dan SPM-nya yang berlaku."""

    charges: list[ChargeOut]
    spm_id: str | None


class SpmRow(DocumentRow):
    """SPM dalam daftar."""

    kind: PaymentKind
    spp_id: str
    amount_idr: int


class Spm(SpmRow):
    """SPM dengan SP2D-nya yang berlaku."""

    sp2d_id: str | None


class Sp2d(DocumentRow):
    """SP2D: bruto dihitung sebagai realisasi, netto dibayar bank."""

    kind: PaymentKind
    spm_id: str
    spp_id: str
    gross_idr: int
    deductions_idr: int
    net_idr: int


class Sums(Shape):
    """Jumlah SP2D yang berlaku."""

    documents: int
    gross_idr: int
    deductions_idr: int
    net_idr: int


class Realisation(Shape):
    """Realisasi: SP2D jenis GU, TU, dan LS yang tidak dibatalkan, menurut bulan SP2D.

    `period` adalah bulan yang diminta, atau setahun penuh; `to_date` dari Januari sampai akhirnya. UP adalah uang muka,
    bukan belanja, dan berdiri sendiri di `float_idr`.
    """

    skpd_code: str | None
    year: int
    month: int | None
    budget_idr: int
    released_idr: int
    period: Sums
    to_date: Sums
    period_by_kind: dict[str, Sums]
    float_idr: int


class BillIn(Shape):
    """Isi `POST /v1/bills`. Tepat satu dari `payer_nik` dan `payer_nib`."""

    skpd_code: SkpdCode
    account_code: AccountCode
    description: Annotated[Words, Field(examples=["Retribusi pelayanan pasar, kios 12"])]
    payer_name: Words
    payer_nik: Annotated[str, StringConstraints(pattern=r"^[0-9]{16}$")] | None = None
    payer_nib: Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")] | None = None
    amount_idr: Rupiah
    due_in_days: Annotated[int, Field(ge=1, le=90, strict=True, description="Masa bayar dalam hari.")] = DUE_DAYS


class Bill(Shape):
    """Tagihan retribusi; `id` adalah kode billing."""

    id: str
    skpd_code: str
    account_code: str
    description: str
    payer_name: str
    payer_nik: str | None
    payer_nib: str | None
    amount_idr: int
    penalty_idr: int
    total_idr: int
    issued_on: str
    due_on: str
    expires_on: str
    status: BillStatus
    paid_at: str | None
    payment_reference: str | None


class PaymentIn(Shape):
    """Isi `POST /v1/bills/{id}/payments`: seluruh jumlah, termasuk denda."""

    amount_idr: Rupiah
    reference: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9/._-]{4,40}$"), Field(examples=["NTPD-20261122-0001"])
    ]
