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

_COUNT_STEP, _DAY_STEP = 2477, 131
_DISTRICTS = tuple(district_plain(place) for place in range(DISTRICT_COUNT))


def _serial(count: int, day: int) -> int:
    """1 … 4999; on one day no two counts below 4999 give the same."""
    return (count * _COUNT_STEP + day * _DAY_STEP) % SERIALS + 1


class DistrictNumbers:
    """Gives the numbers of one family in the district where it lives."""

    __slots__ = ("_count", "_district", "_offset")

    def __init__(self, family: int) -> None:
        count, place = divmod(family, DISTRICT_COUNT)
        self._count = count
        self._offset = count * _COUNT_STEP
        self._district = _DISTRICTS[place]

    def nik(self, birth_on: date, sex: Sex) -> str:
        """The NIK of a member who was first registered in this district."""
        serial = (self._offset + birth_on.toordinal() * _DAY_STEP) % SERIALS + 1  # `_serial`, without the call
        return nik_number.compose(self._district, birth_on, sex, serial)

    def unknown_nik(self, birth_on: date, sex: Sex) -> str:
        """A well-formed NIK of this district that nobody has."""
        return nik_number.compose(self._district, birth_on, sex, UNKNOWN_SERIAL)

    def family_card(self, issued_on: date) -> str:
        """The KK number of a card that was issued to this family on that day."""
        return kk_number.compose(self._district, issued_on, SERIALS + _serial(self._count, issued_on.toordinal()))


def foreign_nik(family: int, origin: str, birth_on: date, sex: Sex) -> str:
    """A NIK issued in another regency or city (its 4 digits), in a district there that does not exist."""
    block, count = divmod(family, SERIALS)
    district = f"{origin}{nik_number.FIRST_UNALLOCATED_DISTRICT + block}"
    return nik_number.compose(district, birth_on, sex, _serial(count, birth_on.toordinal()))
