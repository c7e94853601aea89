"""A business and its permit application, computed together on their own from one number.

In the queue (status "20") exactly one kind of trouble, or none, is planted in what the applicant typed; applications
that are past the queue, or never were in it, carry true data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.world.business_fields import openings, permit_kind_of, risk_of
from services.world.checklists import checklist_for
from services.world.entities import (
    Applicant,
    Application,
    Business,
    PlantedApplication,
    Resident,
    Risk,
    Sex,
    StatusChange,
)
from services.world.firms import firm_for
from services.world.identifiers import nib as nib_number
from services.world.identifiers.digits import four
from services.world.layout import (
    APPLICATION_SHARES,
    AUTOMATIC,
    HANDLED,
    Layout,
    Place,
    application_id,
)
from services.world.minting import minter
from services.world.misfilings import Filing, misfile
from services.world.names import similarity
from services.world.permit_history import (
    AUTOMATIC_PATH,
    GRANTED,
    WITA,
    handled_history,
    handled_path,
    queue_history,
)
from services.world.randomness import Draw, between, pick, section_key, stream
from services.world.regions import DISTRICT_COUNT, HOME_BIRTH_PLACES, villages
from services.world.registration import DistrictNumbers
from services.world.vocabulary import personal_names, vocabulary

_NIB_STEP = 777_781  # shares no factor with a million, so serials are unique
_NIB_SERIALS = 1_000_000
_PERMIT_DAYS = 5 * 365
_NIB_STATUS_ACTIVE, _NIB_STATUS_OPERATING, _NIB_STATUS_FROZEN = "01", "04", "05"
_WITHOUT_RECORD = "unknown_nik"

_new_business = minter(Business)
_new_application = minter(Application)
_new_applicant = minter(Applicant)


@dataclass(frozen=True, slots=True)
class Dossier:
    """A business, its application, and for those in the queue the truth about it."""

    business: Business
    application: Application
    planted: PlantedApplication | None


@dataclass(slots=True)
class _Person:
    """The responsible person, and what he types when he is careful."""

    record: Resident | None
    filing: Filing
    birth_place: str
    address: str
    village_code: str


class DossierBuilder:
    """Makes any business of one city, with its application, from its number.

    Args:
        seed: The city's.
        layout: The city's.
        reference_date: The city's.
        anchor_of: Gives the first member of a family by the family's number.
        officer: NIP of the officer of the permits agency who handles an application, by the application's number.
    """

    def __init__(
        self,
        seed: int,
        layout: Layout,
        reference_date: date,
        *,
        anchor_of: Callable[[int], Resident],
        officer: Callable[[int], str],
    ) -> None:
        self._layout = layout
        self._today = datetime(reference_date.year, reference_date.month, reference_date.day, tzinfo=WITA)
        self._key = section_key(seed, reference_date, "dossiers")
        self._anchor_of = anchor_of
        self._officer = officer

    def build(self, number: int) -> Dossier:
        """The business and application of that number (0 … application_count - 1)."""
        place = self._layout.application_place(number)
        draw = stream(self._key, number)
        field, scale = pick(draw, openings(for_office=place.kind != AUTOMATIC))
        risk = risk_of(field, scale)
        person = self._person(place, draw)
        detail, filing = misfile(place.kind, place.position, person.filing)
        if draw() < 0.4 and filing.name == person.filing.name:
            filing = Filing(filing.nik, filing.name.title(), filing.sex, filing.birth_on)
        history = self._history(number, place, draw, risk)
        status, submitted_at = history[-1].status, history[0].at
        issued_on = submitted_at.date() - timedelta(days=between(draw, 1, 700))
        village_code = person.village_code.replace(".", "") if draw() < 0.45 else person.village_code
        contact = four(number // 10_000) + four(number % 10_000)
        firm = firm_for(draw, number, field, scale, person.record, person.filing.name)
        business = _new_business(
            nib=nib_number.compose(
                issued_on, nib_number.FIRST_LAB_SERIAL + (number * _NIB_STEP + 4_711) % _NIB_SERIALS
            ),
            name=firm.name,
            actor_kind=firm.actor_kind,
            legal_form=firm.legal_form,
            npwp_15=firm.npwp_15,
            npwp_16=firm.npwp_16,
            kbli=field.kbli,
            kbli_title=field.title,
            kbli_year=2025 if draw() < 0.15 else 2020,
            scale=scale,
            risk=risk,
            capital_status=firm.capital_status,
            investment_idr=firm.investment_idr,
            workers_male=firm.workers_male,
            workers_female=firm.workers_female,
            responsible_id=person.record.id if person.record else None,
            responsible_nik=filing.nik,
            responsible_name=filing.name,
            responsible_role=firm.role,
            address=person.address,
            village_code=village_code,
            email=f"usaha{contact}@surat.example",
            phone=f"000-{contact[:4]}-{contact[4:]}",
            status=_nib_status(status),
            issued_on=issued_on,
        )
        applicant = _new_applicant(
            nik=filing.nik,
            name=filing.name,
            sex=filing.sex,
            birth_place=person.birth_place,
            birth_on=filing.birth_on,
            address=person.address,
            village_code=village_code,
            phone=business.phone,
            email=business.email,
        )
        return Dossier(
            business=business,
            application=self._application(number, place, draw, business, applicant, history),
            planted=_planted(number, place, detail, person.record, filing),
        )

    def _application(
        self,
        number: int,
        place: Place,
        draw: Draw,
        business: Business,
        applicant: Applicant,
        history: tuple[StatusChange, ...],
    ) -> Application:
        status = history[-1].status
        kind = permit_kind_of(business.risk)
        lacks_item = place.kind == "incomplete_checklist" or status == "11"
        granted_on = next((step.at.date() for step in history if step.status in GRANTED), None)
        expires = granted_on + timedelta(days=_PERMIT_DAYS) if granted_on and kind == "permit" else None
        return _new_application(
            id=application_id(number),
            nib=business.nib,
            kbli=business.kbli,
            risk=business.risk,
            permit_kind=kind,
            submitted_at=history[0].at,
            status=status,
            history=history,
            applicant=applicant,
            checklist=checklist_for(kind, place.position if lacks_item else None, int(draw() * 512)),
            decision_number=f"503/{number + 1:06}/DPMPTSP/{granted_on.year}" if granted_on else None,
            valid_until=expires,
        )

    def _history(self, number: int, place: Place, draw: Draw, risk: Risk) -> tuple[StatusChange, ...]:
        if place.kind == AUTOMATIC:
            return handled_history(draw, AUTOMATIC_PATH, self._today, risk, "oss")
        if place.kind == HANDLED:
            path = handled_path(draw, place.position)
            return handled_history(draw, path, self._today, risk, self._officer(number))
        return queue_history(draw, self._today, risk)

    def _person(self, place: Place, draw: Draw) -> _Person:
        family = self._layout.owner_of(place)
        record = self._anchor_of(family)
        if place.kind == _WITHOUT_RECORD:
            return self._stranger(family, draw)
        return _Person(
            record=record,
            filing=Filing(record.nik, record.name, record.sex, record.birth_on),
            birth_place=record.birth_place,
            address=record.address,
            village_code=record.village_code,
        )

    def _stranger(self, family: int, draw: Draw) -> _Person:
        """Someone with a well-formed NIK whom the registry does not know; `family` lends the district."""
        sex: Sex = "L" if draw() < 0.5 else "P"
        birth_on = self._today.date() - timedelta(days=between(draw, 8_000, 22_000))
        nik = DistrictNumbers(family).unknown_nik(birth_on, sex)
        name = pick(draw, personal_names(sex, "ISLAM"))
        village = pick(draw, villages()[family % DISTRICT_COUNT])
        return _Person(
            record=None,
            filing=Filing(nik, name, sex, birth_on),
            birth_place=pick(draw, HOME_BIRTH_PLACES),
            address=f"JL. {pick(draw, vocabulary().streets)} NO. {between(draw, 1, 180)}",
            village_code=village.code,
        )


def _nib_status(application_status: str) -> str:
    if application_status == "70":
        return _NIB_STATUS_FROZEN
    return _NIB_STATUS_OPERATING if application_status in GRANTED else _NIB_STATUS_ACTIVE


def _planted(
    number: int, place: Place, detail: str, record: Resident | None, filing: Filing
) -> PlantedApplication | None:
    if place.kind not in APPLICATION_SHARES:
        return None
    return PlantedApplication(
        application_id=application_id(number),
        trouble=place.kind,
        detail=detail,
        resident_id=record.id if record else None,
        name_score=similarity(filing.name, record.name) if record else 0,
    )
