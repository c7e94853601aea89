"""The treasury's rules, on plain values."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.finance import rules
from services.finance.rules import Advance, Agency, Charge, LineState, Paper
from services.kit.problems import Problem
from services.world.identifiers.document_number import parse

SKPD = "2.16.2.20.2.21.01.0000"
MONEY = st.integers(min_value=0, max_value=10**13)


def line(budget=0, released=0, requested=0, disbursed=0, *, skpd=SKPD, key=1):
    return LineState(key, f"line-{key}", skpd, 2026, budget, released, requested, disbursed)


def paper(type_="SPM", status="issued", kind="LS"):
    return Paper(7, type_, "76.79/…", kind, SKPD, 2026, 100, status)


def refused(call, *args):
    with pytest.raises(Problem) as caught:
        call(*args)
    return caught.value


@given(budget=MONEY, released=MONEY, amount=st.integers(min_value=1, max_value=10**13))
def test_an_spd_fits_exactly_when_the_dpa_still_holds_it(budget, released, amount):
    states, charges = [line(budget, released)], [Charge("line-1", amount)]
    if released + amount <= budget:
        rules.require_within_budget(states, charges)
    else:
        assert refused(rules.require_within_budget, states, charges).code == "dpa_exceeded"


@given(released=MONEY, requested=MONEY, amount=st.integers(min_value=1, max_value=10**13))
def test_an_spp_fits_exactly_when_the_spd_leave_it(released, requested, amount):
    states, charges = [line(10**14, released, requested)], [Charge("line-1", amount)]
    if requested + amount <= released:
        rules.require_released(states, charges)
    else:
        assert refused(rules.require_released, states, charges).code == "spd_exceeded"


@given(released=MONEY, disbursed=MONEY, amount=st.integers(min_value=1, max_value=10**13))
def test_an_sp2d_fits_exactly_when_the_spd_cover_it(released, disbursed, amount):
    states, charges = [line(10**14, released, disbursed, disbursed)], [Charge("line-1", amount)]
    if disbursed + amount <= released:
        rules.require_funds(states, charges)
    else:
        assert refused(rules.require_funds, states, charges).code == "spd_exceeded"


@given(released=MONEY, disbursed=MONEY, amount=st.integers(min_value=1, max_value=10**13))
def test_an_spd_goes_exactly_when_the_others_cover_what_was_paid(released, disbursed, amount):
    states, charges = [line(10**14, released, disbursed, disbursed)], [Charge("line-1", amount)]
    if released - amount >= disbursed:
        rules.require_withdrawable(states, charges)
    else:
        assert refused(rules.require_withdrawable, states, charges).code == "spd_in_use"


def test_only_the_lines_that_overrun_are_named_with_what_is_left():
    states = [line(1000, 400, key=1), line(1000, 900, key=2)]
    problem = refused(rules.require_within_budget, states, [Charge("line-1", 600), Charge("line-2", 101)])
    assert [(error.pointer, error.code) for error in problem.errors] == [
        ("#/charges/1/amount_idr", "exceeds_remainder")
    ]
    assert problem.errors[0].detail.render("en") == "100 rupiah are left on line-2."


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ([None], "unknown_line"),
        ([line(skpd="1.01.0.00.0.00.01.0000")], "line_of_other_skpd"),
        ([line(key=1), line(key=1)], "line_repeated"),
    ],
)
def test_lines_that_are_unknown_foreign_or_repeated_are_refused(known, code):
    assert refused(rules.require_lines, SKPD, known).errors[0].code == code


@pytest.mark.parametrize(
    ("kind", "amount", "charges", "code"),
    [
        ("UP", None, [], "amount_missing"),
        ("UP", 5, [Charge("line-1", 5)], "charges_not_allowed"),
        ("LS", None, [], "charges_missing"),
        ("GU", 5, [], "charges_missing"),
        ("TU", 6, [Charge("line-1", 5)], "amount_mismatch"),
    ],
)
def test_an_amount_that_does_not_fit_its_kind_is_refused(kind, amount, charges, code):
    assert refused(rules.total_requested, kind, amount, charges).errors[0].code == code


def test_a_up_states_its_amount_and_the_others_add_up_their_charges():
    charges = [Charge("line-1", 5), Charge("line-2", 7)]
    assert rules.total_requested("UP", 9, []) == 9
    assert rules.total_requested("LS", None, charges) == 12
    assert rules.total_requested("LS", 12, charges) == 12


def test_the_float_comes_once_and_a_gu_lives_within_it():
    assert refused(rules.require_advance, "UP", 5, Advance("76.79/…", 0)).code == "up_already_requested"
    assert refused(rules.require_advance, "GU", 5, Advance("76.79/…", 0)).code == "float_missing"
    assert refused(rules.require_advance, "GU", 6, Advance("76.79/…", 5)).code == "float_exceeded"
    rules.require_advance("UP", 5, Advance(None, 0))
    rules.require_advance("GU", 5, Advance("76.79/…", 5))
    rules.require_advance("TU", 5, Advance(None, 0))
    rules.require_advance("LS", 5, Advance(None, 0))


def test_an_spm_needs_an_approved_spp_without_an_spm():
    existing = paper("SPM")
    again = refused(rules.require_order, paper("SPP", "approved"), existing)
    assert (again.code, again.headers) == ("spm_already_issued", {"location": "/v1/spm/spm-000007"})
    for status in ("draft", "cancelled"):
        assert refused(rules.require_order, paper("SPP", status), None).code == "spp_not_approved"
    rules.require_order(paper("SPP", "approved"), None)


def test_an_sp2d_needs_a_living_spm_without_an_sp2d_and_points_to_the_one_there_is():
    again = refused(rules.require_payment, paper(), paper("SP2D"))
    assert (again.status, again.code, again.headers["location"]) == (
        409,
        "sp2d_already_issued",
        "/v1/sp2d/sp2d-000007",
    )
    assert refused(rules.require_payment, paper(status="cancelled"), None).code == "spm_cancelled"
    rules.require_payment(paper(), None)


def test_a_document_is_cancelled_once_and_not_under_a_later_one():
    assert refused(rules.require_cancellable, paper(status="cancelled"), None).code == "document_cancelled"
    assert refused(rules.require_cancellable, paper(), paper("SP2D")).code == "document_in_use"
    rules.require_cancellable(paper(), None)


def test_only_the_sp2d_of_a_float_is_held_by_a_refill():
    refill = paper("SPP", "draft", "GU")
    assert refused(rules.require_float_unused, paper("SP2D", kind="UP"), refill).code == "document_in_use"
    rules.require_float_unused(paper("SP2D", kind="UP"), None)
    rules.require_float_unused(paper("SP2D", kind="LS"), refill)


def test_only_a_draft_can_be_approved():
    assert refused(rules.require_approvable, paper("SPP", "approved")).code == "spp_not_draft"
    rules.require_approvable(paper("SPP", "draft"))


def test_an_skpd_that_is_gone_names_its_successor():
    problem = refused(rules.require_active, Agency("old", False, "new"))
    assert problem.code == "skpd_inactive"
    assert "new" in problem.detail.render("id")


def test_a_closed_budget_year_takes_no_documents():
    assert refused(rules.require_open_year, 2026, date(2027, 1, 1)).code == "budget_year_closed"
    rules.require_open_year(2026, date(2026, 12, 31))


@given(gross=MONEY, deductions=MONEY)
def test_net_is_gross_less_deductions_and_never_negative(gross, deductions):
    if deductions <= gross:
        assert rules.net_of(gross, deductions) == gross - deductions
    else:
        assert refused(rules.net_of, gross, deductions).errors[0].code == "deductions_exceed_gross"


@given(
    type_=st.sampled_from(["SPD", "SPP", "SPM", "SP2D"]),
    sequence=st.integers(min_value=1, max_value=999_999),
    day=st.dates(min_value=date(2020, 1, 1), max_value=date(2089, 12, 31)),
)
def test_numbers_follow_the_real_pattern(type_, sequence, day):
    number = rules.number_of(type_, sequence, None if type_ == "SPD" else "LS", SKPD, day)
    parts = parse(number)
    assert (parts.region_code, parts.kind, parts.sequence, parts.month, parts.year) == (
        "76.79",
        type_,
        sequence,
        day.month,
        day.year,
    )


@given(type_=st.sampled_from(["SPD", "SPP", "SPM", "SP2D"]), key=st.integers(min_value=0, max_value=10**9))
def test_ids_and_keys_are_two_spellings_of_one_thing(type_, key):
    assert rules.key_of(type_, rules.document_id(type_, key)) == key


@given(st.text(max_size=30))
@pytest.mark.parametrize(
    "given_id", ["sp2d-1", "sp2d-+00001", "sp2d-" + "\u0661" * 6, "spm-000001", "SP2D-000001", "sp2d-0000001"]
)
def test_nothing_else_is_an_id(given_id, text):
    assert rules.key_of("SP2D", given_id) is None
    if not text.startswith("sp2d-") and not text.isdigit():
        assert rules.key_of("SP2D", text) is None
