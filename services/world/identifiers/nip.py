"""NIP of civil servants (PNS) and NI PPPK of contract servants, both 18 digits.

PNS: birth `YYYYMMDD`, start `YYYYMM`, sex (1 man, 2 woman), serial of 3.
PPPK: birth `YYYYMMDD`, contract year `YYYY`, two digits that are **not** a month (commonly 21), sex, serial of 3.

Source: Perka BKN 22/2007 for the PNS form; the PPPK form and the age of at least 18 at the start are observed
practice. Printed as `YYYYMMDD YYYYMM X NNN`. The lab gives serials 900 to 999 only.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.world.entities import Sex
from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(r"(?:19|20)[0-9]{6}[0-9]{6}[12][0-9]{3}")
"""The shape of both kinds; use with `fullmatch`."""

PPPK_MARK = 21
_SEX_DIGIT: dict[Sex, str] = {"L": "1", "P": "2"}
_MINIMUM_AGE = 18


@dataclass(frozen=True, slots=True)
class Nip:
    """The parts of a well-formed NIP or NI PPPK."""

    text: str
    kind: Literal["pns", "pppk"]
    birth_on: date
    start_year: int
    start_month: int | None  # None for PPPK
    sex: Sex
    serial: int


def _birth_on(text: str) -> date | None:
    try:
        birth_on = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
    return birth_on if 1900 <= birth_on.year < 2100 else None


def _start_month(text: str) -> int | None:
    month = int(text[12:14])
    return month if 1 <= month <= 12 else None


def _is_of_age(birth_on: date, text: str) -> bool:
    """PNS must be 18 in the month of their start; for PPPK only the year is known, so its end counts."""
    month = _start_month(text) or 12
    return (int(text[8:12]), month) >= (birth_on.year + _MINIMUM_AGE, birth_on.month)


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a well-formed NIP.

    Returns:
        Any of `digits`, `length`, `birth_date`, `start` (before the 18th birthday, or digits 13 and 14 are 00),
        `sex`; empty when it is well formed. Digits 13 and 14 above 12 are right for PPPK.
    """
    reasons = digit_faults(text, 18)
    if reasons:
        return reasons
    birth_on = _birth_on(text)
    found = ["birth_date"] if birth_on is None else []
    if text[12:14] == "00" or (birth_on is not None and not _is_of_age(birth_on, text)):
        found.append("start")
    if text[14] not in "12":
        found.append("sex")
    return tuple(found)


def parse(text: str) -> Nip:
    """Take a NIP or NI PPPK apart.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    birth_on = None if reasons else _birth_on(text)
    if birth_on is None:
        raise InvalidIdentifier(text, reasons)
    month = _start_month(text)
    return Nip(
        text=text,
        kind="pppk" if month is None else "pns",
        birth_on=birth_on,
        start_year=int(text[8:12]),
        start_month=month,
        sex="L" if text[14] == "1" else "P",
        serial=int(text[15:]),
    )


def compose_pns(birth_on: date, start_year: int, start_month: int, sex: Sex, serial: int) -> str:
    """Build the NIP of a civil servant; `serial` is 900 to 999 in the lab."""
    return f"{birth_on:%Y%m%d}{start_year:04}{start_month:02}{_SEX_DIGIT[sex]}{serial:03}"


def compose_pppk(birth_on: date, contract_year: int, sex: Sex, serial: int, mark: int = PPPK_MARK) -> str:
    """Build the number of a contract servant; `mark` stands where a PNS has a month and is 13 to 99."""
    return f"{birth_on:%Y%m%d}{contract_year:04}{mark:02}{_SEX_DIGIT[sex]}{serial:03}"


def is_fictitious(text: str) -> bool:
    """Whether the serial is one of the lab's (900 to 999)."""
    return len(text) == 18 and text[15] == "9"
