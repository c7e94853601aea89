"""Which decisions are legal."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.problems import Problem
from services.permits import rules

CODES = st.sampled_from(rules.STATUS_CODES)
REASON_CODES = st.one_of(st.none(), st.sampled_from(sorted(rules.REASONS)))


def test_every_code_of_lampiran_10_has_a_status():
    """The table holds exactly the 26 codes, under their own key, in ascending order."""
    assert tuple(rules.STATUSES) == rules.STATUS_CODES == tuple(sorted(rules.STATUS_CODES))
    assert all(code == status.code for code, status in rules.STATUSES.items())
    assert len(rules.STATUS_CODES) == 26


def test_every_transition_leads_to_a_known_status_in_order():
    """No status leads to an unknown one, to itself or twice to the same; AUTOMATIC is never among the plain ones."""
    for status in rules.STATUSES.values():
        assert list(status.following) == sorted(set(status.following))
        assert set(status.following) <= set(rules.STATUSES) - {status.code, rules.AUTOMATIC}


def test_every_status_can_be_reached_and_left_for_an_end():
    """From the first screening every status is reachable, and from every status an end is."""
    assert _reachable("05") == set(rules.STATUSES)
    for code in rules.STATUSES:
        assert _reachable(code) & {"50", "57", "90", "93"}, code


def _reachable(start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for code in rules.allowed(waiting.pop(), overdue=True):
            if code not in seen:
                seen.add(code)
                waiting.append(code)
    return seen


def test_the_queue_leads_to_the_four_outcomes_only():
    """From 20 a decision leads to 11, 41, 45 or 93; never straight to a permit."""
    assert rules.allowed("20", overdue=False) == ("11", "41", "45", "93")
    assert rules.allowed("20", overdue=True) == ("11", "41", "45", "57", "93")


def test_final_statuses_allow_nothing_even_when_late():
    """90 and 93 are final."""
    for code in ("90", "93"):
        assert rules.allowed(code, overdue=True) == ()


def test_the_office_rule_is_a_total_order_over_the_four_outcomes():
    """The rule for the queue is numbered 1 to 10 without gaps, and each of its reasons is legal from 20."""
    ordered = sorted((r for r in rules.REASONS.values() if r.order is not None), key=lambda r: r.order)
    assert [reason.order for reason in ordered] == list(range(1, 11))
    assert ordered[0].code == "documents_incomplete"
    assert ordered[-1].code == "verified"
    assert {reason.status for reason in ordered} == set(rules.STATUSES["20"].following)


def test_each_business_error_of_the_registry_has_one_reason():
    """RESPONSE_CODE 11 to 15 each lead to exactly one reason."""
    pairs = [(reason.response_code, reason.code) for reason in rules.REASONS.values() if reason.response_code]
    assert dict(pairs) == {
        "11": "nik_deceased",
        "12": "nik_duplicate",
        "13": "nik_unknown",
        "14": "nik_inactive",
        "15": "nik_malformed",
    }
    assert len(pairs) == 5


@given(present=CODES, wanted=CODES, reason=REASON_CODES, overdue=st.booleans())
def test_a_decision_passes_exactly_when_step_and_reason_are_legal(present, wanted, reason, overdue):
    """It passes if and only if the step is in the table and the reason belongs to the status, or neither is needed."""
    legal_step = wanted in rules.allowed(present, overdue=overdue)
    listed = rules.reasons_for(wanted)
    legal_reason = reason in listed if listed else reason is None
    if legal_step and legal_reason:
        rules.require_legal(wanted, reason, present=present, overdue=overdue)
        return
    with pytest.raises(Problem) as refused:
        rules.require_legal(wanted, reason, present=present, overdue=overdue)
    expected = "transition_not_allowed" if not legal_step else "reason_required" if reason is None else None
    assert refused.value.code == (expected or "reason_not_for_status")


@given(present=CODES, wanted=CODES, overdue=st.booleans())
def test_a_refused_step_names_what_is_allowed(present, wanted, overdue):
    """The 409 names every code that may follow, in both languages."""
    following = rules.allowed(present, overdue=overdue)
    if wanted in following:
        return
    with pytest.raises(Problem) as refused:
        rules.require_legal(wanted, None, present=present, overdue=overdue)
    for language in ("id", "en"):
        sentence = refused.value.detail.render(language)
        assert all(code in sentence for code in (present, wanted, *following))


@given(st.lists(st.tuples(CODES, REASON_CODES), max_size=60))
def test_no_sequence_of_decisions_leaves_the_table(attempts):
    """However decisions are attempted, the history is a path in the table, and its last step is the status."""
    history = ["05"]
    for wanted, reason in attempts:
        try:
            rules.require_legal(wanted, reason, present=history[-1], overdue=False)
        except Problem:
            continue
        history.append(wanted)
    steps = pairwise(history)
    assert all(after in rules.STATUSES[before].following for before, after in steps)


def test_a_repeated_decision_is_one_with_the_same_status_and_reason():
    """Same status and same reason repeat; another reason does not."""
    assert rules.is_repeated("93", "nik_unknown", present="93", present_reason="nik_unknown")
    assert not rules.is_repeated("93", "nik_deceased", present="93", present_reason="nik_unknown")
    assert not rules.is_repeated("45", "verified", present="45", present_reason=None)


def test_a_note_is_the_callers_else_the_reasons_else_the_statuses():
    """The history never holds an empty sentence."""
    assert rules.note_for("verified", "Sudah dicek.", "45") == "Sudah dicek."
    assert rules.note_for("verified", None, "45") == rules.REASONS["verified"].title
    assert rules.note_for(None, None, "49") == "Pengambilan Nomor"
