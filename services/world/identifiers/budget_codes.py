"""Codes of regional planning and finance: SKPD, programme to sub-activity, rekening, and their combination.

Source: Permendagri 90/2019 and its updates up to Kepmendagri 900.1.15.5-3406/2024.

- SKPD, 22 characters: `a.aa.b.bb.c.cc.UU.SSSS`, up to three fields of government (`0.00` for none), unit, sub-unit.
- Programme `U.BB.PP`, activity `U.BB.PP.K.NN` (K: 1 province, 2 regency or city), sub-activity `U.BB.PP.K.NN.NNNN`
  (four digits now, two until about 2023).
- Rekening, six levels: `A.K.JJ.OO.RR.SSSS`.
"""

import re
from dataclasses import dataclass

from services.world.identifiers.verdict import InvalidIdentifier

SKPD_PATTERN = re.compile(r"[1-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}")
PROGRAMME_PATTERN = re.compile(r"[1-8]\.[0-9]{2}\.[0-9]{2}")
ACTIVITY_PATTERN = re.compile(r"[1-8]\.[0-9]{2}\.[0-9]{2}\.[12]\.[0-9]{2}")
SUB_ACTIVITY_PATTERN = re.compile(r"[1-8]\.[0-9]{2}\.[0-9]{2}\.[12]\.[0-9]{2}\.[0-9]{4}")
OLD_SUB_ACTIVITY_PATTERN = re.compile(r"[1-8]\.[0-9]{2}\.[0-9]{2}\.[12]\.[0-9]{2}\.[0-9]{2}")
ACCOUNT_PATTERN = re.compile(r"[1-8]\.[0-9]\.[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}")

_ACCOUNT_LEVEL_ENDS = (1, 3, 6, 9, 12, 17)
"""Lengths of the account code of each of the six levels: "5", "5.1", "5.1.02", … "5.1.02.01.01.0024"."""


@dataclass(frozen=True, slots=True)
class SkpdCode:
    """The parts of an SKPD code."""

    text: str
    fields: tuple[str, ...]  # fields of government served, e.g. ("2.16", "2.20", "2.21")
    unit: int
    sub_unit: int  # 0 is the SKPD itself


def skpd_faults(text: str) -> tuple[str, ...]:
    """Why `text` is not an SKPD code: `shape`, or `fields` (a gap or a repetition among the three); else empty."""
    if not SKPD_PATTERN.fullmatch(text):
        return ("shape",)
    given = [text[0:4], text[5:9], text[10:14]]
    used = [field for field in given if field != "0.00"]
    has_gap = given[: len(used)] != used
    return ("fields",) if has_gap or len(set(used)) != len(used) else ()


def parse_skpd(text: str) -> SkpdCode:
    """Take an SKPD code apart.

    Raises:
        InvalidIdentifier: With the reasons of `skpd_faults`.
    """
    reasons = skpd_faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    fields = tuple(field for field in (text[0:4], text[5:9], text[10:14]) if field != "0.00")
    return SkpdCode(text, fields, int(text[15:17]), int(text[18:]))


def compose_skpd(fields: tuple[str, ...], unit: int = 1, sub_unit: int = 0) -> str:
    """Build an SKPD code from one to three fields of government ("2.16"), a unit and a sub-unit number."""
    padded = (*fields, "0.00", "0.00")[:3]
    return f"{'.'.join(padded)}.{unit:02}.{sub_unit:04}"


def account_faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a rekening of the lowest level (the one that carries money): `shape` or empty."""
    return () if ACCOUNT_PATTERN.fullmatch(text) else ("shape",)


def account_chain(text: str) -> tuple[str, ...]:
    """The codes of all six levels above and including a rekening, "5" first.

    Raises:
        InvalidIdentifier: If it is not of the lowest level.
    """
    reasons = account_faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    return tuple(text[:end] for end in _ACCOUNT_LEVEL_ENDS)


def sub_activity_faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a sub-activity of today: `old_form` (two digits at the end), `shape`, or empty."""
    if SUB_ACTIVITY_PATTERN.fullmatch(text):
        return ()
    return ("old_form",) if OLD_SUB_ACTIVITY_PATTERN.fullmatch(text) else ("shape",)


def sub_activity_chain(text: str) -> tuple[str, str, str]:
    """The codes of programme, activity and the sub-activity itself.

    Raises:
        InvalidIdentifier: With the reasons of `sub_activity_faults`.
    """
    reasons = sub_activity_faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    return text[:7], text[:12], text
