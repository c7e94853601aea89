"""NIK, KK, NIP, NPWP and NIB: what is composed parses back, and what is broken is refused for the right reason."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.world.identifiers import InvalidIdentifier, kk, nib, nik, nip, npwp

BIRTHS = st.dates(date(1930, 1, 1), date(2026, 12, 31))
CARDS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
SEXES = st.sampled_from(["L", "P"])
DISTRICTS = st.from_regex(r"[1-9][0-9]{5}", fullmatch=True)
SERIALS = st.integers(1, 9999)
NOT_DIGITS = st.characters(exclude_characters="0123456789")


@given(DISTRICTS, BIRTHS, SEXES, SERIALS)
def test_a_composed_nik_parses_back_to_what_it_was_made_of(district, birth_on, sex, serial):
    text = nik.compose(district, birth_on, sex, serial)
    parts = nik.parse(text)
    assert nik.PATTERN.fullmatch(text)
    assert (parts.region_code.replace(".", ""), parts.sex, parts.serial) == (district, sex, serial)
    assert birth_on in parts.birth_dates()
    assert parts.agrees_with_birth_date(birth_on)


@given(DISTRICTS, BIRTHS, SERIALS)
def test_a_womans_nik_has_forty_added_to_the_day_and_differs_in_nothing_else(district, birth_on, serial):
    man, woman = (nik.compose(district, birth_on, sex, serial) for sex in ("L", "P"))
    assert int(woman[6:8]) == int(man[6:8]) + 40
    assert woman[:6] + woman[8:] == man[:6] + man[8:]


@given(DISTRICTS, BIRTHS, BIRTHS, SEXES, SERIALS)
def test_a_nik_disagrees_with_every_other_date_but_those_a_century_away(district, birth_on, other, sex, serial):
    assume((other.day, other.month, other.year % 100) != (birth_on.day, birth_on.month, birth_on.year % 100))
    assert not nik.parse(nik.compose(district, birth_on, sex, serial)).agrees_with_birth_date(other)


@given(st.text(max_size=20))
def test_any_text_is_either_a_nik_of_the_pattern_or_has_a_reason_against_it(text):
    if nik.faults(text):
        with pytest.raises(InvalidIdentifier) as caught:
            nik.parse(text)
        assert caught.value.reasons == nik.faults(text)
    else:
        assert nik.PATTERN.fullmatch(text)


@given(DISTRICTS, BIRTHS, SEXES, SERIALS, st.integers(0, 15), NOT_DIGITS)
def test_a_nik_with_anything_but_a_digit_in_it_is_refused(district, birth_on, sex, serial, place, intruder):
    text = nik.compose(district, birth_on, sex, serial)
    assert "digits" in nik.faults(text[:place] + intruder + text[place + 1 :])


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("767990120589001", ("length",)),
        ("76799012058900010", ("length",)),
        ("767990 12058900 01", ("digits", "length")),
        ("76799O1205890001", ("digits",)),
        ("٧٦٧٩٩٠١٢٠٥٨٩٠٠٠١", ("digits",)),
        ("", ("digits", "length")),
        ("0679901205890001", ("region",)),
        ("7679900005890001", ("day",)),
        ("7679903205890001", ("day",)),
        ("7679904005890001", ("day",)),
        ("7679907205890001", ("day",)),
        ("7679908105890001", ("day",)),
        ("7679901200890001", ("month",)),
        ("7679901213890001", ("month",)),
        ("7679904013890000", ("day", "month", "serial")),
        ("7679903002890001", ("date",)),
        ("7679907002890001", ("date",)),
        ("7679902902890001", ("date",)),
        ("7679901205890000", ("serial",)),
    ],
)
def test_a_broken_nik_is_refused_for_its_reasons(text, reasons):
    assert nik.faults(text) == reasons


@pytest.mark.parametrize("text", ["7679902902880001", "7679906902000001", "7679907112990001", "3273900101000001"])
def test_leap_days_and_the_last_day_of_women_are_accepted(text):
    assert nik.faults(text) == ()


@given(DISTRICTS, CARDS, SERIALS)
def test_a_composed_kk_parses_back_to_what_it_was_made_of(district, issued_on, serial):
    text = kk.compose(district, issued_on, serial)
    parts = kk.parse(text)
    assert kk.PATTERN.fullmatch(text)
    assert (parts.region_code.replace(".", ""), parts.issued_on, parts.serial) == (district, issued_on, serial)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("7679905205150001", ("date",)),
        ("7679903002150001", ("date",)),
        ("7679901205150000", ("serial",)),
        ("0679901205150001", ("region",)),
        ("76799012051500", ("length",)),
        ("76799012051500 1", ("digits",)),
    ],
)
def test_a_broken_kk_is_refused_for_its_reasons(text, reasons):
    assert kk.faults(text) == reasons
    with pytest.raises(InvalidIdentifier):
        kk.parse(text)


ADULTS = st.dates(date(1940, 1, 1), date(2005, 12, 31))


@given(ADULTS, st.integers(19, 40), st.integers(1, 12), SEXES, st.integers(900, 999))
def test_a_composed_nip_of_a_civil_servant_parses_back(birth_on, age, month, sex, serial):
    text = nip.compose_pns(birth_on, birth_on.year + age, month, sex, serial)
    parts = nip.parse(text)
    assert nip.PATTERN.fullmatch(text)
    assert (parts.kind, parts.birth_on, parts.sex, parts.serial) == ("pns", birth_on, sex, serial)
    assert (parts.start_year, parts.start_month) == (birth_on.year + age, month)
    assert nip.is_fictitious(text)


@given(ADULTS, st.integers(18, 40), SEXES, st.integers(900, 999), st.integers(13, 99))
def test_the_number_of_a_contract_servant_is_right_although_it_has_no_month(birth_on, age, sex, serial, mark):
    text = nip.compose_pppk(birth_on, birth_on.year + age, sex, serial, mark)
    parts = nip.parse(text)
    assert nip.PATTERN.fullmatch(text)
    assert (parts.kind, parts.birth_on, parts.start_year, parts.start_month) == (
        "pppk",
        birth_on,
        birth_on.year + age,
        None,
    )


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("198013012005011901", ("birth_date",)),
        ("198002302005011901", ("birth_date",)),
        ("188001012005011901", ("birth_date",)),
        ("198001011997121901", ("start",)),
        ("198001012005001901", ("start",)),
        ("198001012005013901", ("sex",)),
        ("19800101200501190", ("length",)),
        ("19800101 200501 1 901", ("digits", "length")),
    ],
)
def test_a_broken_nip_is_refused_for_its_reasons(text, reasons):
    assert nip.faults(text) == reasons
    with pytest.raises(InvalidIdentifier):
        nip.parse(text)


def test_a_civil_servant_may_begin_in_the_month_of_the_eighteenth_birthday_but_not_before():
    assert nip.faults("198005171998051901") == ()
    assert nip.faults("198005171998041901") == ("start",)


BODIES = st.from_regex(r"0[1-9][0-9]{6}", fullmatch=True)


@given(BODIES, st.from_regex(r"[0-9]{3}", fullmatch=True))
def test_a_composed_npwp_parses_back_in_both_lengths_and_in_print(body, branch):
    fifteen = npwp.compose(body, branch)
    for text in (fifteen, npwp.widen(fifteen), npwp.printed(fifteen)):
        parts = npwp.parse(text)
        assert (parts.body, parts.tax_office, parts.branch, parts.nik) == (body, "999", branch, None)
        assert npwp.is_fictitious(text)


@given(BODIES)
def test_the_check_digit_stays_right_when_a_nought_is_put_before_it(body):
    digit = npwp.luhn_digit(body)
    assert npwp.luhn_digit(f"0{body}") == digit


@given(BODIES, st.integers(0, 8), st.integers(1, 9))
def test_an_npwp_with_one_digit_changed_is_refused(body, place, change):
    text = npwp.compose(body)
    broken = text[:place] + str((int(text[place]) + change) % 10) + text[place + 1 :]
    assert npwp.faults(broken) == ("check_digit",)
    with pytest.raises(InvalidIdentifier):
        npwp.parse(broken)


def test_the_published_example_of_a_check_digit_comes_out():
    assert npwp.printed(npwp.compose("01234567")) == "01.234.567.4-999.000"


def test_a_persons_npwp_is_a_nik_and_judged_as_one():
    assert npwp.parse("7679901205890001").nik == "7679901205890001"
    assert npwp.is_fictitious("7679901205890001")
    assert not npwp.is_fictitious("7602011205890001")
    assert npwp.faults("7679904005890001") == ("nik_day",)
    assert npwp.faults("01.234.567.4-999") == ("length",)


@given(CARDS, st.integers(nib.FIRST_LAB_SERIAL, nib.LAST_LAB_SERIAL))
def test_a_composed_nib_parses_back(issued_on, serial):
    text = nib.compose(issued_on, serial)
    parts = nib.parse(text)
    assert nib.PATTERN.fullmatch(text)
    assert (parts.issued_on, parts.serial) == (issued_on, serial)
    assert nib.is_fictitious(text)


def test_an_older_nib_without_a_date_is_a_nib_all_the_same():
    parts = nib.parse("9120107412345")
    assert (parts.issued_on, parts.serial) == (None, None)


@pytest.mark.parametrize(
    ("text", "reasons"), [("912010741234", ("length",)), ("912010741234X", ("digits",)), ("", ("digits", "length"))]
)
def test_a_broken_nib_is_refused_for_its_reasons(text, reasons):
    assert nib.faults(text) == reasons
    with pytest.raises(InvalidIdentifier):
        nib.parse(text)
