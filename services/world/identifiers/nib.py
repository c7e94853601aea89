"""NIB, the number of a business: 13 digits without a check digit.

Source: every OSS payload (PIA 4.3.22) has it as string(13). Numbers of the risk-based era look like `DDMMYY` and a
serial of 7 (observed, not documented), older ones do not, so a validator may insist on 13 digits and nothing more.
Lab convention: day of issue and a serial from 9000000 on, far above what one day's issue can reach.
"""

import re
from dataclasses import dataclass
from datetime import date

from services.world.identifiers.digits import day_month_year
from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(r"[0-9]{13}")
"""The shape; use with `fullmatch`."""

FIRST_LAB_SERIAL = 9_000_000
LAST_LAB_SERIAL = 9_999_999


@dataclass(frozen=True, slots=True)
class Nib:
    """A NIB; `issued_on` and `serial` only where the digits can be read that way."""

    text: str
    issued_on: date | None
    serial: int | None


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a NIB: `digits`, `length`, both or none."""
    return digit_faults(text, 13)


def parse(text: str) -> Nib:
    """Take a NIB apart as far as it can be.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    try:
        issued_on = date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return Nib(text, None, None)
    return Nib(text, issued_on, int(text[6:]))


def compose(issued_on: date, serial: int) -> str:
    """Build a NIB of the lab from its day of issue (2000 to 2099) and a serial of 9000000 to 9999999."""
    return f"{day_month_year(issued_on)}{serial:07}"


def is_fictitious(text: str) -> bool:
    """Whether the serial is one of the lab's."""
    return len(text) == 13 and text[6] == "9"
