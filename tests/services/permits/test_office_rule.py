"""The office's rule against the city: for every application in the queue exactly one decision is right."""

from collections import Counter
from datetime import date

import pytest

from services.permits import rules
from services.permits.views import RIGHT_REASON
from services.world import World, build
from services.world.entities import Application, Resident
from services.world.identifiers import nik as nik_number
from services.world.names import THRESHOLD, similarity

TODAY = date(2026, 11, 2)


def by_hand(application: Application, registered: dict[str, list[Resident]]) -> list[str]:
    """Give every reason of the rule that applies, in the published order."""
    typed = application.applicant
    found = [] if nik_number.faults(typed.nik) else registered.get(typed.nik, [])
    record = found[0] if found else None
    applies = {
        "documents_incomplete": any(item.required and not item.fulfilled for item in application.checklist),
        "nik_malformed": bool(nik_number.faults(typed.nik)),
        "nik_unknown": not nik_number.faults(typed.nik) and not found,
        "nik_deceased": record is not None and record.status == "deceased",
        "nik_duplicate": len(found) > 1,
        "nik_inactive": record is not None and record.status == "non_active",
        "name_mismatch": record is not None and similarity(typed.name, record.name) < THRESHOLD,
        "birth_date_mismatch": record is not None and typed.birth_on != record.birth_on,
        "sex_mismatch": record is not None and typed.sex != record.sex,
        "verified": True,
    }
    ordered = sorted(
        (reason for reason in rules.REASONS.values() if reason.order is not None), key=lambda reason: reason.order
    )
    assert [reason.code for reason in ordered] == list(applies)
    return [reason.code for reason in ordered if applies[reason.code]]


def queue(world: World) -> dict[str, Application]:
    return {application.id: application for application in world.applications if application.status == rules.QUEUE}


@pytest.mark.parametrize("seed", [1, 2, 20261122])
def test_the_first_reason_that_applies_is_the_right_one(seed):
    """Working the queue by hand in the published order gives what the truth view expects, for every application."""
    world = build(seed, "small", TODAY)
    registered: dict[str, list[Resident]] = {}
    for resident in world.residents:
        registered.setdefault(resident.nik, []).append(resident)
    waiting = queue(world)
    planted = {truth.application_id: truth for truth in world.truth.applications}
    assert set(planted) == set(waiting)
    outcomes = Counter()
    for number, application in waiting.items():
        reasons = by_hand(application, registered)
        assert reasons[0] == RIGHT_REASON[planted[number].trouble], (number, planted[number])
        outcomes[reasons[0]] += 1
    assert set(outcomes) == {reason.code for reason in rules.REASONS.values() if reason.order is not None}


@pytest.mark.parametrize("seed", [1, 2, 20261122])
def test_no_application_deserves_two_reasons(seed):
    """Each has at most one fault, so the order never decides between two in this city."""
    world = build(seed, "small", TODAY)
    registered: dict[str, list[Resident]] = {}
    for resident in world.residents:
        registered.setdefault(resident.nik, []).append(resident)
    for application in queue(world).values():
        assert len(by_hand(application, registered)) <= 2, application.id  # its own and "verified"
