"""No KK, the number of a family card: `PPKKCC DDMMYY NNNN`, where the date is the day the card was first issued.

Source: the same regulations as NIK. Unlike a NIK it has no offset for women, and it changes when the family moves or
splits. That the serial counts per district and day is common knowledge, not law.
"""

import re
from dataclasses import dataclass
from datetime import date

from services.world.identifiers.digits import day_month_year, four
from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(r"[1-9][0-9]{5}(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}(?!0000)[0-9]{4}")
"""The shape; use with `fullmatch`."""


@dataclass(frozen=True, slots=True)
class Kk:
    """The parts of a well-formed family card number."""

    text: str
    region_code: str  # issuing district, dotted
    issued_on: date  # cards in this format exist since the 2000s, so the century is certain
    serial: int


def _issued_on(text: str) -> date | None:
    try:
        return date(2000 + int(text[10:12]), int(text[8:10]), int(text[6:8]))
    except ValueError:
        return None


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a well-formed KK number: any of `digits`, `length`, `region`, `date`, `serial`."""
    reasons = digit_faults(text, 16)
    if reasons:
        return reasons
    region = ("region",) if text[0] == "0" else ()
    issued = ("date",) if _issued_on(text) is None else ()
    serial = ("serial",) if text[12:] == "0000" else ()
    return region + issued + serial


def parse(text: str) -> Kk:
    """Take a KK number apart.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    issued_on = None if reasons else _issued_on(text)
    if issued_on is None:
        raise InvalidIdentifier(text, reasons)
    return Kk(text, f"{text[:2]}.{text[2:4]}.{text[4:6]}", issued_on, int(text[12:]))


def compose(district: str, issued_on: date, serial: int) -> str:
    """Build a KK number from six undotted digits of a district, the card's date (from 2000) and a serial 1 to 9999."""
    return f"{district}{day_month_year(issued_on)}{four(serial)}"
