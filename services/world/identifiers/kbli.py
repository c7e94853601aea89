"""KBLI, the classification of business fields: five digits under a section A to U.

Source: Peraturan BPS 2/2020 (KBLI 2020); its divisions are those of ISIC Rev. 4. Risk is **not** a property of the code
alone, but of code and scale: see `services.world.business_fields`.
"""

import re
from dataclasses import dataclass

from services.world.identifiers.verdict import InvalidIdentifier, digit_faults

PATTERN = re.compile(r"[0-9]{5}")
"""The shape; use with `fullmatch`."""

_SECTIONS: tuple[tuple[str, int, int], ...] = (
    ("A", 1, 3),
    ("B", 5, 9),
    ("C", 10, 33),
    ("D", 35, 35),
    ("E", 36, 39),
    ("F", 41, 43),
    ("G", 45, 47),
    ("H", 49, 53),
    ("I", 55, 56),
    ("J", 58, 63),
    ("K", 64, 66),
    ("L", 68, 68),
    ("M", 69, 75),
    ("N", 77, 82),
    ("O", 84, 84),
    ("P", 85, 85),
    ("Q", 86, 88),
    ("R", 90, 93),
    ("S", 94, 96),
    ("T", 97, 98),
    ("U", 99, 99),
)


@dataclass(frozen=True, slots=True)
class Kbli:
    """A KBLI code and its place in the hierarchy."""

    text: str
    section: str  # "A" to "U"
    division: str  # first two digits


def _section(division: int) -> str | None:
    return next((letter for letter, first, last in _SECTIONS if first <= division <= last), None)


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a KBLI code: `digits`, `length`, or `division` (no such division); not whether it is listed."""
    reasons = digit_faults(text, 5)
    if reasons:
        return reasons
    return ("division",) if _section(int(text[:2])) is None else ()


def parse(text: str) -> Kbli:
    """Read a KBLI code.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    section = None if reasons else _section(int(text[:2]))
    if section is None:
        raise InvalidIdentifier(text, reasons)
    return Kbli(text, section, text[:2])
