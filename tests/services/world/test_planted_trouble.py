"""What is planted is there, in its share, and is exactly what the truth says it is."""

import itertools
from collections import Counter
from datetime import date
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.world import World
from services.world.identifiers import nik
from services.world.layout import APPLICATION_SHARES, FAMILY_COUNTS, QUEUE_COUNTS, REGISTRY_SHARES
from services.world.misfilings import MALFORMATIONS
from services.world.names import similarity

REFERENCE = date(2026, 11, 22)


def number_of(application_id: str) -> int:
    return int(application_id.removeprefix("PMH-"))


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_every_kind_of_trouble_has_its_share_and_never_fewer_than_two(size):
    truth = World(5, size, REFERENCE).truth
    for kind, share in REGISTRY_SHARES.items():
        count = len(truth.residents[kind])
        assert count >= 2
        assert abs(count - share * FAMILY_COUNTS[size]) <= 2
    for kind, share in APPLICATION_SHARES.items():
        count = len(truth.application_kinds[kind])
        assert count >= 2
        assert abs(count - share * QUEUE_COUNTS[size]) <= 3
    assert sum(APPLICATION_SHARES.values()) == pytest.approx(1)


def test_the_queue_of_a_small_city_is_what_the_truth_tells_about(world):
    waiting = {application.id for application in world.applications if application.status == "20"}
    assert {planted.application_id for planted in world.truth.applications} == waiting
    assert {identity for ids in world.truth.application_kinds.values() for identity in ids} == waiting
    assert 60 <= len(waiting) <= 120
    assert Counter(planted.trouble for planted in world.truth.applications) == {
        kind: len(ids) for kind, ids in world.truth.application_kinds.items()
    }


def test_ids_tell_nothing_about_kinds(world):
    kinds = [planted.trouble for planted in world.truth.applications]
    repeats = sum(first == second for first, second in itertools.pairwise(kinds))
    assert repeats >= 5


@settings(max_examples=8)
@given(st.integers(0, 2**63 - 1), st.dates(date(2015, 1, 1), date(2089, 12, 31)))
def test_each_application_in_the_queue_deviates_only_as_its_kind_says(seed, reference_date):
    world = World(seed, "small", reference_date)
    niks = Counter(resident.nik for resident in world.residents)
    for planted in world.truth.applications:
        application = world.application(number_of(planted.application_id))
        applicant, kind = application.applicant, planted.trouble
        lacks = any(item.required and not item.fulfilled for item in application.checklist)
        assert lacks == (kind == "incomplete_checklist")
        if kind == "unknown_nik":
            assert planted.resident_id is None
            assert nik.faults(applicant.nik) == ()
            assert applicant.nik not in niks
            assert nik.parse(applicant.nik).agrees_with_birth_date(applicant.birth_on)
            continue
        record = world.resident(planted.resident_id)
        assert planted.name_score == similarity(applicant.name, record.name)
        assert (applicant.nik == record.nik) == (kind != "malformed_nik")
        assert bool(nik.faults(applicant.nik)) == (kind == "malformed_nik")
        assert (applicant.birth_on == record.birth_on) == (kind != "birth_date_mismatch")
        assert (applicant.sex == record.sex) == (kind != "sex_mismatch")
        assert (niks[record.nik] == 2) == (kind == "duplicate_nik")
        assert (record.status == "deceased") == (kind == "deceased")
        assert (record.status == "non_active") == (kind == "non_active")
        assert record.nik.startswith("7679") == (kind != "moved_domicile")
        assert (planted.name_score == 100) or kind in {"name_minor", "name_major"}
        assert (planted.name_score < 90) == (kind == "name_major")
        assert record.village_code.startswith("76.79.9")


@settings(max_examples=8)
@given(st.integers(0, 2**63 - 1))
def test_no_sensible_measure_of_names_would_decide_a_planted_name_otherwise(seed):
    world = World(seed, "small", REFERENCE)
    for planted in world.truth.applications:
        if planted.trouble in {"name_minor", "name_major"}:
            record = world.resident(planted.resident_id)
            typed = " ".join(world.application(number_of(planted.application_id)).applicant.name.upper().split())
            assert typed != record.name or planted.detail in {"mixed_case", "lower_case", "blank_twice"}
            ratio = SequenceMatcher(None, typed, record.name, autojunk=False).ratio()
            assert (ratio >= 0.9) == (planted.trouble == "name_minor")
            assert planted.name_score >= 92 or planted.name_score <= 80


def test_every_way_to_break_a_nik_occurs_and_names_differ_in_several_ways(world):
    details = Counter((planted.trouble, planted.detail) for planted in world.truth.applications)
    assert {detail for trouble, detail in details if trouble == "malformed_nik"} == set(MALFORMATIONS)
    assert len({detail for trouble, detail in details if trouble == "name_minor"}) >= 3
    assert len({detail for trouble, detail in details if trouble == "name_major"}) >= 2


def test_residents_in_trouble_are_as_the_truth_says_and_no_others_are(world):
    truth = {kind: set(ids) for kind, ids in world.truth.residents.items()}
    for resident in world.residents:
        parts = nik.parse(resident.nik)
        moved = not resident.nik.startswith("7679")
        assert moved == (resident.id in truth["moved_domicile"])
        assert (resident.status == "non_active") == (resident.id in truth["non_active"])
        assert (not parts.agrees_with_birth_date(resident.birth_on)) == (
            resident.id in truth["birth_date_contradicts_nik"]
        )
        assert (parts.sex != resident.sex) == (resident.id in truth["sex_contradicts_nik"])
        if resident.id in truth["deceased_active_elsewhere"]:
            assert resident.status == "deceased"


def test_a_duplicate_pair_is_one_man_recorded_in_two_families(world):
    ids = world.truth.residents["duplicate_nik"]
    for first_id, second_id in zip(ids[::2], ids[1::2], strict=True):
        first, second = world.resident(first_id), world.resident(second_id)
        assert (first.nik, first.name, first.birth_on, first.sex) == (
            second.nik,
            second.name,
            second.birth_on,
            second.sex,
        )
        assert first.kk != second.kk
        assert {first.status, second.status} == {"active"}


def test_the_deceased_are_still_active_in_business_or_on_the_payroll(world):
    dead = set(world.truth.residents["deceased_active_elsewhere"])
    by_id = {resident.id: resident for resident in world.residents}
    owners = {business.responsible_id for business in world.businesses if business.status in {"01", "04"}}
    payroll = {servant.resident_id for servant in world.civil_servants if servant.status == "active"}
    assert len(dead & owners) >= 2
    assert len(dead & payroll) >= 2
    assert all(by_id[identity].deceased_on < world.reference_date for identity in dead)
    dead_servants = set(world.truth.civil_servants["deceased_on_payroll"])
    assert {servant.nip for servant in world.civil_servants if servant.resident_id in dead} == dead_servants
    nibs = {business.nib for business in world.businesses if business.responsible_id in dead}
    assert set(world.truth.businesses["deceased_owner"]) <= nibs


def test_typed_region_codes_come_dotted_and_undotted(world):
    undotted = {business.nib for business in world.businesses if "." not in business.village_code}
    assert set(world.truth.businesses["undotted_region_code"]) == undotted
    assert 0.2 < len(undotted) / len(world.businesses) < 0.7


def test_the_applicant_died_before_applying(world):
    for planted in world.truth.applications:
        if planted.trouble == "deceased":
            application = world.application(number_of(planted.application_id))
            assert world.resident(planted.resident_id).deceased_on < application.submitted_at.date()
