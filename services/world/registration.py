"""Numbers that the population registry gives, unique by construction.

The families of a district count 0, 1, 2 … (`family // 6`). The serial within a NIK or KK is that count, shuffled by the
date in the number, so that two families can never share a number and none needs to know the others. People who got
their NIK elsewhere count all families of the city instead. NIK serials end at 4999, KK serials begin at 5000.
"""

from datetime import date

from services.world.entities import Sex
from services.world.identifiers import kk as kk_number
from services.world.identifiers import nik as nik_number
from services.world.regions import DISTRICT_COUNT, district_plain

SERIALS = 4999
"""A prime, and not less than the number of families in one district of a large city."""

UNKNOWN_SERIAL = 9999
"""A NIK serial that no resident has."""

_DISTRICTS = tuple(district_plain(place) for place in range(DISTRICT_COUNT))


def _serial(count: int, day: int) -> int:
    """1 … 4999; on one day no two counts below 4999 give the same."""
    return (count * 2477 + day * 131) % SERIALS + 1


def home_nik(family: int, birth_on: date, sex: Sex) -> str:
    """The NIK of a member who was first registered in the district where the family lives."""
    count, place = divmod(family, DISTRICT_COUNT)
    return nik_number.compose(_DISTRICTS[place], birth_on, sex, _serial(count, birth_on.toordinal()))


def foreign_nik(family: int, origin: str, birth_on: date, sex: Sex) -> str:
    """A NIK issued in another regency or city (its 4 digits), in a district there that does not exist."""
    block, count = divmod(family, SERIALS)
    district = f"{origin}{nik_number.FIRST_UNALLOCATED_DISTRICT + block}"
    return nik_number.compose(district, birth_on, sex, _serial(count, birth_on.toordinal()))


def unknown_nik(family: int, birth_on: date, sex: Sex) -> str:
    """A well-formed NIK of the family's district that nobody has."""
    return nik_number.compose(_DISTRICTS[family % DISTRICT_COUNT], birth_on, sex, UNKNOWN_SERIAL)


def family_card(family: int, issued_on: date) -> str:
    """The KK number of a card that was issued on that day."""
    count, place = divmod(family, DISTRICT_COUNT)
    return kk_number.compose(_DISTRICTS[place], issued_on, SERIALS + _serial(count, issued_on.toordinal()))
