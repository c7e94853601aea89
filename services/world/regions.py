"""The territory of Kota Digital Sejahtera, and the other places that its people may come from.

No number from 71 is allocated to a city in Sulawesi Barat (76), and no district anywhere has a number from 90 on, so
neither 76.79 nor any district or village below is a real place.
"""

from functools import cache

from services.world.entities import Region, RegionLevel

PROVINCE_CODE = "76"
PROVINCE_NAME = "Sulawesi Barat"
CITY_CODE = "76.79"
CITY_NAME = "Kota Digital Sejahtera"
CITY_PLAIN = "7679"

_DISTRICTS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "90",
        "Simpul Raya",
        (("1001", "Gerbang Data"), ("1002", "Kanal Biru"), ("1003", "Simpul Kota"), ("2004", "Lontar Indah")),
    ),
    (
        "91",
        "Awan Biru",
        (("1001", "Awan Timur"), ("1002", "Awan Barat"), ("1003", "Pijar Pagi"), ("2004", "Ladang Awan")),
    ),
    (
        "92",
        "Teluk Sandi",
        (("1001", "Muara Sandi"), ("1002", "Sandi Utama"), ("2003", "Pasir Kunci"), ("2004", "Karang Isyarat")),
    ),
    (
        "93",
        "Bukit Sinyal",
        (("1001", "Puncak Sinyal"), ("2002", "Lembah Gema"), ("2003", "Menara Jati"), ("2004", "Sumber Gelombang")),
    ),
    (
        "94",
        "Karya Data",
        (("1001", "Karya Mulya"), ("1002", "Arsip Baru"), ("2003", "Sawah Berkas"), ("2004", "Telaga Data")),
    ),
    (
        "95",
        "Lontar Jaya",
        (("1001", "Lontar Pusat"), ("2002", "Tapak Lontar"), ("2003", "Rimba Aksara"), ("2004", "Pesisir Aksara")),
    ),
)

DISTRICT_COUNT = len(_DISTRICTS)

HOME_BIRTH_PLACES = (
    *("DIGITAL SEJAHTERA",) * 12,
    "MAMUJU",
    "MAMUJU",
    "MAJENE",
    "POLEWALI",
    "MAMASA",
    "PASANGKAYU",
    "TOPOYO",
    "WONOMULYO",
)
"""Where people with a NIK of this city were born, by frequency: being born elsewhere is no contradiction."""

ORIGINS: tuple[tuple[str, str], ...] = (
    ("7601", "PASANGKAYU"),
    ("7602", "MAMUJU"),
    ("7603", "MAMASA"),
    ("7604", "POLEWALI"),
    ("7605", "MAJENE"),
    ("7606", "TOPOYO"),
    ("3204", "BANDUNG"),
    ("3271", "BOGOR"),
    ("3273", "BANDUNG"),
    ("3275", "BEKASI"),
    ("3276", "DEPOK"),
    ("3278", "TASIKMALAYA"),
)
"""Regencies and cities where people who moved here got their NIK (with district 90 to 99), and their birth place."""


def _region(code: str, name: str, level: RegionLevel, kind: str, postal_code: str | None = None) -> Region:
    return Region(code, code.replace(".", ""), name, level, kind, code.rpartition(".")[0] or None, postal_code)


@cache
def villages() -> tuple[tuple[Region, ...], ...]:
    """The villages of each district, by the district's place 0 … 5.

    Their postal codes begin with 0, as no Indonesian one does; they are texts, like every code.
    """
    return tuple(
        tuple(
            _region(
                f"{CITY_CODE}.{number}.{village}",
                name,
                "village",
                "kelurahan" if village[0] == "1" else "desa",
                f"00{number}{village[3]}",
            )
            for village, name in below
        )
        for number, _, below in _DISTRICTS
    )


@cache
def all_regions() -> tuple[Region, ...]:
    """Province, city, districts and villages, each before those below it."""
    districts = tuple(_region(f"{CITY_CODE}.{number}", name, "district", "kecamatan") for number, name, _ in _DISTRICTS)
    return (
        _region(PROVINCE_CODE, PROVINCE_NAME, "province", "provinsi"),
        _region(CITY_CODE, CITY_NAME, "city", "kota"),
        *districts,
        *(village for below in villages() for village in below),
    )


def district_plain(place: int) -> str:
    """Six digits of the district at place 0 … 5, as NIK and KK begin with."""
    return f"{CITY_PLAIN}{_DISTRICTS[place][0]}"
