"""What people learned, what they do, and what their cards say, by age and sex.

The spellings are those of population records; the frequencies are the lab's.
"""

from datetime import date
from functools import cache
from typing import NamedTuple

from services.world.entities import EktpStatus, Sex
from services.world.randomness import Draw, pick, stream

EKTP_AGE = 17
_EKTP_DUE = EKTP_AGE * 366  # days
_RECORDING_BEGAN = date(2012, 1, 1).toordinal()
CIVIL_SERVANT = "PEGAWAI NEGERI SIPIL"
CONTRACT_SERVANT = "KARYAWAN HONORER"
RETIRED = "PENSIUNAN"
ENTREPRENEUR = "WIRASWASTA"

BLOOD_TYPES = (*("TIDAK TAHU",) * 8, *("O",) * 4, *("A",) * 3, *("B",) * 3, "AB", "O+", "A+", "B+", "AB+", "O-")

_CHILDREN = (
    (5, "TIDAK/BELUM SEKOLAH", "BELUM/TIDAK BEKERJA"),
    (6, "BELUM TAMAT SD/SEDERAJAT", "BELUM/TIDAK BEKERJA"),
    (13, "BELUM TAMAT SD/SEDERAJAT", "PELAJAR/MAHASISWA"),
    (16, "TAMAT SD/SEDERAJAT", "PELAJAR/MAHASISWA"),
    (19, "SLTP/SEDERAJAT", "PELAJAR/MAHASISWA"),
)
"""Below which age, what has been finished, and what is done."""

_ADULT_EDUCATION = (
    *("TAMAT SD/SEDERAJAT",) * 4,
    *("SLTP/SEDERAJAT",) * 4,
    *("SLTA/SEDERAJAT",) * 8,
    "DIPLOMA III/SARJANA MUDA",
    "DIPLOMA IV/STRATA I",
    "DIPLOMA IV/STRATA I",
    "STRATA II",
)
_SERVANT_EDUCATION = (
    "SLTA/SEDERAJAT",
    "DIPLOMA III/SARJANA MUDA",
    *("DIPLOMA IV/STRATA I",) * 4,
    "STRATA II",
)
_WORK: dict[Sex, tuple[str, ...]] = {
    "L": (
        *("PETANI/PEKEBUN",) * 6,
        *("NELAYAN/PERIKANAN",) * 3,
        *(ENTREPRENEUR,) * 5,
        *("KARYAWAN SWASTA",) * 4,
        *("BURUH HARIAN LEPAS",) * 2,
        "SOPIR",
        "TUKANG KAYU",
        "MEKANIK",
        "PEDAGANG",
        "BELUM/TIDAK BEKERJA",
    ),
    "P": (
        *("MENGURUS RUMAH TANGGA",) * 12,
        *(ENTREPRENEUR,) * 3,
        *("KARYAWAN SWASTA",) * 3,
        *("PETANI/PEKEBUN",) * 2,
        "PEDAGANG",
        "PENATA RIAS",
        "TUKANG JAHIT",
        "BELUM/TIDAK BEKERJA",
    ),
}


class Livelihood(NamedTuple):
    """What is drawn together about a resident."""

    education: str
    occupation: str
    blood_type: str


LIVELIHOODS = 512
_ADULT_FROM, _WORKER_FROM = 19, 23


def _adult_occupation(draw: Draw, sex: Sex, studying: float) -> str:
    return "PELAJAR/MAHASISWA" if draw() < studying else pick(draw, _WORK[sex])


@cache
def _children(schooling: str, does: str) -> tuple[Livelihood, ...]:
    draw = stream(0, 0)
    return tuple(Livelihood(schooling, does, pick(draw, BLOOD_TYPES)) for _ in range(LIVELIHOODS))


@cache
def livelihoods(age: int, sex: Sex) -> tuple[Livelihood, ...]:
    """`LIVELIHOODS` things that a person of that age in years and that sex may be; never a civil servant.

    One draw from this table settles three fields, which matters for a hundred thousand residents.
    """
    for below, schooling, does in _CHILDREN:
        if age < below:
            return _children(schooling, does)
    if age > _WORKER_FROM:
        return livelihoods(_WORKER_FROM, sex)
    if _ADULT_FROM < age < _WORKER_FROM:
        return livelihoods(_ADULT_FROM, sex)
    draw = stream(0, 0)
    studying = 0.5 if age < _WORKER_FROM else 0.0
    return tuple(
        Livelihood(pick(draw, _ADULT_EDUCATION), _adult_occupation(draw, sex, studying), pick(draw, BLOOD_TYPES))
        for _ in range(LIVELIHOODS)
    )


def servant_education(draw: Draw) -> str:
    """The highest education finished by a civil servant."""
    return pick(draw, _SERVANT_EDUCATION)


def ektp(chance: int, born: int, last_day: int) -> tuple[EktpStatus, date]:
    """State of the electronic identity card of someone of 17 years or more, and the day it was recorded.

    Everyone of that age has been recorded: only residents with status `non_active` have not.

    Args:
        chance: Any number; its remainder by 900 and by 8 are used.
        born: Birth date as an ordinal.
        last_day: Ordinal of the reference date, or of the day of death.
    """
    due = born + _EKTP_DUE
    recorded = (due if due > _RECORDING_BEGAN else _RECORDING_BEGAN) + chance % 900
    day = date.fromordinal(recorded if recorded < last_day else last_day - 1)
    return ("printed" if chance & 7 else "recorded"), day
