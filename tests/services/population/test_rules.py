"""The pure rules of the registry."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.population import rules
from services.population.rules import Obstacle
from services.world.names import similarity

GOOD, BAD = "7679904101900001", "7679904113900001"
ACTIVE, DECEASED, NON_ACTIVE = ({"status": status} for status in ("active", "deceased", "non_active"))
WITA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("number", "found", "expected"),
    [
        (BAD, [], Obstacle.MALFORMED),
        (GOOD, [], Obstacle.UNKNOWN),
        (GOOD, [ACTIVE, ACTIVE], Obstacle.DUPLICATE),
        (GOOD, [DECEASED, NON_ACTIVE], Obstacle.DUPLICATE),
        (GOOD, [DECEASED], Obstacle.DECEASED),
        (GOOD, [NON_ACTIVE], Obstacle.NON_ACTIVE),
        (GOOD, [ACTIVE], None),
    ],
)
def test_the_first_obstacle_that_applies_is_met(number, found, expected):
    """In the order 15, 13, 12, 11, 14."""
    assert rules.met(number, found) is expected


def test_obstacles_have_the_codes_that_clients_know():
    """One code each."""
    codes = {obstacle.name: obstacle.code for obstacle in Obstacle}
    assert codes == {
        "MALFORMED": "15",
        "UNKNOWN": "13",
        "DUPLICATE": "12",
        "DECEASED": "11",
        "NON_ACTIVE": "14",
        "QUOTA_EXHAUSTED": "05",
    }


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 100))
def test_a_text_matches_if_its_score_reaches_the_threshold(typed, known, threshold):
    """And the sentence says both."""
    (finding,) = rules.compared({"NAMA_LGKP": typed}, {"NAMA_LGKP": known}, threshold)
    assert finding.score == similarity(typed, known)
    assert finding.matches == (finding.score >= threshold)
    assert finding.sentence == f"{'Sesuai' if finding.matches else 'Tidak Sesuai'} ({finding.score})"


@given(st.sampled_from(["A. YANI", "SITI", "MA'RUF AMIN", ""]))
def test_a_text_scores_100_against_itself_alone(known):
    """Case and blanks aside; what is empty scores nothing."""
    (finding,) = rules.compared({"name": f"  {known.lower()} "}, {"name": known}, 90)
    assert finding.score == (100 if known else 0)


@pytest.mark.parametrize(
    ("element", "typed", "known", "matches"),
    [
        ("JENIS_KLMIN", "Laki-Laki", "LAKI-LAKI", True),
        ("JENIS_KLMIN", "L", "LAKI-LAKI", False),
        ("STATUS_KAWIN", " belum  kawin ", "BELUM KAWIN", True),
        ("TGL_LHR", "01-02-1990", "01-02-1990", True),
        ("TGL_LHR", "1990-02-01", "01-02-1990", False),
        ("NO_RT", "3", "003", True),
        ("NO_RT", "0003", "003", False),
        ("NO_RW", "", "003", False),
        ("NO_KEL", "1001", "1001", True),
        ("EKTP_CREATED", "", None, True),
    ],
)
def test_other_elements_are_equal_or_not(element, typed, known, matches):
    """They get no score."""
    (finding,) = rules.compared({element: typed}, {element: known}, 100)
    assert (finding.matches, finding.score) == (matches, None)
    assert finding.sentence == ("Sesuai" if matches else "Tidak Sesuai")


@given(st.permutations(["NIK", "NO_KK", "NAMA_LGKP", "ALAMAT"]))
def test_findings_keep_the_order_of_the_question(elements):
    """So that answers can be read beside what was asked."""
    findings = rules.compared(dict.fromkeys(elements, "x"), dict.fromkeys(elements, "x"), 90)
    assert [finding.element for finding in findings] == elements


@pytest.mark.parametrize(
    ("text", "dotted"),
    [
        ("76", "76"),
        ("7679", "76.79"),
        ("76.79.90", "76.79.90"),
        ("7679901001", "76.79.90.1001"),
        ("76.79.90.1001", "76.79.90.1001"),
        ("76.7990", None),
        ("767", None),
        ("", None),
        ("76.79.90.1001.", None),
        ("' OR 1=1", None),
    ],
)
def test_region_codes_are_read_in_both_spellings(text, dotted):
    """And in no third one."""
    assert rules.region_code(text) == dotted


def test_dates_of_the_dialect_begin_with_the_day():
    """`DD-MM-YYYY`; none stays none."""
    assert rules.day_first("1990-02-01") == "01-02-1990"
    assert rules.day_first(None) is None


@given(st.datetimes(timezones=st.just(WITA)))
def test_midnight_is_never_further_than_a_day(now):
    """Waiting that long brings the next day, never the one after."""
    seconds = rules.seconds_to_midnight(now)
    assert 0 < seconds <= 86_400
    assert (now + timedelta(seconds=seconds)).date() == (now + timedelta(days=1)).date()


def test_midnight_is_counted_from_the_full_second():
    """One second before it, one second is left."""
    assert rules.seconds_to_midnight(datetime(2026, 11, 2, 23, 59, 59, tzinfo=WITA)) == 1
