"""What the registry answers when it is asked whether data are right: obstacles, comparison, quota. Pure decisions.

Source: Permendagri 102/2019 (answers per element, never the record); the codes and their sentences are those that
clients of the real service meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from math import ceil
from typing import Any

from services.world.identifiers import InvalidIdentifier, nik, wilayah
from services.world.names import THRESHOLD, normalised, similarity

DEFAULT_THRESHOLD = THRESHOLD
DAILY_VERIFICATIONS = 10_000
"""Verifications that a sandbox may ask for on one day of its clock (a lab figure)."""

Facts = Mapping[str, str | None]
"""Registered values by the name of the element."""


class Obstacle(Enum):
    """Why a number cannot be verified: the `RESPONSE_CODE` and `RESPON` of the Dukcapil dialect."""

    MALFORMED = ("15", "Data Tidak Ditemukan, NIK tidak sesuai format Dukcapil")
    UNKNOWN = ("13", "Data Tidak Ditemukan, NIK tidak terdapat di database Kependudukan")
    DUPLICATE = ("12", "Data Ditemukan, Data Ganda")
    DECEASED = ("11", "Data Ditemukan, Meninggal Dunia")
    NON_ACTIVE = ("14", "Data Ditemukan, Status Non Aktif silahkan hubungi Dinas Dukcapil")
    QUOTA_EXHAUSTED = ("05", "Kuota akses hari ini telah habis")

    @property
    def code(self) -> str:
        """The `RESPONSE_CODE`."""
        return str(self.value[0])

    @property
    def sentence(self) -> str:
        """The `RESPON`."""
        return str(self.value[1])


def met(number: str, found: Sequence[Mapping[str, Any]]) -> Obstacle | None:
    """Give the obstacle that a number meets, or None: the first that applies of 15, 13, 12, 11 and 14.

    Args:
        number: the NIK as it was sent.
        found: the records with that number; two are enough.
    """
    if not found:
        return Obstacle.MALFORMED if nik.faults(number) else Obstacle.UNKNOWN
    if len(found) > 1:
        return Obstacle.DUPLICATE
    status = found[0]["status"]
    if status == "deceased":
        return Obstacle.DECEASED
    return Obstacle.NON_ACTIVE if status == "non_active" else None


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one element is as registered.

    Attributes:
        score: how alike two texts are, 0 to 100; None for elements that are simply equal or not.
    """

    element: str
    matches: bool
    score: int | None

    @property
    def sentence(self) -> str:
        """The finding in the dialect's words, such as `Sesuai (100)`."""
        word = "Sesuai" if self.matches else "Tidak Sesuai"
        return word if self.score is None else f"{word} ({self.score})"


TEXTS = frozenset({"name", "birth_place", "address", "NAMA_LGKP", "TMPT_LHR", "ALAMAT"})
"""Elements that get a score."""

_NUMBERED = frozenset({"NO_RT", "NO_RW"})


def compared(asked: Mapping[str, str], registered: Facts, threshold: int) -> list[Finding]:
    """Compare what was asked with what is registered, element by element, in the order of `asked`.

    Args:
        threshold: the lowest score at which a text counts as the same, 0 to 100.
    """
    return [_compared(element, value, registered[element] or "", threshold) for element, value in asked.items()]


def _compared(element: str, value: str, known: str, threshold: int) -> Finding:
    if element in TEXTS:
        score = similarity(value, known)
        return Finding(element, score >= threshold, score)
    if element in _NUMBERED:
        return Finding(element, value.strip().rjust(len(known), "0") == known, None)
    return Finding(element, normalised(value) == normalised(known), None)


def region_code(text: str) -> str | None:
    """Give a region code in dotted form, None for what is no region code."""
    try:
        return wilayah.dotted(text)
    except InvalidIdentifier:
        return None


def clean_facts(resident: Mapping[str, Any]) -> Facts:
    """Give what is registered, by the element names of the clean API."""
    return {
        "kk": resident["kk"],
        "name": resident["name"],
        "sex": resident["sex"],
        "birth_place": resident["birth_place"],
        "birth_on": resident["birth_on"],
        "marital_status": resident["marital_status"],
        "occupation": resident["occupation"],
        "address": resident["address"],
        "village_code": resident["village_code"],
    }


_SEXES = {"L": "LAKI-LAKI", "P": "PEREMPUAN"}
_EKTP = {
    "not_due": "BELUM WAJIB",
    "not_recorded": "BELUM REKAM",
    "recorded": "SUDAH REKAM",
    "printed": "SUDAH CETAK",
}


def day_first(iso_date: str | None) -> str | None:
    """Write an ISO date as the dialect does, `DD-MM-YYYY`."""
    return None if iso_date is None else date.fromisoformat(iso_date).strftime("%d-%m-%Y")


def dialect_facts(resident: Mapping[str, Any], region_names: Mapping[str, str]) -> dict[str, str | None]:
    """Give a record under the dialect's names: what `CALL_NIK` shows and what `CALL_VERIFY_BY_ELEMEN` compares with.

    Args:
        region_names: names of the province, city, district and village of residence, by dotted code.
    """
    province, city, district, village = resident["village_code"].split(".")
    return {
        "NIK": resident["nik"],
        "NO_KK": resident["kk"],
        "NAMA_LGKP": resident["name"],
        "JENIS_KLMIN": _SEXES[resident["sex"]],
        "TMPT_LHR": resident["birth_place"],
        "TGL_LHR": day_first(resident["birth_on"]),
        "AGAMA": resident["religion"],
        "GOL_DARAH": resident["blood_type"],
        "STATUS_KAWIN": resident["marital_status"],
        "STAT_HBKEL": resident["relationship"],
        "PDDK_AKH": resident["education"],
        "JENIS_PKRJN": resident["occupation"],
        "NAMA_LGKP_IBU": resident["mother_name"],
        "NAMA_LGKP_AYAH": resident["father_name"],
        "ALAMAT": resident["address"],
        "NO_RT": resident["rt"],
        "NO_RW": resident["rw"],
        "DUSUN": None,
        "KODE_POS": resident["postal_code"],
        "NO_PROP": province,
        "PROP_NAME": region_names[province].upper(),
        "NO_KAB": city,
        "KAB_NAME": region_names[f"{province}.{city}"].upper(),
        "NO_KEC": district,
        "KEC_NAME": region_names[f"{province}.{city}.{district}"].upper(),
        "NO_KEL": village,
        "KEL_NAME": region_names[resident["village_code"]].upper(),
        "EKTP_STATUS": _EKTP[resident["ektp_status"]],
        "EKTP_CREATED": day_first(resident["ektp_recorded_on"]),
        "NO_AKTA_LHR": resident["birth_certificate"],
    }


def seconds_to_midnight(now: datetime) -> int:
    """Give the time until the quota is full again: the next midnight of the sandbox clock, rounded up, in seconds."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return ceil((midnight - now).total_seconds())
