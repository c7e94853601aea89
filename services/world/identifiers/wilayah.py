"""Kode wilayah, the Kemendagri region code: `PP.KK.CC.VVVV`, written with or without full stops.

Source: Kepmendagri 300.2.2-2138/2025 as amended by 300.2.2-2430/2025 (38 provinces). Regencies are numbered below
71, cities from 71. A village's first digit tells its kind: 1 kelurahan, 2 desa, 3 desa adat. BPS uses codes of the same
shape for partly other places: this module knows Kemendagri's only.
"""

import re
from dataclasses import dataclass
from typing import Literal

from services.world.entities import RegionLevel
from services.world.identifiers.verdict import InvalidIdentifier

PATTERN = re.compile(r"[1-9][0-9](?:\.[0-9]{2}(?:\.[0-9]{2}(?:\.[123][0-9]{3})?)?)?")
"""The dotted shape of any level; use with `fullmatch`. `plain` forms have 2, 4, 6 or 10 digits."""

PROVINCES = {
    "11": "Aceh",
    "12": "Sumatera Utara",
    "13": "Sumatera Barat",
    "14": "Riau",
    "15": "Jambi",
    "16": "Sumatera Selatan",
    "17": "Bengkulu",
    "18": "Lampung",
    "19": "Kepulauan Bangka Belitung",
    "21": "Kepulauan Riau",
    "31": "Daerah Khusus Ibukota Jakarta",
    "32": "Jawa Barat",
    "33": "Jawa Tengah",
    "34": "Daerah Istimewa Yogyakarta",
    "35": "Jawa Timur",
    "36": "Banten",
    "51": "Bali",
    "52": "Nusa Tenggara Barat",
    "53": "Nusa Tenggara Timur",
    "61": "Kalimantan Barat",
    "62": "Kalimantan Tengah",
    "63": "Kalimantan Selatan",
    "64": "Kalimantan Timur",
    "65": "Kalimantan Utara",
    "71": "Sulawesi Utara",
    "72": "Sulawesi Tengah",
    "73": "Sulawesi Selatan",
    "74": "Sulawesi Tenggara",
    "75": "Gorontalo",
    "76": "Sulawesi Barat",
    "81": "Maluku",
    "82": "Maluku Utara",
    "91": "Papua",
    "92": "Papua Barat",
    "93": "Papua Selatan",
    "94": "Papua Tengah",
    "95": "Papua Pegunungan",
    "96": "Papua Barat Daya",
}
"""The 38 provinces by code."""

_LEVELS: dict[int, RegionLevel] = {2: "province", 4: "city", 6: "district", 10: "village"}
_VILLAGE_KINDS: dict[str, Literal["kelurahan", "desa", "desa adat"]] = {
    "1": "kelurahan",
    "2": "desa",
    "3": "desa adat",
}
FIRST_CITY_NUMBER = 71


@dataclass(frozen=True, slots=True)
class RegionCode:
    """A region code in both spellings."""

    dotted: str
    plain: str
    level: RegionLevel  # "city" stands for regencies too
    kind: str  # "provinsi", "kabupaten", "kota", "kecamatan", "kelurahan", "desa" or "desa adat"

    def parent(self) -> str | None:
        """The dotted code of the region above, None for a province."""
        return self.dotted.rpartition(".")[0] or None


def faults(text: str) -> tuple[str, ...]:
    """Why `text` is not a region code.

    Returns:
        One of `digits`, `shape` (full stops in the wrong place, or 3, 5, 7 … digits), `province` (none of the 38),
        `village_kind`; empty when it is one. Whether such a region exists below the province is not checked.
    """
    plain_text = text.replace(".", "")
    if not (plain_text.isascii() and plain_text.isdigit()):
        return ("digits",)
    if len(plain_text) not in _LEVELS or text not in {plain_text, _dotted(plain_text)}:
        return ("shape",)
    if plain_text[:2] not in PROVINCES:
        return ("province",)
    return ("village_kind",) if len(plain_text) == 10 and plain_text[6] not in _VILLAGE_KINDS else ()


def _dotted(plain_text: str) -> str:
    parts = [plain_text[:2], plain_text[2:4], plain_text[4:6], plain_text[6:]]
    return ".".join(part for part in parts if part)


def _kind(plain_text: str) -> str:
    if len(plain_text) == 10:
        return _VILLAGE_KINDS[plain_text[6]]
    if len(plain_text) == 4:
        return "kota" if int(plain_text[2:]) >= FIRST_CITY_NUMBER else "kabupaten"
    return "kecamatan" if len(plain_text) == 6 else "provinsi"


def parse(text: str) -> RegionCode:
    """Read a region code in either spelling.

    Raises:
        InvalidIdentifier: With the reasons of `faults`.
    """
    reasons = faults(text)
    if reasons:
        raise InvalidIdentifier(text, reasons)
    plain_text = text.replace(".", "")
    return RegionCode(_dotted(plain_text), plain_text, _LEVELS[len(plain_text)], _kind(plain_text))


def dotted(text: str) -> str:
    """The dotted spelling of a code in either spelling; raises `InvalidIdentifier`."""
    return parse(text).dotted


def plain(text: str) -> str:
    """The undotted spelling of a code in either spelling; raises `InvalidIdentifier`."""
    return parse(text).plain
