"""The same inputs give the same city: in any process, in any order, and as it was published."""

import gc
import subprocess
import sys
import weakref
from dataclasses import FrozenInstanceError, fields
from datetime import date
from pathlib import Path

import pytest

from services.world import World, build, digest
from services.world.digest import SECTIONS
from services.world.entities import Charge, Resident
from services.world.minting import minter

REFERENCE = date(2026, 11, 22)
ROOT = Path(__file__).resolve().parents[3]

PUBLISHED = {
    (0, "small", date(2026, 11, 22)): "4d75c7159844fe8e489960252cc8bbb0d8e1ab6410cbc256cf9e1dc77b886192",
    (7, "small", date(2026, 11, 22)): "06790dde7e446d25960b880923cbb1e5afc17a00157d61eec4c99f5d07f2f33b",
    (2**63 - 1, "small", date(2028, 2, 29)): "365fd1cf24009a9bde5146a73b7ce248fdf90fa5be7db08af3fe68cf211c838a",
    (1, "medium", date(2026, 11, 22)): "22720cadfe510cb9e3c7c856d1693808d7a0b7c94e139860eee4927cf02135b1",
}
"""A change here means that every city changes: say so in the CHANGELOG."""


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(("seed", "size", "reference_date"), PUBLISHED)
def test_a_city_is_the_one_that_was_published(seed, size, reference_date):
    assert digest(World(seed, size, reference_date)) == PUBLISHED[seed, size, reference_date]


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_with_other_hashes_gives_the_same_bytes(hash_seed):
    program = (
        "from datetime import date; from services.world import World, digest; "
        "print(digest(World(5, 'small', date(2026, 11, 22))))"
    )
    assert run(program, PYTHONHASHSEED=hash_seed) == digest(World(5, "small", REFERENCE))


def test_the_order_of_asking_changes_nothing():
    whole = World(3, "small", REFERENCE)
    families, dossiers = list(whole.families), list(whole.applications)
    other = World(3, "small", REFERENCE)
    order = sorted(range(other.family_count), key=lambda number: number * 83 % 101)
    for section in reversed(SECTIONS):
        getattr(other, section)
    mixed = World(3, "small", REFERENCE)
    for number in order:
        assert mixed.family(number) == other.family(number) == families[number]
    for number in (200, 5, 77):
        alone = World(3, "small", REFERENCE)
        assert alone.application(number) == dossiers[number]
        assert alone.family(number) == families[number]
    assert digest(other) == digest(whole)


def test_seed_and_reference_date_change_a_city_and_size_makes_it_larger():
    digests = {
        digest(World(3, "small", REFERENCE)),
        digest(World(4, "small", REFERENCE)),
        digest(World(3, "small", date(2026, 11, 23))),
    }
    assert len(digests) == 3
    assert len(World(3, "medium", REFERENCE).applications) == 10 * len(World(3, "small", REFERENCE).applications)


def test_the_last_small_cities_are_remembered_and_larger_ones_are_not():
    assert build(3, "small", REFERENCE) is build(3, "small", REFERENCE)
    assert build(3, "medium", REFERENCE) is not build(3, "medium", REFERENCE)


def test_a_city_that_nobody_holds_is_freed_without_the_collector():
    city = World(3, "small", REFERENCE)
    digest(city)
    _ = city.truth.applications, city.truth.documents, city.truth.businesses, city.truth.civil_servants
    held = weakref.ref(city)
    gc.disable()
    try:
        del city
        assert held() is None
    finally:
        gc.enable()


def test_finance_does_not_generate_residents(one_world):
    fresh = World(one_world.seed, "small", REFERENCE)
    for section in ("skpd", "programmes", "accounts", "budget", "spds", "spps", "spms", "sp2ds"):
        getattr(fresh, section)
    _ = fresh.truth.residents, fresh.truth.application_kinds, fresh.truth.documents
    assert fresh._families == {}


def test_identifiers_can_be_imported_without_faker():
    program = "import sys, services.world, services.world.identifiers.nik; print('faker' in sys.modules)"
    assert run(program) == "False"


def test_a_whole_city_needs_no_framework_and_nothing_of_the_kit():
    program = (
        "import sys; from datetime import date; from services.world import build, digest; "
        "digest(build(1, 'small', date(2026, 11, 22))); "
        "print([name for name in ('fastapi', 'pydantic', 'sqlalchemy', 'services.kit') if name in sys.modules])"
    )
    assert run(program) == "[]"


def test_a_minted_record_is_an_ordinary_one(one_world):
    resident = one_world.residents[0]
    usual = Resident(**{field.name: getattr(resident, field.name) for field in fields(Resident)})
    assert type(resident) is Resident
    assert resident == usual
    assert hash(resident) == hash(usual)
    assert repr(resident) == repr(usual)
    with pytest.raises(FrozenInstanceError):
        resident.nik = "7679901205890001"
    with pytest.raises((AttributeError, TypeError)):
        resident.other = 1


def test_a_minter_asks_for_every_field():
    new_charge = minter(Charge)
    assert new_charge(budget_line_id="x", amount_idr=1) == Charge("x", 1)
    with pytest.raises(TypeError):
        new_charge(budget_line_id="x")


def test_the_collector_runs_again_after_a_city_was_made_and_stays_off_where_it_was_off():
    assert gc.isenabled()
    _ = World(12, "small", REFERENCE).residents
    assert gc.isenabled()
    gc.disable()
    try:
        _ = World(12, "small", REFERENCE).sp2ds
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_every_section_is_made_of_values_only(one_world):
    for section in SECTIONS:
        assert isinstance(getattr(one_world, section), tuple)
