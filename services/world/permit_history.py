"""What has happened to an application: legal paths through the OSS status codes, with their days and actors.

Codes and meanings are those of Lampiran 10 of the OSS integration guide (PIA 4.3.22). That these are the paths is the
lab's reading; the permits agency's own rules must allow every step in `PATHS`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Literal

from services.world.entities import Risk, StatusChange
from services.world.minting import minter
from services.world.randomness import Draw, between, pick

WITA = timezone(timedelta(hours=8), "WITA")
QUEUE_STATUS = "20"

_START = ("05", "10", "20")
_VERIFIED = (*_START, "45")
_CONFIRMING = (*_START, "41")
_PAYING = (*_VERIFIED, "30", "31", "32")
_GRANTED = (*_VERIFIED, "49", "50")

PATHS: tuple[tuple[str, ...], ...] = (
    ("05",),
    ("05", "11", "09"),
    ("05", "10"),
    ("05", "11"),
    ("05", "10", "12"),
    _PAYING[:-2],
    _PAYING[:-1],
    _PAYING,
    (*_PAYING, "33"),
    (*_PAYING, "34"),
    (*_VERIFIED, "40"),
    _CONFIRMING,
    (*_CONFIRMING, "42"),
    (*_CONFIRMING, "42", "43"),
    (*_CONFIRMING, "42", "43", "44"),
    _VERIFIED,
    (*_VERIFIED, "49"),
    (*_VERIFIED, "52"),
    (*_START, "57"),
    (*_GRANTED, "60"),
    (*_GRANTED, "60", "70"),
    (*_GRANTED, "60", "80"),
    (*_VERIFIED, "40", "90"),
    (*_START, "93"),
    (*_CONFIRMING, "93"),
    _GRANTED,
)
"""One path to each status an application can be in, but for the queue; the first applications take one each."""

_USUAL_PATHS = (
    *(_GRANTED,) * 6,
    (*_VERIFIED, "40", "49", "50"),
    (*_VERIFIED, "40", "49", "50"),
    (*_PAYING, "33", "49", "50"),
    (*_CONFIRMING, "42", "45", "49", "50"),
    (*_CONFIRMING, "93"),
    (*_START, "93"),
    (*_VERIFIED, "40", "90"),
)
AUTOMATIC_PATH = _GRANTED

SETTLED = frozenset({"50", "57", "60", "70", "80", "90", "93"})
GRANTED = frozenset({"50", "57", "60", "70", "80"})
"""Statuses of applications that were granted, whatever came after."""

_ACTORS: dict[str, Literal["oss", "applicant", "officer"]] = {
    **dict.fromkeys(("05", "10", "20", "57"), "oss"),
    **dict.fromkeys(("09", "12", "31", "32", "42", "44"), "applicant"),
}

_NOTES = {
    "05": "Permohonan diterima dan sedang ditapis.",
    "09": "Pemohon telah melengkapi persyaratan.",
    "10": "Dokumen persyaratan lengkap.",
    "11": "Dokumen persyaratan belum lengkap; pemohon diminta melengkapi.",
    "12": "Pemohon sedang memenuhi komitmen.",
    "20": "Permohonan menunggu validasi.",
    "30": "Menunggu pembayaran retribusi.",
    "31": "Pemohon mengonfirmasi pembayaran.",
    "32": "Bukti bayar diunggah dan menunggu verifikasi.",
    "33": "Pembayaran disetujui.",
    "34": "Bukti bayar tidak terbaca; pemohon diminta memperbaiki.",
    "40": "Inspeksi lapangan dijadwalkan.",
    "41": "Pemohon diminta mengonfirmasi persyaratan.",
    "42": "Pemohon mengirim data konfirmasi.",
    "43": "Data konfirmasi belum cukup; pemohon diminta mengulang.",
    "44": "Pemohon mengirim ulang data konfirmasi.",
    "45": "Persyaratan terverifikasi.",
    "49": "Nomor izin diambil.",
    "50": "Permohonan disetujui.",
    "52": "Izin terbit sementara.",
    "57": "Permohonan disetujui otomatis karena batas waktu terlampaui.",
    "60": "Peringatan atas kewajiban yang belum dipenuhi.",
    "70": "Kegiatan usaha dihentikan sementara.",
    "80": "Denda administratif dikenakan.",
    "90": "Permohonan ditolak setelah inspeksi.",
    "93": "Persyaratan ditolak.",
}

_WAIT_DAYS: dict[Risk, int] = {"R": 4, "MR": 8, "MT": 15, "T": 28}
"""Days after which an unanswered application counts as approved: more than the service time of its risk."""

_QUEUE_DAYS: dict[Risk, int] = {"R": 2, "MR": 2, "MT": 7, "T": 16}
"""Days that an application may have waited: all in the queue are still within their service time."""

_new_change = minter(StatusChange)


def handled_path(draw: Draw, position: int) -> tuple[str, ...]:
    """The statuses that an application outside the queue went through; the first positions cover all of them."""
    return PATHS[position] if position < len(PATHS) else pick(draw, _USUAL_PATHS)


def _days(draw: Draw, path: Sequence[str], risk: Risk) -> list[int]:
    """On which day each step was taken, the first on day 0."""
    days = [0]
    for status in path[1:]:
        pause = _WAIT_DAYS[risk] if status == "57" else (60 if status == "60" else int(draw() < 0.3))
        days.append(days[-1] + pause)
    return days


def queue_history(draw: Draw, today: datetime, risk: Risk) -> tuple[StatusChange, ...]:
    """The steps of an application that waits for validation, all on one day and within its service time."""
    back = between(draw, 1, _QUEUE_DAYS[risk])
    return _dated(draw, _START, [0, 0, 0], today - timedelta(days=back), "")


def handled_history(
    draw: Draw, path: Sequence[str], today: datetime, risk: Risk, officer: str
) -> tuple[StatusChange, ...]:
    """The steps of an application outside the queue.

    Args:
        draw: Chance.
        path: Status codes in their order.
        today: Midnight of the reference date; all steps lie before it.
        risk: Of the business, which decides how long silence takes to become a yes.
        officer: NIP of the officer who handles it, "oss" when no officer does.
    """
    back = between(draw, 5, 400) if path[-1] in SETTLED else between(draw, 1, 2)
    days = _days(draw, path, risk)
    return _dated(draw, path, days, today - timedelta(days=back + days[-1]), officer)


def _dated(
    draw: Draw, path: Sequence[str], days: Sequence[int], first_day: datetime, officer: str
) -> tuple[StatusChange, ...]:
    changes = []
    minute = 480  # offices open at eight
    previous = 0
    for status, day in zip(path, days, strict=True):
        minute = minute if day == previous else 480
        minute += 1 + int(draw() * 70)
        previous = day
        at = first_day + timedelta(day, 60 * minute + int(draw() * 60))
        actor: str = _ACTORS.get(status, "officer")
        if officer == "oss" or actor == "officer":
            actor = officer
        changes.append(_new_change(status=status, at=at, actor=actor, note=_NOTES[status]))
    return tuple(changes)
