"""NIK, the number of a person: `PPKKCC DDMMYY NNNN`, with 40 added to the day for women.

Source: UU 23/2006 jo. UU 24/2013 and Perpres 62/2019 (place of first issue, birth date, serial). There is no check
digit. The region is where the number was *first issued*: it does not follow its owner to another city, so a prefix
that differs from the address is normal. That serial 0000 is never issued is common knowledge, not law.
"""

import re
from dataclasses import dataclass
from datetime import date

from services.world.entities import Sex
from services.world.identifiers.digits import TWO
from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(
    r"(?!0000)[1-9][0-9]{3}[0-9]{2}(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])(?:0[1-9]|1[0-2])[0-9]{2}(?!0000)[0-9]{4}"
)
"""The shape; use with `fullmatch`. It does not know the calendar: `faults` does."""

WOMEN_DAY_OFFSET = 40
FIRST_UNALLOCATED_DISTRICT = 90
"""No district (kecamatan) in Indonesia has a number from 90 on, so such a NIK cannot be a living person's."""


@dataclass(frozen=True, slots=True)
class Nik:
    """The parts of a well-formed NIK."""

    text: str
    region_code: str  # district of first issue, dotted: "76.79.90"
    day: int  # 1 to 31, the 40 of women already taken off
    month: int
    two_digit_year: int
    sex: Sex
    serial: int

    def birth_dates(self) -> tuple[date, ...]:
        """Birth dates that the number can stand for, older first; the century is not encoded."""
        return _dates(self.day, self.month, self.two_digit_year)

    def agrees_with_birth_date(self, birth_on: date) -> bool:
        """Whether day, month and two-digit year are those of `birth_on`."""
        return (self.day, self.month, self.two_digit_year) == (birth_on.day, birth_on.month, birth_on.year % 100)


def _dates(day: int, month: int, two_digit_year: int) -> tuple[date, ...]:
    found = []
    for century in (1900, 2000):
        try:
            found.append(date(century + two_digit_year, month, day))
        except ValueError:
            continue
    return tuple(found)


def _date_faults(text: str) -> tuple[str, ...]:
    day, month, year = int(text[6:8]), int(text[8:10]), int(text[10:12])
    day_is_possible = 1 <= day <= 31 or 41 <= day <= 71
    month_is_possible = 1 <= month <= 12
    reasons = [] if day_is_possible else ["day"]
    if not month_is_possible:
        reasons.append("month")
    if not reasons and not _dates(day % WOMEN_DAY_OFFSET, month, year):
        reasons.append("date")
    return tuple(reasons)


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a well-formed NIK.

    Returns:
        Any of `digits` (something else than 0-9, blanks included), `length`, `region` (begins with 0), `day`,
        `month`, `date` (30 February and the like), `serial` (0000); empty when it is well formed.
    """
    reasons = digit_faults(text, 16)
    if reasons:
        return reasons
    region = ("region",) if text[0] == "0" else ()
    serial = ("serial",) if text[12:] == "0000" else ()
    return region + _date_faults(text) + serial


def parse(text: str) -> Nik:
    """Take a NIK apart.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    day = int(text[6:8])
    return Nik(
        text=text,
        region_code=f"{text[:2]}.{text[2:4]}.{text[4:6]}",
        day=day % WOMEN_DAY_OFFSET,
        month=int(text[8:10]),
        two_digit_year=int(text[10:12]),
        sex="P" if day > WOMEN_DAY_OFFSET else "L",
        serial=int(text[12:]),
    )


def compose(district: str, birth_on: date, sex: Sex, serial: int) -> str:
    """Build a NIK.

    Args:
        district: Six digits of the district of first issue, undotted ("767990").
        birth_on: Birth date.
        sex: "L" or "P".
        serial: 1 to 9999.
    """
    day = birth_on.day + WOMEN_DAY_OFFSET if sex == "P" else birth_on.day
    high, low = divmod(serial, 100)
    return f"{district}{TWO[day]}{TWO[birth_on.month]}{TWO[birth_on.year % 100]}{TWO[high]}{TWO[low]}"


def is_fictitious(text: str) -> bool:
    """Whether a number of NIK or KK shape names a district that was never allocated (90 to 99)."""
    return len(text) == 16 and text[4:6].isdigit() and int(text[4:6]) >= FIRST_UNALLOCATED_DISTRICT
