"""Businesses and permit applications: references, risk, numbers, histories."""

import itertools
from collections import Counter
from datetime import date, timedelta

from services.world import World
from services.world.business_fields import permit_kind_of, risk_of
from services.world.identifiers import nib, npwp, wilayah
from services.world.permit_history import GRANTED, PATHS

ALL_STATUSES = {
    "05", "09", "10", "11", "12", "20", "30", "31", "32", "33", "34", "40", "41", "42", "43", "44", "45", "49", "50",
    "52", "57", "60", "70", "80", "90", "93",
}  # fmt: skip


def test_every_business_has_one_application_and_shares_its_facts(world):
    assert len(world.businesses) == len(world.applications)
    businesses = {business.nib: business for business in world.businesses}
    assert len(businesses) == len(world.businesses)
    for application in world.applications:
        business = businesses[application.nib]
        assert (application.kbli, application.risk) == (business.kbli, business.risk)
        assert (application.applicant.nik, application.applicant.name) == (
            business.responsible_nik,
            business.responsible_name,
        )
        assert application.submitted_at.date() > business.issued_on


def test_risk_belongs_to_field_and_scale_and_decides_the_permit(world):
    fields = {field.kbli: field for field in world.business_fields}
    for business, application in zip(world.businesses, world.applications, strict=True):
        field = fields[business.kbli]
        assert business.kbli_title == field.title
        assert business.risk == risk_of(field, business.scale)
        assert application.permit_kind == permit_kind_of(business.risk)
    by_code: dict[str, set[str]] = {}
    for business in world.businesses:
        by_code.setdefault(business.kbli, set()).add(business.risk)
    assert any(len(risks) > 1 for risks in by_code.values())


def test_the_office_decides_only_what_oss_does_not_finish_alone(world):
    for application in world.applications:
        if application.status == "20":
            assert application.risk in {"MT", "T"}
        if application.risk in {"R", "MR"}:
            assert application.status == "50"
            assert {change.actor for change in application.history} == {"oss"}


def test_investment_fits_the_scale(world):
    limits = {"01": 1e9, "02": 5e9, "03": 10e9, "04": 1e13}
    for business in world.businesses:
        assert 0 < business.investment_idr <= limits[business.scale]
        assert business.workers_male >= 1
        assert business.workers_female >= 0


def test_tax_numbers_are_valid_in_both_lengths_and_a_sole_trader_uses_the_nik(world):
    for business in world.businesses:
        assert npwp.faults(business.npwp_15) == ()
        assert len(business.npwp_15) == 15
        assert npwp.faults(business.npwp_16) == ()
        if business.legal_form == "17" and business.responsible_id:
            assert business.npwp_16 == world.resident(business.responsible_id).nik
        else:
            assert business.npwp_16 == f"0{business.npwp_15}"
    assert len({business.npwp_15 for business in world.businesses}) == len(world.businesses)


def test_a_nib_tells_its_day_of_issue(world):
    for business in world.businesses:
        assert nib.parse(business.nib).issued_on == business.issued_on


def test_businesses_lie_in_villages_of_the_city(world):
    villages = {region.code for region in world.regions if region.level == "village"}
    for business in world.businesses:
        assert wilayah.dotted(business.village_code) in villages


def test_responsible_persons_exist_but_for_the_unknown(world):
    residents = {resident.id for resident in world.residents}
    unknown = {world.application(int(identity[-6:])).nib for identity in world.truth.application_kinds["unknown_nik"]}
    for business in world.businesses:
        assert (business.responsible_id in residents) == (business.nib not in unknown)


def test_nobody_stands_behind_two_applications_of_the_queue(world):
    people = Counter(planted.resident_id for planted in world.truth.applications if planted.resident_id)
    assert max(people.values()) == 1


def test_all_statuses_of_oss_occur(world):
    assert {application.status for application in world.applications} == ALL_STATUSES


def test_histories_follow_the_paths_lead_to_the_present_status_and_end_before_today(world):
    legal = {step for path in PATHS for step in itertools.pairwise(path)} | {
        ("40", "49"),
        ("33", "49"),
        ("42", "45"),
    }
    for application in world.applications:
        statuses = [change.status for change in application.history]
        moments = [change.at for change in application.history]
        assert statuses[-1] == application.status
        assert statuses[0] == "05"
        assert moments == sorted(moments)
        assert moments[0] == application.submitted_at
        assert moments[-1].date() < world.reference_date
        assert all(moment.utcoffset() == timedelta(hours=8) for moment in moments)
        assert set(itertools.pairwise(statuses)) <= legal
        assert all(change.note for change in application.history)


def test_officers_who_acted_are_servants_of_the_permits_agency(world):
    officers = {
        servant.nip
        for servant in world.civil_servants
        if servant.skpd_code == "2.18.0.00.0.00.01.0000" and servant.status == "active"
    }
    acted = {change.actor for application in world.applications for change in application.history}
    assert acted - {"oss", "applicant"} <= officers
    assert acted >= {"oss", "applicant"}
    assert acted & officers


def test_only_what_was_granted_has_a_number(world):
    numbers = [application.decision_number for application in world.applications if application.decision_number]
    assert len(set(numbers)) == len(numbers)
    for application in world.applications:
        assert (application.decision_number is not None) == (application.status in GRANTED)
        assert (application.valid_until is not None) == (
            application.status in GRANTED and application.permit_kind == "permit"
        )


def test_the_queue_is_within_its_service_time(world):
    for application in world.applications:
        if application.status == "20":
            waited = (world.reference_date - application.submitted_at.date()).days
            assert 1 <= waited <= {"MT": 7, "T": 16}[application.risk]


def test_an_optional_item_may_be_missing_from_a_complete_checklist(world):
    optional_missing = [
        application
        for application in world.applications
        if any(not item.required and not item.fulfilled for item in application.checklist)
        and all(item.fulfilled for item in application.checklist if item.required)
    ]
    assert optional_missing


def test_the_year_of_the_kbli_is_that_of_either_edition(world):
    assert {business.kbli_year for business in world.businesses} == {2020, 2025}


def test_applications_of_a_large_city_can_be_had_one_by_one():
    world = World(9, "large", date(2026, 11, 22))
    application = world.application(20_000)
    assert application.id == "PMH-020000"
    assert world.business(20_000).nib == application.nib
