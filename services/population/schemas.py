"""Wire shapes of the clean population API."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.kit.specs import IsoDate, Shape
from services.population.rules import DEFAULT_THRESHOLD
from services.world.entities import EktpStatus, MaritalStatus, RegionLevel, Relationship, ResidentStatus, Sex

Code = Annotated[str, Field(description="Kode wilayah Kemendagri, bertitik.", examples=["76.79.90.1001"])]


class PageMeta(BaseModel):
    """Where a page stands in its list."""

    limit: int
    has_more: bool
    cursor: Annotated[str | None, Field(description="Untuk halaman berikutnya; null pada halaman terakhir.")]


class ResidentSummary(BaseModel):
    """A resident in a list: no more than is needed to find the record."""

    id: Annotated[str, Field(description="Nomor catatan; unik, berbeda dengan NIK yang bisa ganda.")]
    nik: str
    kk: str
    name: str
    sex: Sex
    birth_on: date
    village_code: Code
    status: ResidentStatus


class ResidentPage(BaseModel):
    """A page of residents."""

    data: list[ResidentSummary]
    meta: PageMeta


class Resident(ResidentSummary):
    """A whole population record."""

    birth_place: str
    religion: str
    blood_type: str
    marital_status: MaritalStatus
    relationship: Annotated[Relationship, Field(description="Status hubungan dalam keluarga (SHDK).")]
    education: str
    occupation: str
    mother_name: str
    mother_nik: Annotated[str | None, Field(description="null bila ibu tidak tercatat di kota ini.")]
    father_name: str
    father_nik: str | None
    address: str
    rt: str
    rw: str
    postal_code: str
    deceased_on: Annotated[date | None, Field(description="Terisi hanya bila `status` = `deceased`.")]
    ektp_status: EktpStatus
    ektp_recorded_on: date | None
    birth_certificate: str | None


class FamilySummary(BaseModel):
    """A family card in a list."""

    id: str
    kk: str
    issued_on: date
    head_nik: str
    head_name: str
    village_code: Code


class FamilyPage(BaseModel):
    """A page of family cards."""

    data: list[FamilySummary]
    meta: PageMeta


class Member(BaseModel):
    """A person on a family card."""

    id: str
    nik: str
    name: str
    sex: Sex
    birth_on: date
    relationship: Relationship
    marital_status: MaritalStatus
    status: ResidentStatus


class Family(FamilySummary):
    """A family card with everyone on it, the deceased included."""

    address: str
    rt: str
    rw: str
    postal_code: str
    members: list[Member]


class Region(BaseModel):
    """A province, city, district or village."""

    code: Code
    plain_code: Annotated[str, Field(description="Kode yang sama tanpa titik.", examples=["7679901001"])]
    name: str
    level: RegionLevel
    kind: Literal["provinsi", "kota", "kecamatan", "kelurahan", "desa"]
    parent_code: str | None
    postal_code: Annotated[str | None, Field(description="Hanya untuk kelurahan dan desa.")]


class RegionPage(BaseModel):
    """A page of regions."""

    data: list[Region]
    meta: PageMeta


class Verification(Shape):
    """What is to be compared with the record of one NIK: any of the elements, at least one."""

    nik: Annotated[str, Field(max_length=64, examples=["7679904101900001"])]
    threshold: Annotated[int, Field(ge=0, le=100, description="Skor terendah agar teks dianggap cocok.")] = (
        DEFAULT_THRESHOLD
    )
    kk: Annotated[str | None, Field(max_length=64)] = None
    name: Annotated[str | None, Field(max_length=150, examples=["SITI AISYAH"])] = None
    sex: Sex | None = None
    birth_place: Annotated[str | None, Field(max_length=100)] = None
    birth_on: IsoDate | None = None
    marital_status: MaritalStatus | None = None
    occupation: Annotated[str | None, Field(max_length=100)] = None
    address: Annotated[str | None, Field(max_length=250)] = None
    village_code: Annotated[str | None, Field(max_length=32, description="Bertitik atau tidak.")] = None


class ElementResult(BaseModel):
    """Whether one element is as registered."""

    element: str
    match: bool
    score: Annotated[int | None, Field(description="0 sampai 100 untuk teks; null untuk elemen lain.")]


class VerificationResult(BaseModel):
    """The answer to a verification: never what is registered, only whether it is the same."""

    nik: str
    threshold: int
    all_match: bool
    results: list[ElementResult]
    quota_left: Annotated[int, Field(description="Sisa kuota verifikasi hari ini.")]
