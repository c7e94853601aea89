"""Kinship that adds up: ages, marriages, parents, heads of family, cards."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.world import World
from services.world.entities import Family, Resident
from services.world.identifiers import kk, nik

YEAR = 365.2425
SIZES = {"small": (900, 1_100), "medium": (9_000, 11_000), "large": (90_000, 110_000)}


def years(earlier: date, later: date) -> float:
    return (later - earlier).days / YEAR


def by_nik(family: Family) -> dict[str, Resident]:
    return {member.nik: member for member in family.members}


def living(family: Family) -> list[Resident]:
    return [member for member in family.members if member.status != "deceased"]


@pytest.mark.parametrize("size", ["small", "medium"])
def test_a_city_has_about_as_many_residents_as_its_size_says(size):
    low, high = SIZES[size]
    assert low <= len(World(3, size, date(2026, 11, 22)).residents) <= high


def test_a_large_city_has_about_a_hundred_thousand_residents_by_a_sample_of_its_families():
    world = World(3, "large", date(2026, 11, 22))
    sample = [len(world.family(number).members) for number in range(0, world.family_count, 20)]
    low, high = SIZES["large"]
    assert low <= sum(sample) * 20 <= high


def test_every_family_has_one_living_head(world):
    for family in world.families:
        heads = [member.id for member in living(family) if member.relationship == "KEPALA KELUARGA"]
        assert heads == [family.head_id]


def test_members_share_card_and_address_with_their_family(world):
    for family in world.families:
        shared = (family.id, family.kk, family.address, family.rt, family.rw, family.postal_code, family.village_code)
        for member in family.members:
            assert shared == (
                member.family_id,
                member.kk,
                member.address,
                member.rt,
                member.rw,
                member.postal_code,
                member.village_code,
            )


def test_a_card_is_dated_after_its_last_birth_or_death_and_says_so_in_its_number(world):
    for family in world.families:
        assert kk.parse(family.kk).issued_on == family.issued_on < world.reference_date
        assert family.kk[:6] == family.village_code.replace(".", "")[:6]
        for member in family.members:
            assert member.birth_on < family.issued_on
            assert member.deceased_on is None or member.deceased_on < family.issued_on


def test_parents_in_the_registry_are_those_named_and_of_plausible_age(world):
    found = 0
    for family in world.families:
        members = by_nik(family)
        for child in family.members:
            for parent_nik, name, sex, oldest in (
                (child.mother_nik, child.mother_name, "P", 45),
                (child.father_nik, child.father_name, "L", 75),
            ):
                if parent_nik is None:
                    continue
                found += 1
                parent = members[parent_nik]
                assert parent.name == name
                if child.nik != child.mother_nik:
                    assert parent.sex == sex
                assert 19 <= years(parent.birth_on, child.birth_on) <= oldest
    assert found > 500


def test_children_of_the_head_name_a_parent_in_the_family(world):
    for family in world.families:
        for member in family.members:
            if member.relationship in {"ANAK", "CUCU"}:
                assert member.mother_nik or member.father_nik
                assert member.mother_name
                assert member.father_name


def test_grandparents_are_older_than_those_whose_parents_they_are(world):
    seen = 0
    for family in world.families:
        for elder in family.members:
            if elder.relationship in {"ORANG TUA", "MERTUA"}:
                seen += 1
                children = [m for m in family.members if elder.nik in {m.mother_nik, m.father_nik}]
                assert len(children) == 1
                wanted = (
                    children[0].id == family.head_id or children[0].relationship == "KEPALA KELUARGA"
                    if elder.relationship == "ORANG TUA"
                    else children[0].relationship == "ISTRI"
                )
                assert wanted
    assert seen


def test_the_married_live_with_a_living_spouse_and_nobody_else_does(world):
    for family in world.families:
        married = [member for member in living(family) if member.marital_status == "KAWIN"]
        assert Counter(member.sex for member in married) in (
            Counter(),
            Counter({"L": 1, "P": 1}),
            Counter({"L": 2, "P": 2}),
        )
        for wife in family.members:
            if wife.relationship == "ISTRI" and wife.status != "deceased":
                assert any(member.relationship == "KEPALA KELUARGA" and member.sex == "L" for member in married)


def test_the_widowed_of_a_couple_were_widowed_by_a_recorded_death(world):
    widowed = [family for family in world.families if any(member.status == "deceased" for member in family.members)]
    assert widowed
    for family in widowed:
        dead = next(member for member in family.members if member.status == "deceased")
        head = next(member for member in family.members if member.id == family.head_id)
        assert head.marital_status == "CERAI MATI"
        assert dead.sex != head.sex
        assert dead.deceased_on is not None
        assert all(member.birth_on <= dead.deceased_on for member in family.members)


def test_spouses_were_grown_up_before_their_first_child(world):
    for family in world.families:
        for child in family.members:
            for parent in family.members:
                if parent.nik in {child.mother_nik, child.father_nik}:
                    assert years(parent.birth_on, child.birth_on) >= 19


def test_every_kind_of_household_occurs(world):
    kinds = Counter(tuple(sorted(Counter(m.relationship for m in family.members))) for family in world.families)
    members = Counter(len(family.members) for family in world.families)
    relationships = {relationship for kind in kinds for relationship in kind}
    assert relationships >= {"KEPALA KELUARGA", "ISTRI", "ANAK", "CUCU", "ORANG TUA", "MERTUA", "MENANTU"}
    assert members[1] >= 10
    assert max(members) <= 10
    assert {m.marital_status for m in world.residents} == {"BELUM KAWIN", "KAWIN", "CERAI HIDUP", "CERAI MATI"}


def test_death_is_recorded_for_the_deceased_and_only_for_them(world):
    for resident in world.residents:
        assert (resident.deceased_on is not None) == (resident.status == "deceased")
        if resident.deceased_on is not None:
            assert resident.birth_on < resident.deceased_on < world.reference_date


def test_everyone_of_seventeen_has_been_recorded_but_the_non_active(world):
    for resident in world.residents:
        age = years(resident.birth_on, resident.deceased_on or world.reference_date)
        if resident.status == "non_active":
            assert (resident.ektp_status, resident.ektp_recorded_on) == ("not_recorded", None)
        elif age < 17:
            assert (resident.ektp_status, resident.ektp_recorded_on) == ("not_due", None)
        else:
            assert resident.ektp_status in {"recorded", "printed"}
            assert resident.ektp_recorded_on < (resident.deceased_on or world.reference_date)
            assert years(resident.birth_on, resident.ektp_recorded_on) > 16.9


def test_nobody_is_born_after_the_reference_date_or_older_than_a_human(world):
    for resident in world.residents:
        assert 0 < years(resident.birth_on, world.reference_date) < 95


def test_schooling_fits_the_age(world):
    for resident in world.residents:
        age = years(resident.birth_on, resident.deceased_on or world.reference_date)
        if age < 5:
            assert resident.education == "TIDAK/BELUM SEKOLAH"
        if age < 18:
            assert resident.occupation in {"BELUM/TIDAK BEKERJA", "PELAJAR/MAHASISWA"}
            assert resident.marital_status == "BELUM KAWIN"


def test_every_village_is_one_of_the_city(world):
    villages = {region.code: region for region in world.regions if region.level == "village"}
    for family in world.families:
        assert villages[family.village_code].postal_code == family.postal_code


def test_regions_form_a_tree_whose_codes_tell_kelurahan_from_desa(world):
    codes = {region.code for region in world.regions}
    for region in world.regions:
        assert region.plain_code == region.code.replace(".", "")
        assert region.parent_code is None or region.parent_code in codes
        if region.level == "village":
            assert region.kind == {"1": "kelurahan", "2": "desa"}[region.code[9]]
    assert {region.code for region in world.regions if region.level == "district"} == {
        f"76.79.{number}" for number in range(90, 96)
    }


def test_any_resident_can_be_had_by_id_alone(one_world):
    for resident in one_world.residents[::37]:
        fresh = World(one_world.seed, "small", one_world.reference_date)
        assert fresh.resident(resident.id) == resident
    for missing in ("R0000009", "R9999990"):
        with pytest.raises(KeyError):
            one_world.resident(missing)


@settings(max_examples=12)
@given(st.integers(0, 2**63 - 1), st.dates(date(2015, 1, 1), date(2089, 12, 31)))
def test_nik_are_unique_but_for_the_planted_pairs_whatever_seed_and_date(seed, reference_date):
    world = World(seed, "small", reference_date)
    niks = Counter(resident.nik for resident in world.residents)
    pairs = world.truth.residents["duplicate_nik"]
    planted = {world.resident(identity).nik for identity in pairs}
    assert {number for number, count in niks.items() if count > 1} == planted
    assert all(niks[number] == 2 for number in planted)
    assert len({resident.id for resident in world.residents}) == len(world.residents)
    assert len({family.kk for family in world.families}) == len(world.families)
    assert all(nik.faults(number) == () for number in niks)


def test_nik_and_kk_stay_unique_in_a_large_city_where_families_stand_closest():
    world = World(11, "large", date(2026, 11, 22))
    families = [world.family(number) for number in (*range(6), *range(world.family_count - 6, world.family_count))]
    assert len({family.kk for family in families}) == len(families)
    numbers = [member.nik for family in families for member in family.members]
    assert all(nik.faults(number) == () and nik.is_fictitious(number) for number in numbers)


def test_two_women_of_one_family_who_would_be_born_on_one_day_are_told_apart():
    family = World(5, "large", date(2026, 11, 22)).family(9212)
    births = sorted(member.birth_on for member in family.members if member.sex == "P")
    assert date(2002, 7, 9) in births
    assert date(2002, 7, 10) in births
    assert len({member.nik for member in family.members}) == len(family.members)


@pytest.mark.parametrize("year", [2014, 2090])
def test_a_reference_date_outside_the_years_of_unambiguous_numbers_is_refused(year):
    with pytest.raises(ValueError, match="reference date"):
        World(1, "small", date(year, 6, 1))
