"""Providers of numbers that people and businesses have: NIK, KK, NIP and NI PPPK, NPWP, NIB."""

from datetime import date, timedelta

from faker.providers import BaseProvider

from services.world.entities import Sex
from services.world.identifiers import kk as kk_number
from services.world.identifiers import nib as nib_number
from services.world.identifiers import nik as nik_number
from services.world.identifiers import nip as nip_number
from services.world.identifiers import npwp as npwp_number
from services.world.regions import DISTRICT_COUNT, district_plain

_OLDEST = date(1950, 1, 1)
_DAYS_OF_ADULTS = 19_000  # up to the beginning of 2002
_DAYS_OF_NUMBERS = 6_000  # from 2010 on
_FIRST_NUMBER = date(2010, 1, 1)


class _Provider(BaseProvider):
    """What these providers share: fictitious districts, birth dates without a clock, sexes."""

    def _district(self) -> str:
        return district_plain(self.random_int(0, DISTRICT_COUNT - 1))

    def _birth_date(self) -> date:
        return _OLDEST + timedelta(days=self.random_int(0, _DAYS_OF_ADULTS))

    def _recent_date(self) -> date:
        return _FIRST_NUMBER + timedelta(days=self.random_int(0, _DAYS_OF_NUMBERS))

    def _sex(self) -> Sex:
        return "L" if self.random_int(0, 1) else "P"


class NikProvider(_Provider):
    """`nik()`."""

    def nik(self, birth_on: date | None = None, sex: Sex | None = None, district: str | None = None) -> str:
        """A NIK of 16 digits.

        Args:
            birth_on: Birth date; an adult's if left out.
            sex: "L" or "P"; either if left out.
            district: Six undotted digits of the district of first issue; one of the lab's city if left out.
        """
        return nik_number.compose(
            district or self._district(), birth_on or self._birth_date(), sex or self._sex(), self.random_int(1, 9999)
        )


class KkProvider(_Provider):
    """`kk()`."""

    def kk(self, issued_on: date | None = None, district: str | None = None) -> str:
        """A family card number of 16 digits; `issued_on` from 2000, `district` six undotted digits."""
        return kk_number.compose(
            district or self._district(), issued_on or self._recent_date(), self.random_int(1, 9999)
        )


class NipProvider(_Provider):
    """`nip()` and `nip_pppk()`."""

    def nip(self, birth_on: date | None = None, sex: Sex | None = None) -> str:
        """The number of a civil servant (PNS) who began at 20 to 35 years of age; 18 digits, serial from 900 on."""
        born = birth_on or self._birth_date()
        start_year = born.year + self.random_int(20, 35)
        return nip_number.compose_pns(
            born, start_year, self.random_int(1, 12), sex or self._sex(), self.random_int(900, 999)
        )

    def nip_pppk(self, birth_on: date | None = None, sex: Sex | None = None) -> str:
        """The number of a contract servant (PPPK); digits 13 and 14 are 21, which is no month."""
        born = birth_on or self._birth_date()
        contract_year = max(2019, born.year + 20) + self.random_int(0, 6)
        return nip_number.compose_pppk(born, contract_year, sex or self._sex(), self.random_int(900, 999))


class NpwpProvider(_Provider):
    """`npwp()`, `npwp_16()` and `npwp_printed()`."""

    def npwp(self) -> str:
        """Fifteen digits with a right check digit, of a tax office that does not exist."""
        kind = self.random_element(("01", "02", "07", "09"))
        return npwp_number.compose(f"{kind}{self.random_int(0, 999_999):06}")

    def npwp_16(self) -> str:
        """Sixteen digits of a legal entity: a nought and the fifteen. A person's are the NIK."""
        return npwp_number.widen(self.npwp())

    def npwp_printed(self) -> str:
        """The fifteen digits with separators: `99.999.999.9-999.999`."""
        return npwp_number.printed(self.npwp())


class NibProvider(_Provider):
    """`nib()`."""

    def nib(self, issued_on: date | None = None) -> str:
        """A NIB of 13 digits: the day of issue (from 2000) and a serial from 9000000 on."""
        serial = self.random_int(nib_number.FIRST_LAB_SERIAL, nib_number.LAST_LAB_SERIAL)
        return nib_number.compose(issued_on or self._recent_date(), serial)
