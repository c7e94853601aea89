"""What the office may decide: status codes, their legal order, and the published reasons.

Status codes and their names are those of OSS (PIA 4.3.22, Lampiran 10). Which may follow which is the lab's own reading
of the process, as no public list of transitions exists; so are the reason codes. This module judges whether a decision
is *legal*, never whether it is *right*: being right is the participant's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from services.kit.language import catalogue
from services.kit.problems import FieldError, Problem

_ = catalogue(__file__)

StatusCode = Literal[
    "05", "09", "10", "11", "12", "20", "30", "31", "32", "33", "34", "40", "41", "42", "43", "44", "45", "49", "50",
    "52", "57", "60", "70", "80", "90", "93",
]  # fmt: skip
ClockEffect = Literal["none", "run", "pause", "reset", "end"]

QUEUE: StatusCode = "20"
"""Validasi: waits for the responsible person to be verified against the population registry."""
AUTOMATIC: StatusCode = "57"
"""Disetujui otomatis (fiktif positif): open only once the service time has lapsed."""
GRANTED: frozenset[str] = frozenset({"50", "57"})
"""Entering one of these gives the permit its number."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status code of Lampiran 10.

    Attributes:
        code: two digits.
        name: OSS's own name, Bahasa Indonesia.
        following: codes that a decision may lead to from here, in ascending order, `AUTOMATIC` left out.
        clock: what entering this status does to the service time (`deadlines`).
        lapses: whether an application here is granted by itself when the service time has lapsed.
    """

    code: StatusCode
    name: str
    following: tuple[StatusCode, ...]
    clock: ClockEffect = "none"
    lapses: bool = False


STATUSES: Mapping[str, Status] = {
    status.code: status
    for status in (
        Status("05", "Proses Penapisan", ("09", "10", "11")),
        Status("09", "Telah Melengkapi Persyaratan", ("10", "11", "20")),
        Status("10", "Dokumen Lengkap", ("11", "12", "20")),
        Status("11", "Dokumen Belum Lengkap", ("09", "93"), "reset"),
        Status("12", "Pemenuhan Komitmen", ("09", "20")),
        Status("20", "Validasi", ("11", "41", "45", "93"), "run", lapses=True),
        Status("30", "Verifikasi Pembayaran", ("31",)),
        Status("31", "Konfirmasi Pembayaran", ("32",)),
        Status("32", "Menunggu Verifikasi Bukti Bayar PNBP", ("33", "34")),
        Status("33", "Persetujuan Pembayaran", ("40", "49")),
        Status("34", "Perbaikan Konfirmasi Pembayaran", ("32",)),
        Status("40", "Inspeksi", ("43", "49", "90"), lapses=True),
        Status("41", "Konfirmasi Persyaratan", ("42", "93"), "pause"),
        Status("42", "Data Konfirmasi", ("43", "45", "93"), "run", lapses=True),
        Status("43", "Re-Konfirmasi", ("44", "93"), "reset"),
        Status("44", "Data Re-Konfirmasi", ("43", "45", "93"), "run", lapses=True),
        Status("45", "Persyaratan terverifikasi", ("30", "40", "49", "52", "90"), lapses=True),
        Status("49", "Pengambilan Nomor", ("50",), lapses=True),
        Status("50", "Disetujui", ("60",), "end"),
        Status("52", "Terbit Sementara", ("40", "50", "90"), lapses=True),
        Status("57", "Disetujui otomatis (fiktif positif)", ("60",), "end"),
        Status("60", "Peringatan", ("50", "70", "80")),
        Status("70", "Penghentian Sementara", ("50", "80", "90")),
        Status("80", "Denda", ("50", "70")),
        Status("90", "Ditolak", (), "end"),
        Status("93", "Penolakan Persyaratan", (), "end"),
    )
}
"""Every status by its code."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A published reason for a decision; each belongs to exactly one status.

    Attributes:
        code: stable snake_case name.
        status: the status that a decision for this reason leads to.
        title: the sentence kept in the history when the caller gives none, Bahasa Indonesia.
        applies: when it applies, Bahasa Indonesia.
        order: its place in the office's rule for `QUEUE`: where several apply, the lowest decides. None: another step.
        response_code: `RESPONSE_CODE` of the population registry that leads to it, None where none does.
    """

    code: str
    status: StatusCode
    title: str
    applies: str
    order: int | None = None
    response_code: str | None = None


REASONS: Mapping[str, Reason] = {
    reason.code: reason
    for reason in (
        Reason(
            "documents_incomplete",
            "11",
            "Dokumen persyaratan belum lengkap.",
            "Ada butir wajib (`required`) pada daftar persyaratan yang belum dipenuhi (`fulfilled` = false). "
            "Diputuskan sebelum menghubungi layanan kependudukan.",
            1,
        ),
        Reason(
            "nik_malformed",
            "93",
            "NIK penanggung jawab tidak sesuai format.",
            "NIK bukan NIK: panjang, angka, tanggal, atau nomor urutnya salah.",
            2,
            "15",
        ),
        Reason(
            "nik_unknown",
            "93",
            "NIK penanggung jawab tidak terdapat di data kependudukan.",
            "NIK berformat benar, tetapi tidak ditemukan.",
            3,
            "13",
        ),
        Reason(
            "nik_deceased",
            "93",
            "Penanggung jawab tercatat meninggal dunia.",
            "Pemilik NIK tercatat meninggal dunia.",
            4,
            "11",
        ),
        Reason(
            "nik_duplicate",
            "41",
            "NIK penanggung jawab tercatat ganda; mohon diurus ke Dinas Dukcapil.",
            "Satu NIK tercatat untuk lebih dari satu orang; perlu ditangani petugas.",
            5,
            "12",
        ),
        Reason(
            "nik_inactive",
            "41",
            "NIK penanggung jawab berstatus nonaktif; mohon diurus ke Dinas Dukcapil.",
            "NIK ditemukan, tetapi nonaktif; perlu ditangani petugas.",
            6,
            "14",
        ),
        Reason(
            "name_mismatch",
            "41",
            "Nama penanggung jawab tidak sesuai dengan data kependudukan.",
            "Skor NAMA_LGKP di bawah 90.",
            7,
        ),
        Reason(
            "birth_date_mismatch",
            "41",
            "Tanggal lahir penanggung jawab tidak sesuai dengan data kependudukan.",
            "TGL_LHR tidak sesuai.",
            8,
        ),
        Reason(
            "sex_mismatch",
            "41",
            "Jenis kelamin penanggung jawab tidak sesuai dengan data kependudukan.",
            "JENIS_KLMIN tidak sesuai.",
            9,
        ),
        Reason(
            "verified",
            "45",
            "Penanggung jawab sesuai dengan data kependudukan.",
            "Nama, tanggal lahir, dan jenis kelamin sesuai.",
            10,
        ),
        Reason(
            "payment_proof_rejected",
            "34",
            "Bukti bayar tidak dapat diterima.",
            "Bukti bayar PNBP tidak terbaca, kurang, atau bukan untuk permohonan ini.",
        ),
        Reason(
            "confirmation_insufficient",
            "43",
            "Jawaban konfirmasi belum memadai.",
            "Pemohon sudah menjawab, tetapi jawabannya belum menyelesaikan masalah.",
        ),
        Reason(
            "confirmation_expired",
            "93",
            "Pemohon tidak menjawab konfirmasi.",
            "Tenggat konfirmasi lewat tanpa jawaban pemohon.",
        ),
        Reason(
            "inspection_failed",
            "90",
            "Hasil inspeksi tidak memenuhi standar.",
            "Inspeksi menemukan standar yang tidak dipenuhi.",
        ),
        Reason(
            "obligation_breached",
            "60",
            "Pelaku usaha melanggar kewajiban.",
            "Pengawasan menemukan kewajiban yang dilanggar.",
        ),
        Reason(
            "warning_ignored",
            "70",
            "Peringatan tidak ditindaklanjuti.",
            "Peringatan atau denda tidak ditindaklanjuti.",
        ),
        Reason("fine_imposed", "80", "Denda administratif dikenakan.", "Pelanggaran yang diancam denda."),
    )
}
"""Every published reason by its code."""


def reasons_for(status: str) -> tuple[str, ...]:
    """Give the codes of the reasons that lead to `status`; empty where a decision needs none."""
    return tuple(reason.code for reason in REASONS.values() if reason.status == status)


def allowed(status: str, *, overdue: bool) -> tuple[str, ...]:
    """Give the codes that may follow `status`, ascending.

    Args:
        overdue: whether the service time has lapsed, which opens `AUTOMATIC`.
    """
    known = STATUSES[status]
    return tuple(sorted((*known.following, AUTOMATIC))) if overdue and known.lapses else known.following


def is_repeated(status: str, reason_code: str | None, *, present: str, present_reason: str | None) -> bool:
    """Say whether a decision only says again what already holds: same status, same reason."""
    return (status, reason_code) == (present, present_reason)


def require_legal(status: str, reason_code: str | None, *, present: str, overdue: bool) -> None:
    """Let a decision pass if it is a legal step and is given for a reason that belongs to it.

    Args:
        status: where the decision leads to; a code of `STATUSES`.
        reason_code: the reason given, if any.
        present: the application's status before it.
        overdue: whether the service time has lapsed.

    Raises:
        Problem: 409 `transition_not_allowed`, 422 `reason_required` or `reason_not_for_status`.
    """
    following = allowed(present, overdue=overdue)
    if status not in following:
        raise _not_allowed(status, present, following)
    _require_reason(status, reason_code)


def _not_allowed(status: str, present: str, following: tuple[str, ...]) -> Problem:
    values = {"present": present, "name": STATUSES[present].name, "wanted": status}
    if not following:
        detail = _("Status {present} ({name}) is final, so it cannot become {wanted}. Nothing was changed.", **values)
    else:
        detail = _(
            "Status {present} ({name}) cannot become {wanted}. It may become: {allowed}. Nothing was changed.",
            **values,
            allowed=", ".join(following),
        )
    return Problem(409, "transition_not_allowed", detail)


def _require_reason(status: str, reason_code: str | None) -> None:
    listed = reasons_for(status)
    if reason_code is None and listed:
        code = "reason_required"
        text = _("Status {status} needs a reason_code, one of: {allowed}.", status=status, allowed=", ".join(listed))
    elif reason_code is not None and not listed:
        code = "reason_not_for_status"
        text = _("Status {status} takes no reason_code. Leave it out.", status=status)
    elif reason_code not in {*listed, None}:
        code = "reason_not_for_status"
        text = _(
            "This reason_code does not belong to status {status}, which takes one of: {allowed}.",
            status=status,
            allowed=", ".join(listed),
        )
    else:
        return
    raise Problem(422, code, text, errors=[FieldError("#/reason_code", code, text)])


def note_for(reason_code: str | None, given: str | None, status: str) -> str:
    """Give the sentence kept in the history: the caller's, else the reason's own, else the status's name."""
    if given:
        return given
    return REASONS[reason_code].title if reason_code else STATUSES[status].name


STATUS_CODES: tuple[str, ...] = get_args(StatusCode)
