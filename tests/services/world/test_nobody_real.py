"""No number, address or account in a city can be a real person's or firm's."""

from dataclasses import fields
from datetime import date

import pytest

from services.world import World
from services.world.digest import SECTIONS
from services.world.identifiers import kk, nib, nik, nip, npwp

REFERENCE = date(2026, 11, 22)


def test_every_nik_and_kk_names_a_district_that_was_never_allocated(world):
    for resident in world.residents:
        for number in (resident.nik, resident.kk, resident.mother_nik, resident.father_nik):
            assert number is None or nik.is_fictitious(number)
        assert kk.parse(resident.kk).region_code.startswith("76.79.9")


def test_every_typed_nik_that_is_well_formed_is_nobodys(world):
    for application in world.applications:
        number = application.applicant.nik
        assert nik.faults(number) or nik.is_fictitious(number)


def test_numbers_of_servants_and_businesses_follow_the_labs_conventions(world):
    assert all(nip.is_fictitious(servant.nip) for servant in world.civil_servants)
    for business in world.businesses:
        assert nib.is_fictitious(business.nib)
        assert npwp.is_fictitious(business.npwp_15)
        assert npwp.is_fictitious(business.npwp_16)
        assert business.email.endswith(".example")
        assert business.phone.startswith("000-")


@pytest.mark.parametrize("size", ["medium", "large"])
def test_larger_cities_stay_within_the_districts_that_do_not_exist(size):
    world = World(1, size, REFERENCE)
    for number in range(0, world.family_count, 97):
        for member in world.family(number).members:
            assert nik.is_fictitious(member.nik)
            assert nik.faults(member.nik) == ()


def test_no_text_in_a_city_is_blank_or_has_blanks_around_it(one_world):
    typed = {"nik", "name", "responsible_nik", "responsible_name"}

    def check(value: object, name: str) -> None:
        if isinstance(value, str) and name not in typed:
            assert value
            assert value == value.strip()
        elif isinstance(value, tuple):
            for item in value:
                check(item, name)
        elif hasattr(value, "__dataclass_fields__"):
            for field in fields(value):
                check(getattr(value, field.name), field.name)

    for section in SECTIONS:
        check(getattr(one_world, section), section)
