"""Families and residents, each family computed on its own from its number."""

from dataclasses import dataclass
from datetime import date

from services.world.entities import EktpStatus, Family, Relationship, Resident, ResidentStatus, Sex
from services.world.identifiers.digits import TWO
from services.world.kinship import YEAR, Household, Person
from services.world.layout import Layout, Place
from services.world.livelihoods import (
    CIVIL_SERVANT,
    CONTRACT_SERVANT,
    EKTP_AGE,
    ENTREPRENEUR,
    LIVELIHOODS,
    RETIRED,
    ektp,
    livelihoods,
    servant_education,
)
from services.world.minting import minter
from services.world.randomness import Draw, between, pick, section_key, stream
from services.world.regions import CITY_PLAIN, DISTRICT_COUNT, HOME_BIRTH_PLACES, ORIGINS, villages
from services.world.registration import DistrictNumbers, foreign_nik
from services.world.vocabulary import NAMES, RELIGIONS, personal_names, telling_name, vocabulary

HEADS = 44
"""The first civil servants head the agencies, so they are neither retired nor on contract."""

_AGES = (22, 74)
_AGES_BY_KIND = {"deceased_active_elsewhere": (29, 57), "servant": (28, 56)}
_RETIRED_AGES = (59, 70)
_HOUSEHOLD_BY_KIND = {"deceased_active_elsewhere": "deceased", "sex_contradicts_nik": "alone"}
_FIRST_CARD = date(2008, 1, 1).toordinal()
_ADULT = 18
_HEAD: Relationship = "KEPALA KELUARGA"
_TICKETS = 2**52

_new_resident = minter(Resident)
_new_family = minter(Family)


def is_retired(servant: int) -> bool:
    """Whether the civil servant of this number has retired."""
    return servant >= HEADS and servant % 14 == 13


def is_pppk(servant: int) -> bool:
    """Whether the civil servant of this number is a contract servant."""
    return servant >= HEADS and servant % 4 == 1


@dataclass(slots=True)
class _Anchor:
    """A family's first member and what was drawn with it."""

    person: Person
    religion: str
    birth_place: str
    nik: str


@dataclass(slots=True)
class _Home:
    """What all members of a family share."""

    prefix: str  # of the residents' ids
    family_id: str
    kk: str
    issued_on: date
    religion: str
    address: str
    rt: str
    rw: str
    postal_code: str
    village_code: str


@dataclass(slots=True)
class _Traits:
    """What is settled about an anchor before the rest is drawn; None leaves it to chance."""

    birth_place: str
    education: str | None
    occupation: str | None
    is_non_active: bool


