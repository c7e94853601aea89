"""The Faker providers, each on its own."""

from datetime import date

import pytest
from faker import Faker

from services.world.identifiers import budget_codes, kbli, kk, nib, nik, nip, npwp, wilayah
from services.world.providers import (
    KbliProvider,
    KkProvider,
    NibProvider,
    NikProvider,
    NipProvider,
    NpwpProvider,
    RekeningProvider,
    SkpdProvider,
    WilayahProvider,
)


def fake_with(provider: type) -> Faker:
    fake = Faker("id_ID")
    fake.add_provider(provider)
    fake.seed_instance(20261122)
    return fake


@pytest.mark.parametrize(
    ("provider", "method", "faults", "is_fictitious"),
    [
        (NikProvider, "nik", nik.faults, nik.is_fictitious),
        (KkProvider, "kk", kk.faults, nik.is_fictitious),
        (NipProvider, "nip", nip.faults, nip.is_fictitious),
        (NipProvider, "nip_pppk", nip.faults, nip.is_fictitious),
        (NpwpProvider, "npwp", npwp.faults, npwp.is_fictitious),
        (NpwpProvider, "npwp_16", npwp.faults, npwp.is_fictitious),
        (NpwpProvider, "npwp_printed", npwp.faults, npwp.is_fictitious),
        (NibProvider, "nib", nib.faults, nib.is_fictitious),
    ],
)
def test_a_provider_gives_well_formed_numbers_of_nobody(provider, method, faults, is_fictitious):
    make = getattr(fake_with(provider), method)
    for _ in range(300):
        number = make()
        assert faults(number) == ()
        assert is_fictitious(number)


@pytest.mark.parametrize(
    ("provider", "method", "faults"),
    [
        (WilayahProvider, "kode_wilayah", wilayah.faults),
        (WilayahProvider, "kode_wilayah_polos", wilayah.faults),
        (KbliProvider, "kbli", kbli.faults),
        (SkpdProvider, "kode_skpd", budget_codes.skpd_faults),
        (RekeningProvider, "kode_rekening", budget_codes.account_faults),
        (RekeningProvider, "kode_sub_kegiatan", budget_codes.sub_activity_faults),
    ],
)
def test_a_provider_gives_well_formed_codes(provider, method, faults):
    make = getattr(fake_with(provider), method)
    assert all(faults(make()) == () for _ in range(200))


@pytest.mark.parametrize(
    ("provider", "method"),
    [(NikProvider, "nik"), (NipProvider, "nip"), (NibProvider, "nib"), (SkpdProvider, "kode_skpd")],
)
def test_a_seeded_provider_repeats_itself(provider, method):
    first, second = (getattr(fake_with(provider), method) for _ in range(2))
    assert [first() for _ in range(20)] == [second() for _ in range(20)]


def test_what_is_asked_for_is_in_the_number():
    number = fake_with(NikProvider).nik(birth_on=date(1999, 2, 28), sex="P", district="760290")
    assert number.startswith("760290680299")
    assert fake_with(NipProvider).nip(birth_on=date(1980, 5, 17), sex="L").startswith("19800517")
    assert fake_with(NibProvider).nib(issued_on=date(2024, 3, 9)).startswith("0903249")
    assert fake_with(KkProvider).kk(issued_on=date(2015, 6, 1), district="767995").startswith("767995010615")


def test_a_contract_servants_number_has_no_month():
    assert fake_with(NipProvider).nip_pppk()[12:14] == "21"


def test_risk_follows_the_scale():
    fake = fake_with(KbliProvider)
    assert {fake.risiko() for _ in range(200)} == {"R", "MR", "MT", "T"}
    assert fake.bidang_usaha().title


def test_a_budget_line_is_a_sub_activity_and_an_account():
    line = fake_with(RekeningProvider).baris_anggaran()
    assert budget_codes.sub_activity_faults(line[:17]) == ()
    assert budget_codes.account_faults(line[18:]) == ()
