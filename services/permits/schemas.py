"""Wire shapes of the clean API. Descriptions are for participants, so they are in Bahasa Indonesia."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field, StringConstraints

from services.kit.specs import IsoDate, Shape
from services.permits.rules import StatusCode

NIB_PATTERN = r"^[0-9]{13}$"
KBLI_PATTERN = r"^[0-9]{5}$"

Risk = Literal["R", "MR", "MT", "T"]
Scale = Literal["01", "02", "03", "04"]
NibStatus = Literal["01", "02", "03", "04", "05", "06"]
PermitKind = Literal["nib", "standard_certificate", "permit"]

NibFilter = Annotated[str | None, Query(pattern=NIB_PATTERN, description="NIB, 13 angka.")]
KbliFilter = Annotated[str | None, Query(pattern=KBLI_PATTERN, description="Kode KBLI, 5 angka.")]
RiskFilter = Annotated[Risk | None, Query(description="Tingkat risiko: R, MR, MT, atau T.")]
ScaleFilter = Annotated[Scale | None, Query(description="Skala usaha: 01 mikro, 02 kecil, 03 menengah, 04 besar.")]
NibStatusFilter = Annotated[NibStatus | None, Query(description="Status NIB (Lampiran 14), misalnya 01 Aktif.")]
StatusFilter = Annotated[StatusCode | None, Query(description="Status permohonan (Lampiran 10); antrean: 20.")]
FromFilter = Annotated[IsoDate | None, Query(description="Diajukan pada tanggal ini atau sesudahnya (WITA).")]
ToFilter = Annotated[IsoDate | None, Query(description="Diajukan pada tanggal ini atau sebelumnya (WITA).")]


class PageMeta(Shape):
    """Keterangan halaman."""

    limit: int
    has_more: bool = Field(description="Masih ada halaman berikutnya?")
    cursor: str | None = Field(description="Kirim kembali apa adanya untuk meminta halaman berikutnya.")


class ListedBusiness(Shape):
    """Pelaku usaha dalam daftar, tanpa data pribadi."""

    nib: str
    name: str
    kbli: str
    kbli_title: str
    kbli_year: int
    scale: Scale
    risk: Risk
    status: NibStatus
    issued_on: str


class Responsible(Shape):
    """Penanggung jawab, seperti diketik pada formulir."""

    nik: str
    name: str
    role: str


class Business(ListedBusiness):
    """Pelaku usaha beserta penanggung jawabnya."""

    actor_kind: str = Field(description="01 badan usaha, 02 perseorangan.")
    legal_form: str = Field(description="Jenis perseroan OSS, misalnya 01 PT, 17 perseorangan.")
    npwp_15: str
    npwp_16: str
    capital_status: str = Field(description="01 PMA, 02 PMDN, 03 bukan keduanya.")
    investment_idr: int
    workers_male: int
    workers_female: int
    responsible: Responsible
    address: str
    village_code: str = Field(description="Seperti diketik: dengan atau tanpa titik.")
    email: str
    phone: str


class BusinessPage(Shape):
    """Satu halaman pelaku usaha."""

    data: list[ListedBusiness]
    meta: PageMeta


class ListedApplication(Shape):
    """Permohonan dalam daftar, tanpa data pribadi."""

    id: str = Field(examples=["PMH-000123"])
    nib: str
    kbli: str
    risk: Risk
    permit_kind: PermitKind
    submitted_at: str
    status: StatusCode
    status_name: str
    version: int = Field(description="Bertambah satu pada setiap keputusan.")


class Applicant(Shape):
    """Data penanggung jawab seperti diketik pemohon; dapat berbeda dari data kependudukan."""

    nik: str = Field(description="Seperti diketik: bisa salah bentuk.")
    name: str
    sex: str = Field(description="L atau P.")
    birth_place: str
    birth_on: str = Field(description="YYYY-MM-DD.")
    address: str
    village_code: str = Field(description="Seperti diketik: dengan atau tanpa titik.")
    phone: str
    email: str


class Application(ListedApplication):
    """Permohonan izin."""

    license_id: str = Field(description="`id_izin` permohonan ini dalam dialek OSS.")
    applicant: Applicant
    decision_number: str | None
    valid_until: str | None


class ApplicationPage(Shape):
    """Satu halaman permohonan."""

    data: list[ListedApplication]
    meta: PageMeta


class Step(Shape):
    """Satu langkah dalam riwayat permohonan."""

    seq: int = Field(description="Nomor langkah, mulai dari 1; yang terakhir sama dengan `version` permohonan.")
    status: StatusCode
    status_name: str
    at: str
    actor: str = Field(description="Siapa: `oss`, `applicant`, NIP petugas, atau `client_id` program.")
    reason_code: str | None = Field(description="Kosong pada langkah yang tidak memerlukan alasan.")
    note: str


class Steps(Shape):
    """Riwayat permohonan, dari yang paling lama."""

    data: list[Step]


class ChecklistItem(Shape):
    """Satu butir persyaratan."""

    code: str
    name: str
    required: bool = Field(description="Wajib? Butir yang tidak wajib boleh kosong.")
    fulfilled: bool = Field(description="Sudah dipenuhi?")


class Checklist(Shape):
    """Daftar persyaratan permohonan."""

    data: list[ChecklistItem]


class ServiceTime(Shape):
    """Waktu layanan (SLA) permohonan, dalam hari kerja."""

    state: Literal["not_started", "running", "paused", "ended"]
    limit_working_days: int
    used_working_days: int
    due_on: str | None = Field(description="Hari terakhir yang masih tepat waktu, bila jam berjalan dan belum lewat.")
    overdue: bool
    as_of: str = Field(description="Jam sandbox saat dihitung.")


class NewDecision(Shape):
    """Keputusan atas sebuah permohonan."""

    status: StatusCode = Field(description="Status tujuan (Lampiran 10).", examples=["93"])
    reason_code: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = Field(
        default=None,
        description="Alasan dari `GET /v1/reference/reasons`; wajib bila status tujuan punya daftar alasan.",
        examples=["nik_deceased"],
    )
    reason: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        default=None,
        description="Kalimat untuk pemohon. Bila kosong, dipakai kalimat baku. Jangan menulis NIK di sini.",
        examples=["Penanggung jawab tercatat meninggal dunia."],
    )


class Decision(Step):
    """Keputusan yang tercatat."""

    application_id: str
    version: int = Field(description="Versi permohonan sesudah keputusan ini.")


class RiskAnswer(Shape):
    """Tingkat risiko sebuah kegiatan usaha."""

    kbli: str
    title: str
    kbli_year: int
    scale: Scale
    scale_name: str
    risk: Risk
    risk_name: str
    permit_kind: PermitKind
    office_verifies: bool = Field(description="MT dan T menunggu verifikasi kantor; R dan MR selesai di OSS.")
    limit_working_days: int


class ReferenceReason(Shape):
    """Alasan keputusan yang diterbitkan kantor."""

    order: int | None = Field(description="Urutan aturan kantor untuk antrean 20; terkecil menang.")
    reason_code: str
    status: StatusCode
    status_name: str
    title: str
    applies: str = Field(description="Kapan dipakai.")
    response_code: str | None = Field(description="RESPONSE_CODE kependudukan yang berujung ke sini.")


class ReferenceReasons(Shape):
    """Daftar alasan keputusan."""

    data: list[ReferenceReason]


class ReferenceStatus(Shape):
    """Status permohonan dan kelanjutannya."""

    status: StatusCode
    status_name: str
    following: list[StatusCode] = Field(description="Status yang boleh menyusul.")
    following_when_overdue: list[StatusCode] = Field(description="Status yang boleh menyusul bila SLA sudah lewat.")
    clock: Literal["none", "run", "pause", "reset", "end"] = Field(description="Akibatnya pada jam SLA.")


class ReferenceStatuses(Shape):
    """Daftar status permohonan."""

    data: list[ReferenceStatus]