class FamilyBuilder:
    """Makes any family of one city from its number."""

    def __init__(self, seed: int, layout: Layout, reference_date: date) -> None:
        self._layout = layout
        self._today = reference_date.toordinal()
        self._key = section_key(seed, reference_date, "families")
        self._pair_key = section_key(seed, reference_date, "duplicate pairs")
        self._words = vocabulary()
        self._villages = villages()

    def build(self, family: int) -> Family:
        """The family of that number (0 … family_count - 1)."""
        place = self._layout.family_place(family)
        draw = stream(self._key, family)
        numbers = DistrictNumbers(family)
        anchor = self._anchor(family, numbers, place, draw)
        names: dict[Sex, tuple[str, ...]] = {
            "L": personal_names("L", anchor.religion),
            "P": personal_names("P", anchor.religion),
        }
        people = Household(draw, self._today, names).anchored(_household_kind(place), anchor.person)
        people[0].nik, people[0].birth_on = anchor.nik, date.fromordinal(people[0].born)
        taken = {anchor.nik}
        for person in people[1:]:
            _register(person, numbers, taken)
        home = self._home(family, numbers, people, anchor.religion, draw)
        traits: _Traits | None = self._traits(place, anchor, draw)
        members = []
        for number, person in enumerate(people):
            members.append(self._resident(number, person, home, traits, draw, names))
            traits = None
        return _new_family(
            id=home.family_id,
            kk=home.kk,
            issued_on=home.issued_on,
            head_id=_head_id(members),
            address=home.address,
            rt=home.rt,
            rw=home.rw,
            postal_code=home.postal_code,
            village_code=home.village_code,
            members=tuple(members),
        )

    def _anchor(self, family: int, numbers: DistrictNumbers, place: Place, draw: Draw) -> _Anchor:
        if place.kind == "duplicate_nik":
            return self._duplicated(place)
        sex = _anchor_sex(place, draw)
        religion = pick(draw, RELIGIONS)
        if place.kind == "telling_name":
            name = telling_name(draw, self._words, sex, place.position)
        else:
            name = pick(draw, personal_names(sex, religion))
        person = self._person(sex, name, _ages(place), draw)
        birth_place = pick(draw, HOME_BIRTH_PLACES)
        birth_on = date.fromordinal(person.born)
        if place.kind == "moved_domicile":
            origin, birth_place = pick(draw, ORIGINS)
            nik = foreign_nik(family, origin, birth_on, sex)
        elif place.kind == "birth_date_contradicts_nik":
            nik = numbers.nik(date.fromordinal(person.born + between(draw, 1, 27)), sex)
        elif place.kind == "sex_contradicts_nik":
            nik = numbers.nik(birth_on, "P" if sex == "L" else "L")
        else:
            nik = numbers.nik(birth_on, sex)
        return _Anchor(person, religion, birth_place, nik)

    def _duplicated(self, place: Place) -> _Anchor:
        """The same man, with the same NIK, for both families of a pair: he was recorded twice."""
        draw = stream(self._pair_key, place.position // 2)
        religion = pick(draw, RELIGIONS)
        person = self._person("L", pick(draw, personal_names("L", religion)), _AGES_BY_KIND["servant"], draw)
        first = self._layout.family_at("duplicate_nik", place.position // 2 * 2)
        nik = DistrictNumbers(first).nik(date.fromordinal(person.born), "L")
        return _Anchor(person, religion, pick(draw, HOME_BIRTH_PLACES), nik)

    def _person(self, sex: Sex, name: str, ages: tuple[int, int], draw: Draw) -> Person:
        low, high = ages
        turn = draw()
        age = low + (high - low) * turn * (0.6 + 0.4 * turn)
        return Person(sex, self._today - 1 - int(age * YEAR), name, _HEAD, "BELUM KAWIN")

    def _home(self, family: int, numbers: DistrictNumbers, people: list[Person], religion: str, draw: Draw) -> _Home:
        """Card and address; the card is younger than the family's last birth or death."""
        last_event = max([person.died or person.born for person in people])
        earliest = max(last_event + 1, self._today - 5500, _FIRST_CARD)
        issued_on = date.fromordinal(earliest + int(draw() * (self._today - earliest)))
        village = pick(draw, self._villages[family % DISTRICT_COUNT])
        ticket = int(draw() * _TICKETS)
        number = f"{family:06}"
        return _Home(
            f"R{number}",
            f"F{number}",
            numbers.family_card(issued_on),
            issued_on,
            religion,
            f"JL. {pick(draw, self._words.streets)} NO. {ticket % 180 + 1}",
            f"00{(ticket >> 8) % 9 + 1}",
            f"00{(ticket >> 12) % 6 + 1}",
            village.postal_code or "",
            village.code,
        )

    def _traits(self, place: Place, anchor: _Anchor, draw: Draw) -> _Traits:
        """What the kind of the family settles about its anchor."""
        servant = self._layout.servant_at(place)
        if servant is not None:
            return _Traits(
                anchor.birth_place, servant_education(draw), _servant_occupation(servant), is_non_active=False
            )
        works_alone = ENTREPRENEUR if draw() < 0.6 else None
        return _Traits(anchor.birth_place, None, works_alone, is_non_active=place.kind == "non_active")

    def _resident(
        self,
        number: int,
        person: Person,
        home: _Home,
        traits: _Traits | None,
        draw: Draw,
        names: dict[Sex, tuple[str, ...]],
    ) -> Resident:
        born, died, sex, mother, father = person.born, person.died, person.sex, person.mother, person.father
        last_day = died or self._today
        age = int((last_day - born) / YEAR)
        status: ResidentStatus = "deceased" if died else "active"
        ektp_status: EktpStatus = "not_due"
        recorded_on = None
        ticket = int(draw() * _TICKETS)  # one draw, cut into the chances of several small things
        schooling, work, blood_type = livelihoods(age, sex)[ticket % LIVELIHOODS]
        birth_place = HOME_BIRTH_PLACES[(ticket >> 9) % len(HOME_BIRTH_PLACES)]
        if age >= EKTP_AGE:
            ektp_status, recorded_on = ektp(ticket >> 15, born, last_day)
        if traits:
            birth_place = traits.birth_place
            schooling, work = traits.education or schooling, traits.occupation or work
            if traits.is_non_active:
                status, ektp_status, recorded_on = "non_active", "not_recorded", None
        birth_on = person.birth_on or date.fromordinal(born)
        # In the order of the fields: passing 28 keywords would cost a tenth of all that is done here.
        return _new_resident(
            f"{home.prefix}{number}",  # id
            home.family_id,
            person.nik or "",
            home.kk,
            person.name,
            sex,
            birth_place,
            birth_on,
            home.religion,
            blood_type,
            person.marital,  # marital_status
            person.relationship,
            schooling,  # education
            work,  # occupation
            mother.name if mother else names["P"][int(draw() * NAMES)],  # mother_name
            mother.nik if mother else None,
            father.name if father else names["L"][int(draw() * NAMES)],  # father_name
            father.nik if father else None,
            home.address,
            home.rt,
            home.rw,
            home.postal_code,
            home.village_code,
            status,
            date.fromordinal(died) if died else None,  # deceased_on
            ektp_status,
            recorded_on,  # ektp_recorded_on
            _birth_certificate(birth_on, age, ticket >> 27),  # birth_certificate
        )


def _register(person: Person, numbers: DistrictNumbers, taken: set[str]) -> None:
    """Give a person a NIK that no relative has; one born on a relative's day is born a day earlier instead."""
    birth_on = date.fromordinal(person.born)
    nik = numbers.nik(birth_on, person.sex)
    while nik in taken:
        person.born -= 1
        birth_on = date.fromordinal(person.born)
        nik = numbers.nik(birth_on, person.sex)
    taken.add(nik)
    person.nik, person.birth_on = nik, birth_on


def _head_id(members: list[Resident]) -> str:
    heads = [member.id for member in members if member.relationship == _HEAD and member.deceased_on is None]
    return heads[0]


def _household_kind(place: Place) -> str:
    if place.kind == "duplicate_nik":
        return "" if place.position % 2 == 0 else "alone"
    return _HOUSEHOLD_BY_KIND.get(place.kind, "")


def _anchor_sex(place: Place, draw: Draw) -> Sex:
    if place.kind == "deceased_active_elsewhere":
        return "L"
    if place.kind == "telling_name":
        return "L" if place.position // 4 % 2 == 0 else "P"
    return "L" if draw() < 0.75 else "P"


def _ages(place: Place) -> tuple[int, int]:
    if place.kind == "servant" and is_retired(place.position):
        return _RETIRED_AGES
    return _AGES_BY_KIND.get(place.kind, _AGES)


def _servant_occupation(servant: int) -> str:
    if is_retired(servant):
        return RETIRED
    return CONTRACT_SERVANT if is_pppk(servant) else CIVIL_SERVANT


def _birth_certificate(birth_on: date, age: int, chance: int) -> str | None:
    """Children have one, adults often do not. The number is of this city, so it is nobody's."""
    if age >= _ADULT and chance & 3:
        return None
    number = f"{TWO[birth_on.day]}{TWO[birth_on.month]}{birth_on.year}"
    return f"{CITY_PLAIN}-LU-{number}-{TWO[chance % 100]}{TWO[chance // 100 % 100]}"
