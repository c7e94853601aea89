"""The sandbox's own clock."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample.lab import InProcess

from services.kit.clock import WITA, Clock


def now(lab: InProcess) -> str:
    return str(lab.back("GET", "city/clock").json()["now"])


def test_it_starts_at_eight_on_the_reference_date_and_runs_at_real_speed(lab: InProcess) -> None:
    lab.made(reference_date="2026-02-28")
    assert now(lab) == "2026-02-28T08:00:00.000+08:00"
    lab.clock.seconds += 86_400.25
    assert now(lab) == "2026-03-01T08:00:00.250+08:00"


def test_the_lab_moves_it_forward_and_back_and_sets_it(lab: InProcess) -> None:
    lab.made()
    moved = lab.back("PATCH", "city/clock", json={"advance_seconds": 90})
    assert moved.json() == {"now": "2026-11-02T08:01:30.000+08:00"}
    lab.back("PATCH", "city/clock", json={"advance_seconds": -30.5})
    assert now(lab) == "2026-11-02T08:00:59.500+08:00"
    lab.back("PATCH", "city/clock", json={"now": "2027-01-01T00:00:00Z"})
    assert now(lab) == "2027-01-01T08:00:00.000+08:00"
    lab.back("PATCH", "city/clock", json={"now": "2027-01-01T00:00:00"})
    assert now(lab) == "2027-01-01T00:00:00.000+08:00"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"advance_seconds": 1, "now": "2027-01-01T00:00:00Z"},
        {"advance_seconds": 1e10},
        {"advance_seconds": "soon"},
        {"now": "9999-12-31T23:59:59Z"},
        {"now": "9999-12-31T23:59:59"},
        {"now": "0001-01-01T00:00:00+14:00"},
        {"now": "yesterday"},
        {"advance": 1},
    ],
)
def test_a_change_that_makes_no_sense_leaves_it_as_it_was(lab: InProcess, change: dict[str, object]) -> None:
    lab.made()
    assert lab.back("PATCH", "city/clock", json=change).status_code == 422
    assert now(lab) == "2026-11-02T08:00:00.000+08:00"
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_it_cannot_be_moved_step_by_step_to_where_it_would_break(lab: InProcess) -> None:
    lab.made()
    answers = [lab.back("PATCH", "city/clock", json={"advance_seconds": 1e9}).status_code for _ in range(10)]
    assert answers == [200] * answers.count(200) + [422] * answers.count(422)
    assert answers[-1] == 422
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_it_goes_on_over_a_restart(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.back("PATCH", "city/clock", json={"advance_seconds": 3600})
    lab.restarted()
    lab.clock.seconds += 60
    assert now(lab) == "2026-11-02T09:01:00.000+08:00"


def test_it_starts_when_the_city_is_made_whoever_looks_first_and_whenever(lab: InProcess) -> None:
    """The agencies of one city must agree on the time, and each opens it with its own first call."""
    lab.made(durable=True)
    lab.clock.seconds += 60
    assert now(lab) == "2026-11-02T08:01:00.000+08:00"
    lab.clock.seconds += 60
    lab.restarted()
    assert now(lab) == "2026-11-02T08:02:00.000+08:00"


def test_a_reset_starts_it_anew(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.back("PATCH", "city/clock", json={"advance_seconds": 3600})
    lab.clock.seconds += 60
    lab.back("POST", "city/reset")
    assert now(lab) == "2026-11-02T08:00:00.000+08:00"
    lab.clock.seconds += 60
    lab.restarted()
    assert now(lab) == "2026-11-02T08:01:00.000+08:00"


@pytest.mark.parametrize("restart", [False, True])
def test_a_checkpoint_brings_back_the_time_at_which_it_was_taken(lab: InProcess, restart: bool) -> None:
    lab.made(durable=True)
    lab.back("PATCH", "city/clock", json={"advance_seconds": 3600})
    lab.back("POST", "city/checkpoints", json={"name": "morning"})
    lab.clock.seconds += 7200
    assert now(lab) == "2026-11-02T11:00:00.000+08:00"
    if restart:
        lab.restarted()
        assert now(lab) == "2026-11-02T11:00:00.000+08:00"
    lab.back("POST", "city/checkpoints/morning/restore")
    assert now(lab) == "2026-11-02T09:00:00.000+08:00"
    lab.clock.seconds += 1
    assert now(lab) == "2026-11-02T09:00:01.000+08:00"
    lab.restarted()
    lab.clock.seconds += 1
    assert now(lab) == "2026-11-02T09:00:02.000+08:00"


def test_tokens_follow_the_real_clock(lab: InProcess) -> None:
    """Client libraries reckon with their own."""
    lab.made()
    token = lab.token()
    lab.back("PATCH", "city/clock", json={"advance_seconds": 1e6})
    assert lab.call("GET", "/v1/letters/s0001", headers={"authorization": f"Bearer {token}"}).status_code == 200


moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=WITA))  # noqa: DTZ001 - given its zone right away


@given(moments, st.floats(0, 4e9), st.floats(0, 1e6))
def test_it_runs_forward_in_step_with_the_real_clock_to_the_millisecond(
    shown: datetime, real: float, passed: float
) -> None:
    clock = Clock.showing(shown, real)
    assert clock is not None
    later = clock.now(real + passed)
    assert later.tzinfo is WITA
    assert later.microsecond % 1000 == 0
    assert abs((later - shown).total_seconds() - passed) < 0.002
    assert clock.now(real + passed + 1) > later


@given(moments, st.floats(0, 4e9), st.floats(0, 1e6))
def test_it_is_the_same_clock_after_being_stored(shown: datetime, real: float, passed: float) -> None:
    clock = Clock.showing(shown, real)
    assert clock is not None
    assert Clock.restored(clock.stored(), real) == clock
    rebased = clock.rebased(real + passed)
    assert Clock.restored(rebased.stored(), real).now(real + passed) == clock.now(real + passed)
    put_back = Clock.restored(clock.stored(), real + passed)
    assert put_back.now(real + passed) == clock.now(real)


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.floats(-1e6, 1e6))
def test_moving_it_moves_what_it_shows(day: date, seconds: float) -> None:
    clock = Clock.opening(day, 0.0)
    moved = clock.moved(0.0, seconds=seconds)
    assert moved is not None
    assert abs(moved.now(0.0) - clock.now(0.0) - timedelta(seconds=seconds)) < timedelta(milliseconds=2)
