"""NPWP, the taxpayer number, in its old form of 15 and its new form of 16 digits.

15 digits: kind (2), serial (6), check digit (Luhn over the first 8), tax office (3), branch (3, 000 = head office);
printed `99.999.999.9-999.999`. 16 digits: for persons their NIK, for all others `0` and the old 15 digits.

Source: PMK 112/PMK.03/2022 jo. PMK 136/2023; the check digit as implemented by published validators. The lab gives
only numbers of tax office 999, which does not exist.
"""

import re
from dataclasses import dataclass

from services.world.identifiers import nik
from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(r"[0-9]{15,16}")
"""The bare shape; use with `fullmatch` on a text without separators."""

LAB_TAX_OFFICE = "999"
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Sum of the digits of twice a digit."""

_SEPARATORS = re.compile(r"[.\- ]")


@dataclass(frozen=True, slots=True)
class Npwp:
    """The parts of a valid NPWP. For a person's 16 digits only `text` and `nik` are filled."""

    text: str  # digits only, 15 or 16
    nik: str | None
    body: str | None  # kind and serial, 8 digits
    tax_office: str | None
    branch: str | None


def luhn_digit(digits: str) -> str:
    """The digit which, put behind `digits`, makes their Luhn sum divisible by ten."""
    doubled = sum(_DOUBLED[int(digit)] for digit in digits[::-2])
    return str(-(doubled + sum(map(int, digits[-2::-2]))) % 10)


def compact(text: str) -> str:
    """The digits of a printed NPWP, without full stops, dashes and blanks."""
    return _SEPARATORS.sub("", text)


def faults(text: str) -> tuple[str, ...]:
    """Why `text` (printed or compact) is not a valid NPWP.

    Returns:
        Any of `digits`, `length` (neither 15 nor 16), `check_digit`, or for 16 digits that do not begin with 0 the
        reasons of `nik.faults` behind `nik_`; empty when it is valid.
    """
    digits = compact(text)
    reasons = digit_faults(digits, 16 if len(digits) == 16 else 15)
    if reasons:
        return reasons
    if len(digits) == 16 and digits[0] != "0":
        return tuple(f"nik_{reason}" for reason in nik.faults(digits))
    old_form = digits[-15:]
    return () if luhn_digit(old_form[:8]) == old_form[8] else ("check_digit",)


def parse(text: str) -> Npwp:
    """Take an NPWP of 15 or 16 digits, printed or compact, apart.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    digits = compact(text)
    if len(digits) == 16 and digits[0] != "0":
        return Npwp(digits, digits, None, None, None)
    old_form = digits[-15:]
    return Npwp(digits, None, old_form[:8], old_form[9:12], old_form[12:])


def compose(body: str, branch: str = "000") -> str:
    """Build the 15-digit form from kind and serial (8 digits), at the lab's tax office that does not exist."""
    return f"{body}{luhn_digit(body)}{LAB_TAX_OFFICE}{branch}"


def widen(fifteen: str) -> str:
    """The 16-digit form of a 15-digit NPWP that is not a person's. The Luhn digit stays right."""
    return f"0{fifteen}"


def printed(fifteen: str) -> str:
    """The printed form `99.999.999.9-999.999` of 15 digits."""
    return f"{fifteen[:2]}.{fifteen[2:5]}.{fifteen[5:8]}.{fifteen[8]}-{fifteen[9:12]}.{fifteen[12:]}"


def is_fictitious(text: str) -> bool:
    """Whether a number belongs to the lab: tax office 999, or a person's NIK that cannot be real."""
    digits = compact(text)
    if len(digits) == 16 and digits[0] != "0":
        return nik.is_fictitious(digits)
    return digits[-6:-3] == LAB_TAX_OFFICE
