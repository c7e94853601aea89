"""Region, KBLI, SKPD, sub-activity and account codes, and treasury document numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.world import build
from services.world.identifiers import InvalidIdentifier, budget_codes, document_number, kbli, wilayah

PROVINCES = st.sampled_from(sorted(wilayah.PROVINCES))
PAIRS = st.from_regex(r"[0-9]{2}", fullmatch=True)
VILLAGES = st.from_regex(r"[123][0-9]{3}", fullmatch=True)


@given(st.tuples(PROVINCES, PAIRS, PAIRS, VILLAGES), st.integers(1, 4))
def test_a_region_code_keeps_its_meaning_in_both_spellings(parts, depth):
    dotted = ".".join(parts[:depth])
    plain = dotted.replace(".", "")
    assert wilayah.PATTERN.fullmatch(dotted)
    assert wilayah.parse(dotted) == wilayah.parse(plain)
    assert wilayah.dotted(plain) == dotted
    assert wilayah.plain(dotted) == plain
    assert wilayah.parse(dotted).parent() == (".".join(parts[: depth - 1]) or None)


@pytest.mark.parametrize(
    ("text", "level", "kind"),
    [
        ("76", "province", "provinsi"),
        ("76.02", "city", "kabupaten"),
        ("76.79", "city", "kota"),
        ("767990", "district", "kecamatan"),
        ("76.79.90.1001", "village", "kelurahan"),
        ("7679902004", "village", "desa"),
        ("76.79.90.3001", "village", "desa adat"),
    ],
)
def test_a_region_code_tells_its_level_and_kind(text, level, kind):
    parsed = wilayah.parse(text)
    assert (parsed.level, parsed.kind) == (level, kind)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("76.79.9", "shape"),
        ("767.9", "shape"),
        ("76.7990", "shape"),
        ("76.79.90.", "shape"),
        ("", "digits"),
        ("76-79", "digits"),
        ("2.16", "shape"),
        ("20.01", "province"),
        ("76.79.90.4001", "village_kind"),
    ],
)
def test_a_broken_region_code_is_refused_for_its_reason(text, reason):
    assert wilayah.faults(text) == (reason,)
    with pytest.raises(InvalidIdentifier):
        wilayah.parse(text)


def test_there_are_thirty_eight_provinces():
    assert len(wilayah.PROVINCES) == 38


@pytest.mark.parametrize(("text", "section"), [("01122", "A"), ("47911", "G"), ("56101", "I"), ("62019", "J")])
def test_a_kbli_code_knows_its_section(text, section):
    assert kbli.parse(text).section == section


@pytest.mark.parametrize(
    ("text", "reasons"),
    [("5610", ("length",)), ("5610A", ("digits",)), ("04111", ("division",)), ("00000", ("division",))],
)
def test_a_broken_kbli_code_is_refused_for_its_reasons(text, reasons):
    assert kbli.faults(text) == reasons
    with pytest.raises(InvalidIdentifier):
        kbli.parse(text)


FIELDS = st.lists(st.from_regex(r"[1-8]\.[0-9]{2}", fullmatch=True), min_size=1, max_size=3, unique=True).map(tuple)


@given(FIELDS, st.integers(1, 99), st.integers(0, 9999))
def test_a_composed_skpd_code_parses_back(fields, unit, sub_unit):
    text = budget_codes.compose_skpd(fields, unit, sub_unit)
    parts = budget_codes.parse_skpd(text)
    assert len(text) == 22
    assert budget_codes.SKPD_PATTERN.fullmatch(text)
    assert (parts.fields, parts.unit, parts.sub_unit) == (fields, unit, sub_unit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2.16.2.20.2.21.01.000", "shape"),
        ("2.16.0.00.2.21.01.0000", "fields"),
        ("2.16.2.16.0.00.01.0000", "fields"),
        ("031101", "shape"),
    ],
)
def test_a_broken_skpd_code_is_refused_for_its_reason(text, reason):
    assert budget_codes.skpd_faults(text) == (reason,)
    with pytest.raises(InvalidIdentifier):
        budget_codes.parse_skpd(text)


def test_an_account_has_a_chain_of_six_levels():
    chain = budget_codes.account_chain("5.1.02.01.01.0024")
    assert chain == ("5", "5.1", "5.1.02", "5.1.02.01", "5.1.02.01.01", "5.1.02.01.01.0024")
    with pytest.raises(InvalidIdentifier):
        budget_codes.account_chain("5.1.02.01.01.24")


def test_a_sub_activity_of_the_old_two_digits_is_told_apart_from_nonsense():
    assert budget_codes.sub_activity_chain("2.16.03.2.02.0014") == ("2.16.03", "2.16.03.2.02", "2.16.03.2.02.0014")
    assert budget_codes.sub_activity_faults("2.16.03.2.02.06") == ("old_form",)
    assert budget_codes.sub_activity_faults("2.16.03.3.02.0014") == ("shape",)
    with pytest.raises(InvalidIdentifier):
        budget_codes.sub_activity_chain("2.16.03.2.02.06")


@given(
    st.sampled_from(["SPP", "SPM", "SP2D"]),
    st.integers(1, 999_999),
    st.sampled_from(["UP", "GU", "TU", "LS"]),
    st.sampled_from(["M", "P.02", "P.04"]),
    st.integers(1, 12),
)
def test_a_document_number_parses_back(kind, sequence, payment, stage, month):
    number = document_number.DocumentNumber(
        "76.79", kind, sequence, payment, "2.16.2.20.2.21.01.0000", stage, month, 2026
    )
    assert document_number.parse(document_number.compose(number)) == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("76.79/04.0/000025/2.16.2.20.2.21.01.0000/M/4/2026", "payment"),
        ("76.79/01.0/000025/LS/2.16.2.20.2.21.01.0000/M/4/2026", "payment"),
        ("76.79/04.0/25/LS/2.16.2.20.2.21.01.0000/M/4/2026", "shape"),
        ("76.79/04.0/000025/LS/2.16.2.20.2.21.01.0000/M/13/2026", "shape"),
    ],
)
def test_a_broken_document_number_is_refused(text, reason):
    with pytest.raises(InvalidIdentifier) as caught:
        document_number.parse(text)
    assert caught.value.reasons == (reason,)


def test_the_city_writes_its_document_numbers_by_that_shape():
    world = build(7, "small", date(2026, 11, 22))
    kinds = {"SPD": world.spds, "SPP": world.spps, "SPM": world.spms, "SP2D": world.sp2ds}
    for kind, papers in kinds.items():
        for paper in papers:
            parsed = document_number.parse(paper.number)
            assert (parsed.kind, parsed.skpd_code, parsed.region_code) == (kind, paper.skpd_code, "76.79")
            assert document_number.compose(parsed) == paper.number
