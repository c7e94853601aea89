"""The plain values that Kota Digital Sejahtera consists of: frozen, slotted, without behaviour.

Conventions that hold everywhere:

- Identifiers are strings. `Resident.id` is unique; `Resident.nik` is **not** (duplicate NIK are planted).
- Region codes are Kemendagri codes in dotted form (`76.79.90.1001`), except where a field says "as typed".
- Dates are `date`, instants are aware `datetime` in WITA (`+08:00`), money is whole rupiah as `int`.
- Nothing on an entity says that it is planted trouble: that is only in `World.truth`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Size = Literal["small", "medium", "large"]
Sex = Literal["L", "P"]
RegionLevel = Literal["province", "city", "district", "village"]
ResidentStatus = Literal["active", "deceased", "non_active"]
EktpStatus = Literal["not_due", "not_recorded", "recorded", "printed"]
MaritalStatus = Literal["BELUM KAWIN", "KAWIN", "CERAI HIDUP", "CERAI MATI"]
Relationship = Literal["KEPALA KELUARGA", "ISTRI", "ANAK", "CUCU", "ORANG TUA", "MERTUA", "MENANTU", "FAMILI LAIN"]
Risk = Literal["R", "MR", "MT", "T"]
Scale = Literal["01", "02", "03", "04"]
PermitKind = Literal["nib", "standard_certificate", "permit"]
PaymentKind = Literal["UP", "GU", "TU", "LS"]
DocumentStatus = Literal["draft", "approved", "issued", "cancelled"]
BillStatus = Literal["unpaid", "paid", "expired"]


@dataclass(frozen=True, slots=True)
class Region:
    """A node of the Kemendagri region tree: province, city, district (kecamatan) or village (kelurahan or desa)."""

    code: str  # dotted: "76", "76.79", "76.79.90", "76.79.90.1001"
    plain_code: str  # undotted: "7679901001"
    name: str
    level: RegionLevel
    kind: str  # "provinsi", "kota", "kecamatan", "kelurahan" or "desa"
    parent_code: str | None  # dotted
    postal_code: str | None  # villages only


@dataclass(frozen=True, slots=True)
class Resident:
    """One population record, as the population agency holds it. Names are upper case without titles."""

    id: str  # "R0001230": family index (6 digits) and place in the family (1 digit)
    family_id: str
    nik: str  # 16 digits, not unique
    kk: str  # 16 digits
    name: str
    sex: Sex
    birth_place: str
    birth_on: date
    religion: str
    blood_type: str  # "A", "B", "AB", "O", with or without +/-, or "TIDAK TAHU"
    marital_status: MaritalStatus
    relationship: Relationship
    education: str
    occupation: str
    mother_name: str
    mother_nik: str | None  # None: the mother is not in this registry
    father_name: str
    father_nik: str | None
    address: str
    rt: str  # 3 digits
    rw: str  # 3 digits
    postal_code: str
    village_code: str  # dotted
    status: ResidentStatus
    deceased_on: date | None  # set if and only if status is "deceased"
    ektp_status: EktpStatus
    ektp_recorded_on: date | None
    birth_certificate: str | None


@dataclass(frozen=True, slots=True)
class Family:
    """One family card (KK). Deceased members stay listed; exactly one living member is KEPALA KELUARGA."""

    id: str  # "F000123"
    kk: str
    issued_on: date  # the date within the KK number
    head_id: str
    address: str
    rt: str
    rw: str
    postal_code: str
    village_code: str  # dotted
    members: tuple[Resident, ...]


@dataclass(frozen=True, slots=True)
class BusinessField:
    """A KBLI 2020 code with its title and the risk per scale (risk values are lab fixtures)."""

    kbli: str  # 5 digits
    title: str
    risk_small: Risk  # micro and small
    risk_large: Risk  # medium and large


@dataclass(frozen=True, slots=True)
class Business:
    """A registered business. Everything about the responsible person but `responsible_id` is as typed into the form."""

    nib: str  # 13 digits, unique
    name: str
    actor_kind: str  # OSS: "01" badan usaha, "02" perseorangan
    legal_form: str  # OSS jenis perseroan: "01" PT, "02" CV, "07" koperasi, "17" perseorangan, "26" PT perorangan
    npwp_15: str
    npwp_16: str
    kbli: str
    kbli_title: str
    kbli_year: int  # tahun_kbli: 2020 or 2025
    scale: Scale
    risk: Risk  # of kbli x scale
    capital_status: str  # OSS: "01" PMA, "02" PMDN, "03" neither
    investment_idr: int
    workers_male: int
    workers_female: int
    responsible_id: str | None  # Resident.id of the person meant; None when no such resident exists
    responsible_nik: str  # as typed
    responsible_name: str  # as typed
    responsible_role: str
    address: str
    village_code: str  # as typed: dotted or undotted
    email: str
    phone: str
    status: str  # OSS NIB status: "01" aktif ... "06" dicabut
    issued_on: date


@dataclass(frozen=True, slots=True)
class Applicant:
    """The responsible person's data as typed into the permit form; may deviate from the population record."""

    nik: str  # as typed: may be malformed
    name: str
    sex: Sex
    birth_place: str
    birth_on: date
    address: str
    village_code: str  # as typed: dotted or undotted
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One requirement of a permit and whether the applicant has handed it in."""

    code: str
    name: str
    required: bool
    fulfilled: bool


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One step in the life of an application; `status` is an OSS code of Lampiran 10."""

    status: str
    at: datetime
    actor: str  # "oss", "applicant" or the NIP of a civil servant
    note: str  # Bahasa Indonesia


