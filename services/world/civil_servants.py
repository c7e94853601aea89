"""Civil servants (PNS) and contract servants (PPPK): residents with a number, a unit and a post."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cached_property

from services.world.agencies import PERMITS_AGENCY, active_codes
from services.world.entities import CivilServant, Resident
from services.world.families import is_pppk, is_retired
from services.world.identifiers import nip as nip_number
from services.world.layout import Layout
from services.world.randomness import Draw, between, pick, section_key, stream

FIRST_LAB_SERIAL = 900
_SERIALS = 100
_MONTHS = 12

_SCHOOL_TITLES = {
    "SLTA/SEDERAJAT": ("",),
    "DIPLOMA III/SARJANA MUDA": (", A.Md.", ", A.Md.Kom.", ", A.Md.Keb."),
    "DIPLOMA IV/STRATA I": (", S.E.", ", S.Kom.", ", S.Sos.", ", S.T.", ", S.Pd.", ", S.H."),
    "STRATA II": (", S.E., M.Si.", ", S.Kom., M.Kom.", ", S.STP., M.A.P.", ", S.H., M.H."),
}
_POSTS = (
    "Analis Kebijakan Ahli Muda",
    "Pranata Komputer Ahli Pertama",
    "Arsiparis Ahli Pertama",
    "Bendahara Pengeluaran",
    "Pejabat Penatausahaan Keuangan SKPD",
    "Penata Perizinan Ahli Muda",
    "Pengadministrasi Perkantoran",
    "Perencana Ahli Muda",
)
_GRADES = {
    "SLTA/SEDERAJAT": ("II/a", "II/b", "II/d"),
    "DIPLOMA III/SARJANA MUDA": ("II/c", "II/d", "III/a"),
    "DIPLOMA IV/STRATA I": ("III/a", "III/b", "III/c", "III/d"),
    "STRATA II": ("III/c", "III/d", "IV/a", "IV/b"),
}
_CONTRACT_GRADES = {"SLTA/SEDERAJAT": "V", "DIPLOMA III/SARJANA MUDA": "VII"}


class CivilServantBuilder:
    """Makes any civil servant of one city from a number.

    Args:
        seed: The city's.
        layout: The city's.
        reference_date: The city's.
        anchor_of: Gives the first member of a family by the family's number.
    """

    def __init__(
        self, seed: int, layout: Layout, reference_date: date, *, anchor_of: Callable[[int], Resident]
    ) -> None:
        self._layout = layout
        self._year = reference_date.year
        self._key = section_key(seed, reference_date, "civil servants")
        self._anchor_of = anchor_of
        self._units = active_codes()

    def build(self, servant: int) -> CivilServant:
        """The civil servant of that number (0 … servant_count - 1). The first one of each unit heads it."""
        draw = stream(self._key, servant)
        resident = self._anchor_of(self._layout.family_of_servant(servant))
        contract = is_pppk(servant)
        started_on, nip = self._contract(servant, resident, draw) if contract else _career(servant, resident)
        titles = pick(draw, _SCHOOL_TITLES[resident.education])
        heads = servant < len(self._units)
        return CivilServant(
            nip=nip,
            kind="pppk" if contract else "pns",
            resident_id=resident.id,
            nik=resident.nik,
            name=f"{resident.name}{titles}",
            sex=resident.sex,
            birth_on=resident.birth_on,
            started_on=started_on,
            skpd_code=self._units[servant % len(self._units)],
            position="Kepala Perangkat Daerah" if heads else pick(draw, _POSTS),
            grade=_grade(draw, resident.education, contract=contract, heads=heads),
            status="retired" if is_retired(servant) else "active",
        )

    def permits_officer(self, application: int) -> str:
        """NIP of the officer of the permits agency who handles an application of that number."""
        return self._officers[application % len(self._officers)]

    @cached_property
    def _officers(self) -> tuple[str, ...]:
        first = self._units.index(PERMITS_AGENCY)
        numbers = range(first, self._layout.families.counts["servant"], len(self._units))
        return tuple(self.build(number).nip for number in numbers if not is_retired(number))

    def _contract(self, servant: int, resident: Resident, draw: Draw) -> tuple[date, str]:
        """Start and number of a PPPK; beyond a hundred of them the mark rises above the usual 21."""
        batch, serial = divmod(servant // 4, _SERIALS)
        start = date(self._year - 3 - int(draw() * 3), 1, 1) + timedelta(days=30 * between(draw, 0, 11))
        nip = nip_number.compose_pppk(
            resident.birth_on,
            start.year,
            resident.sex,
            FIRST_LAB_SERIAL + serial,
            nip_number.PPPK_MARK + batch,
        )
        return start, nip


def _career(servant: int, resident: Resident) -> tuple[date, str]:
    """Start and NIP of a PNS. The digits of `servant` are spread over serial, month and year, so NIP are unique."""
    rest, serial = divmod(servant, _SERIALS)
    rest, month = divmod(rest, _MONTHS)
    earliest = resident.birth_on.year + 21
    year = earliest + (rest - earliest) % 7
    nip = nip_number.compose_pns(resident.birth_on, year, month + 1, resident.sex, FIRST_LAB_SERIAL + serial)
    return date(year, month + 1, 1), nip


def _grade(draw: Draw, education: str, *, contract: bool, heads: bool) -> str:
    if contract:
        return _CONTRACT_GRADES.get(education, "IX")
    return pick(draw, ("IV/b", "IV/c")) if heads else pick(draw, _GRADES[education])
