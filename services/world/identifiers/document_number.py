"""Numbers of the treasury documents SPD, SPP, SPM and SP2D, as regional finance writes them.

Shape: `{region}/{document}/{sequence of 6}/{UP|GU|TU|LS}/{SKPD code}/{stage}/{month}/{year}`, for example
`76.79/04.0/000025/LS/2.16.2.20.2.21.01.0000/M/4/2026`. Observed on real documents for SPP (02.0), SPM (03.0) and SP2D
(04.0). That an SPD is 01.0 and has no payment kind is the lab's convention. Slashes must be percent-encoded in paths.
"""

import re
from dataclasses import dataclass
from typing import Literal

from services.world.identifiers.verdict import InvalidIdentifier

DocumentKind = Literal["SPD", "SPP", "SPM", "SP2D"]

PATTERN = re.compile(
    r"(?P<region>[1-9][0-9]\.[0-9]{2})/(?P<kind>0[1-4]\.0)/(?P<sequence>[0-9]{6})/(?:(?P<payment>UP|GU|TU|LS)/)?"
    r"(?P<skpd>[1-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-8]\.[0-9]{2}\.[0-9]{2}\.[0-9]{4})/(?P<stage>M|P\.[0-9]{2})/"
    r"(?P<month>[1-9]|1[0-2])/(?P<year>20[0-9]{2})"
)
"""The shape; use with `fullmatch`."""

_CODES: dict[DocumentKind, str] = {"SPD": "01.0", "SPP": "02.0", "SPM": "03.0", "SP2D": "04.0"}
_KINDS: dict[str, DocumentKind] = {code: kind for kind, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """The parts of a treasury document's number."""

    region_code: str
    kind: DocumentKind
    sequence: int
    payment: str | None  # None for an SPD
    skpd_code: str
    stage: str  # "M" for the original budget, "P.02" and so on after a change
    month: int
    year: int


def parse(text: str) -> DocumentNumber:
    """Take a document number apart.

    Raises:
        InvalidIdentifier: With the reason `shape`, or `payment` when a kind of payment is missing or out of place.
    """
    found = PATTERN.fullmatch(text)
    if found is None:
        raise InvalidIdentifier(text, ("shape",))
    kind = _KINDS[found["kind"]]
    if (found["payment"] is None) != (kind == "SPD"):
        raise InvalidIdentifier(text, ("payment",))
    return DocumentNumber(
        region_code=found["region"],
        kind=kind,
        sequence=int(found["sequence"]),
        payment=found["payment"],
        skpd_code=found["skpd"],
        stage=found["stage"],
        month=int(found["month"]),
        year=int(found["year"]),
    )


def compose(number: DocumentNumber) -> str:
    """Write a document number; the opposite of `parse`."""
    payment = "" if number.payment is None else f"{number.payment}/"
    return (
        f"{number.region_code}/{_CODES[number.kind]}/{number.sequence:06}/{payment}{number.skpd_code}/"
        f"{number.stage}/{number.month}/{number.year}"
    )
