"""The city as one lazy value: each section is generated when it is first asked for, and only that section."""

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import TypeVar

from services.world.accounts import all_accounts
from services.world.agencies import all_agencies
from services.world.bills import BILL_COUNTS, BillBuilder
from services.world.budget import lines_of
from services.world.business_fields import all_business_fields
from services.world.civil_servants import CivilServantBuilder
from services.world.dossiers import Dossier, DossierBuilder
from services.world.entities import (
    Account,
    Application,
    BudgetLine,
    Business,
    BusinessField,
    CivilServant,
    Family,
    Programme,
    Region,
    Resident,
    RetributionBill,
    Size,
    Skpd,
    Sp2d,
    Spd,
    Spm,
    Spp,
)
from services.world.families import FamilyBuilder
from services.world.layout import Layout
from services.world.minting import collector_paused
from services.world.nomenclature import all_programmes
from services.world.regions import all_regions
from services.world.treasury import Papers, papers_of
from services.world.truth import Truth

FIRST_YEAR, LAST_YEAR = 2015, 2089
"""Reference years for which two-digit years in NIK and KK stay unambiguous within the city."""

T = TypeVar("T")


class _Remembered(dict[int, T]):
    """What `make` gives for each number, made when it is first asked for."""

    def __init__(self, make: Callable[[int], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> T:
        made = self[number] = self._make(number)
        return made


class World:
    """Kota Digital Sejahtera for one seed, size and reference date.

    Equal inputs give equal cities, in any process and whatever was asked for before. Nothing is remembered but what was
    generated once, so a world may be shared between threads: at worst something is generated twice, equally.
    Nothing that a world keeps refers to the world, so it is freed as soon as nobody holds it, without the collector.

    Args:
        seed: Any whole number from 0.
        size: "small" (about 1,000 residents), "medium" (10,000) or "large" (100,000).
        reference_date: The city's today; every date is an offset from it. Its year is 2015 to 2089.

    Raises:
        ValueError: For a reference date outside those years.
    """

    def __init__(self, seed: int, size: Size, reference_date: date) -> None:
        if not FIRST_YEAR <= reference_date.year <= LAST_YEAR:
            msg = f"the reference date must lie between {FIRST_YEAR} and {LAST_YEAR}, not {reference_date}"
            raise ValueError(msg)
        self.seed = seed
        self.size: Size = size
        self.reference_date = reference_date
        self.layout = Layout(seed, size, reference_date)

    @property
    def family_count(self) -> int:
        """How many families there are; `family` takes numbers below it."""
        return self.layout.family_count

    @property
    def application_count(self) -> int:
        """How many businesses there are, each with one application; `business` and `application` take numbers below."""
        return self.layout.application_count

    @cached_property
    def _families(self) -> _Remembered[Family]:
        return _Remembered(FamilyBuilder(self.seed, self.layout, self.reference_date).build)

    @cached_property
    def _anchor_of(self) -> Callable[[int], Resident]:
        families = self._families
        return lambda number: families[number].members[0]

    @cached_property
    def _servant_builder(self) -> CivilServantBuilder:
        return CivilServantBuilder(self.seed, self.layout, self.reference_date, anchor_of=self._anchor_of)

    @cached_property
    def _dossiers(self) -> _Remembered[Dossier]:
        builder = DossierBuilder(
            self.seed,
            self.layout,
            self.reference_date,
            anchor_of=self._anchor_of,
            officer=self._servant_builder.permits_officer,
        )
        return _Remembered(builder.build)

    def family(self, number: int) -> Family:
        """The family of that number (0 … family_count - 1), without generating any other."""
        return self._families[number]

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """Every family, by id."""
        with collector_paused():
            return tuple([self._families[number] for number in range(self.family_count)])

    @cached_property
    def residents(self) -> tuple[Resident, ...]:
        """Every resident, the deceased included, by id. NIK may repeat."""
        return tuple([member for family in self.families for member in family.members])

    def resident(self, resident_id: str) -> Resident:
        """The resident with that id ("R0001230"), generating only the family.

        Raises:
            KeyError: If there is none.
        """
        number = int(resident_id[1:7])
        if number < self.family_count:
            for member in self.family(number).members:
                if member.id == resident_id:
                    return member
        raise KeyError(resident_id)

    def business(self, number: int) -> Business:
        """The business of that number (0 … application_count - 1)."""
        return self._dossiers[number].business

    def application(self, number: int) -> Application:
        """The application of that number, which is the business's."""
        return self._dossiers[number].application

    @cached_property
    def businesses(self) -> tuple[Business, ...]:
        """Every business, in the order of its application's id."""
        with collector_paused():
            return tuple([self.business(number) for number in range(self.application_count)])

    @cached_property
    def applications(self) -> tuple[Application, ...]:
        """Every permit application, by id; those with status "20" are the queue."""
        with collector_paused():
            return tuple([self.application(number) for number in range(self.application_count)])

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """Province, city, districts and villages, each before those below it."""
        return all_regions()

    @cached_property
    def business_fields(self) -> tuple[BusinessField, ...]:
        """The KBLI codes that occur, with their risks."""
        return all_business_fields()

    @cached_property
    def skpd(self) -> tuple[Skpd, ...]:
        """Every regional agency, former ones last."""
        return all_agencies(self.reference_date)

    @cached_property
    def civil_servants(self) -> tuple[CivilServant, ...]:
        """Every civil servant."""
        return tuple([self._servant_builder.build(number) for number in range(self.layout.servant_count())])

    @cached_property
    def programmes(self) -> tuple[Programme, ...]:
        """Programmes, activities and sub-activities, by code."""
        return all_programmes()

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """The account chart, all six levels, by code."""
        return all_accounts()

    @cached_property
    def budget(self) -> tuple[BudgetLine, ...]:
        """Every budget line of the reference year; those of one agency stand together."""
        return lines_of(self.seed, self.reference_date)

    @cached_property
    def _papers(self) -> Papers:
        with collector_paused():
            return papers_of(self.seed, self.reference_date, self.budget)

    @cached_property
    def spds(self) -> tuple[Spd, ...]:
        """Every SPD dated before the reference date."""
        return tuple(self._papers.spds)

    @cached_property
    def spps(self) -> tuple[Spp, ...]:
        """Every SPP dated before the reference date."""
        return tuple(self._papers.spps)

    @cached_property
    def spms(self) -> tuple[Spm, ...]:
        """Every SPM dated before the reference date."""
        return tuple(self._papers.spms)

    @cached_property
    def sp2ds(self) -> tuple[Sp2d, ...]:
        """Every SP2D dated before the reference date, cancelled ones included."""
        return tuple(self._papers.sp2ds)

    @cached_property
    def bills(self) -> tuple[RetributionBill, ...]:
        """Every retribution bill, by billing code."""
        builder = BillBuilder(
            self.seed, self.layout, self.reference_date, anchor_of=self._anchor_of, business=self.business
        )
        return tuple([builder.build(number) for number in range(BILL_COUNTS[self.size])])

    @property
    def truth(self) -> Truth:
        """What was planted, and where. Not remembered, for it holds on to the world."""
        return Truth(
            self.layout,
            planted=lambda number: self._dossiers[number].planted,
            sp2ds=lambda: self.sp2ds,
            budget=lambda: self.budget,
            nip_of=lambda number: self._servant_builder.build(number).nip,
            business_facts=lambda: [(business.nib, business.village_code) for business in self.businesses],
        )
