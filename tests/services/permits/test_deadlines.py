"""The service time, in working days."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.clock import WITA
from services.permits import rules
from services.permits.deadlines import deadline, working_day_after, working_days

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=WITA)


def at(days: int, hour: int = 9) -> datetime:
    """A moment that many days after Monday 2 November 2026."""
    return MONDAY.replace(hour=hour) + timedelta(days=days)


@given(DAYS, st.integers(0, 400))
def test_working_days_are_counted_as_one_would_by_hand(start, length):
    """The formula gives what counting day by day gives."""
    until = start + timedelta(days=length)
    counted = sum((start + timedelta(days=n)).weekday() < 5 for n in range(1, length + 1))
    assert working_days(start, until) == counted


@given(DAYS, st.integers(0, 400), st.integers(0, 400))
def test_working_days_add_up(start, first, second):
    """Counting in two parts gives the whole."""
    middle = start + timedelta(days=first)
    end = middle + timedelta(days=second)
    assert working_days(start, middle) + working_days(middle, end) == working_days(start, end)


@given(DAYS, st.integers(1, 40))
def test_the_nth_working_day_after_a_day_is_n_working_days_away(start, count):
    """`working_day_after` undoes `working_days`, and lands on a working day."""
    found = working_day_after(start, count)
    assert working_days(start, found) == count
    assert found.weekday() < 5


def test_a_clock_put_back_counts_nothing():
    """Time that runs backwards uses no service time."""
    assert working_days(date(2026, 11, 9), date(2026, 11, 2)) == 0


def test_the_clock_starts_with_validation():
    """Before 20 nothing is counted."""
    read = deadline([("05", at(0)), ("10", at(1))], risk="MT", now=at(9))
    assert (read.state, read.used, read.due_on, read.overdue) == ("not_started", 0, None, False)


def test_weekends_do_not_count():
    """From Monday to the Monday after, five working days begin."""
    read = deadline([("10", at(0)), ("20", at(0))], risk="MT", now=at(7))
    assert (read.state, read.used, read.limit) == ("running", 5, 7)
    assert read.due_on == date(2026, 11, 11)


def test_41_pauses_and_42_resumes():
    """Days between confirmation and its answer do not count."""
    history = [("20", at(0)), ("41", at(2)), ("42", at(9))]
    assert deadline(history[:2], risk="MT", now=at(8)).state == "paused"
    assert deadline(history[:2], risk="MT", now=at(8)).used == 2
    read = deadline(history, risk="MT", now=at(10))
    assert (read.state, read.used) == ("running", 3)


def test_43_resets_and_44_restarts():
    """A second confirmation begins the service time anew."""
    history = [("20", at(0)), ("41", at(1)), ("42", at(2)), ("43", at(4)), ("44", at(7))]
    assert deadline(history[:4], risk="MT", now=at(7)).used == 0
    assert deadline(history[:4], risk="MT", now=at(7)).state == "paused"
    read = deadline(history, risk="MT", now=at(8))
    assert (read.state, read.used) == ("running", 1)


def test_a_decision_ends_the_clock_for_good():
    """After the permit is given, a warning does not start it again, and nothing is overdue."""
    history = [("20", at(0)), ("45", at(1)), ("49", at(2)), ("50", at(2)), ("60", at(30)), ("50", at(31))]
    read = deadline(history, risk="R", now=at(60))
    assert (read.state, read.used, read.due_on, read.overdue) == ("ended", 2, None, False)


@pytest.mark.parametrize(("days", "late"), [(1, False), (2, True)])
def test_late_is_more_than_the_limit(days, late):
    """The last day is still in time."""
    read = deadline([("20", at(0))], risk="R", now=at(days, hour=23))
    assert read.overdue is late
    assert (read.due_on is None) is late


@given(st.lists(st.tuples(st.sampled_from(rules.STATUS_CODES), st.integers(0, 200_000)), max_size=12))
def test_the_days_used_never_exceed_the_days_that_passed(steps):
    """Whatever happened, the service time used lies between nothing and all working days since the beginning."""
    moment, history = MONDAY, []
    for code, minutes in steps:
        moment += timedelta(minutes=minutes)
        history.append((code, moment))
    now = moment + timedelta(days=3)
    read = deadline(history, risk="T", now=now)
    assert 0 <= read.used <= working_days(MONDAY.date(), now.date())
    assert (read.due_on is not None) == (read.state == "running" and not read.overdue)