@dataclass(frozen=True, slots=True)
class Application:
    """A permit application. The queue is every application whose status is "20" (Validasi)."""

    id: str  # "PMH-000123"
    nib: str
    kbli: str
    risk: Risk
    permit_kind: PermitKind
    submitted_at: datetime
    status: str  # OSS code, equal to the last of `history`
    history: tuple[StatusChange, ...]  # oldest first, starts at submitted_at
    applicant: Applicant
    checklist: tuple[ChecklistItem, ...]
    decision_number: str | None  # number of the permit, for those that were granted
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class PlantedApplication:
    """Truth about one application: the trouble planted in it and the record it is really about."""

    application_id: str
    trouble: str  # a key of `services.world.truth.APPLICATION_SHARES`
    detail: str  # the way it was done, e.g. "month_13"; "" where there is only one
    resident_id: str | None  # None when no such resident exists
    name_score: int  # `services.world.names.similarity` of typed and registered name; 0 when there is no record


@dataclass(frozen=True, slots=True)
class Skpd:
    """A regional agency (SKPD), with what became of it."""

    code: str  # 22 characters
    name: str
    short_name: str
    active: bool
    predecessor_codes: tuple[str, ...]  # this one replaced those (merger or renaming)
    successor_code: str | None  # set if and only if not active
    effective_on: date  # when this SKPD began
    ended_on: date | None  # when it was merged or renamed away


@dataclass(frozen=True, slots=True)
class CivilServant:
    """A civil servant (PNS) or contract servant (PPPK) of the city; also a resident."""

    nip: str  # 18 digits, unique
    kind: Literal["pns", "pppk"]
    resident_id: str
    nik: str
    name: str  # with titles, as the personnel agency writes it
    sex: Sex
    birth_on: date
    started_on: date
    skpd_code: str
    position: str
    grade: str  # "III/c" for PNS, "IX" for PPPK
    status: Literal["active", "retired"]


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme, activity (kegiatan) or sub-activity (sub kegiatan) of the budget nomenclature."""

    code: str  # "2.16.03", "2.16.03.2.02" or "2.16.03.2.02.0014"
    name: str
    level: Literal["programme", "activity", "sub_activity"]
    parent_code: str | None  # None for programmes


@dataclass(frozen=True, slots=True)
class Account:
    """A node of the account chart (rekening): six levels from "5" to "5.1.02.01.01.0024"."""

    code: str
    name: str
    level: int  # 1 to 6; only level 6 carries money
    parent_code: str | None


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One line of a DPA: a sub-activity and an account of one SKPD, with its monthly cash plan (RAK)."""

    id: str  # "<sub activity>.<account>@<skpd>"
    year: int
    skpd_code: str
    dpa_number: str
    sub_activity_code: str
    account_code: str
    amount_idr: int  # may exceed 2**31
    cash_plan_idr: tuple[int, ...]  # 12 months, sums to amount_idr


@dataclass(frozen=True, slots=True)
class Charge:
    """What one document takes from (or, for an SPD, releases on) one budget line."""

    budget_line_id: str
    amount_idr: int


@dataclass(frozen=True, slots=True)
class Spd:
    """Surat Penyediaan Dana: funds released to one SKPD for a quarter."""

    number: str
    skpd_code: str
    quarter: int  # 1 to 4
    issued_on: date
    charges: tuple[Charge, ...]
    amount_idr: int


@dataclass(frozen=True, slots=True)
class Spp:
    """Surat Permintaan Pembayaran. A UP asks for a float and has no charges; all others charge budget lines."""

    number: str
    skpd_code: str
    kind: PaymentKind
    submitted_on: date
    purpose: str
    payee: str
    charges: tuple[Charge, ...]
    amount_idr: int
    status: DocumentStatus  # "draft", "approved" or "cancelled"


@dataclass(frozen=True, slots=True)
class Spm:
    """Surat Perintah Membayar, for one approved SPP."""

    number: str
    spp_number: str
    skpd_code: str
    kind: PaymentKind
    issued_on: date
    amount_idr: int
    status: DocumentStatus  # "issued" or "cancelled"


@dataclass(frozen=True, slots=True)
class Sp2d:
    """Surat Perintah Pencairan Dana: the money leaves. At most one that is not cancelled per SPM."""

    number: str
    spm_number: str
    skpd_code: str
    kind: PaymentKind
    issued_on: date
    gross_idr: int  # what realisation counts
    deductions_idr: int  # taxes and contributions withheld
    net_idr: int  # what the bank pays
    status: DocumentStatus  # "issued" or "cancelled"
    cancelled_on: date | None


@dataclass(frozen=True, slots=True)
class RetributionBill:
    """A bill for a regional retribution, payable by its billing code."""

    billing_code: str  # 15 digits, unique
    skpd_code: str
    account_code: str
    description: str
    payer_name: str
    payer_nik: str | None  # a person pays ...
    payer_nib: str | None  # ... or a business does: exactly one of the two is set
    amount_idr: int
    penalty_idr: int
    issued_on: date
    due_on: date
    status: BillStatus
    paid_at: datetime | None
