"""A busy machine's slowness is noticed, and is nobody's fail."""

import threading

import psutil
import pytest

from grader import grading
from grader.city import City
from grader.language import catalogue
from grader.pulse import Pulse
from grader.run import grade
from grader.verdicts import ExitCode, LabFault, Verdict

_ = catalogue(__file__)

STALL_SECONDS = 4.0
"""Long enough for a question of the grader, which it asks twice a second, to wait well over `LONGEST_ANSWER` here."""

PROGRAM = """
import os, time, httpx

httpx.post(os.environ["IDENTITY_URL"] + "/oauth2/token", data={"grant_type": "client_credentials"},
    auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])).raise_for_status()
took = 0
while took < 1:
    began = time.monotonic()
    httpx.get(os.environ["POPULATION_URL"] + "/readyz", timeout=TIMEOUT)
    took = time.monotonic() - began
print(1)
"""
"""Calls an agency until one answer took long; with a short patience it fails instead."""


def test_nothing_is_slow_where_answers_come_at_once() -> None:
    asked = threading.Event()
    with Pulse(asked.set) as pulse:
        assert asked.wait(10)
    assert pulse.mean <= pulse.longest < 1


def test_questions_are_asked_in_turn_and_one_that_fails_is_passed_over() -> None:
    reached = threading.Event()

    def failing() -> None:
        raise LabFault(_("Not there."))

    with Pulse(failing, reached.set) as pulse:
        assert reached.wait(10)
    assert pulse.longest < 1


def test_a_question_that_is_not_answered_by_the_end_counts_with_its_time_so_far() -> None:
    asked, never = threading.Event(), threading.Event()

    def ask() -> None:
        asked.set()
        never.wait(30)

    with Pulse(ask) as pulse:
        assert asked.wait(10)
        never.wait(0.2)
    never.set()
    assert 0.2 <= pulse.longest < 10
    assert pulse.longest == pulse.mean


def hold_up(agencies, over: threading.Event) -> None:
    """Keep the agencies from doing anything for some time, once a run's program has asked for its token."""
    with City(agencies.addresses, agencies.token) as whole:
        city = whole.only({"identity", "population"})
        while not over.is_set():
            try:
                if any(city.journal(name) for name in city.names() if name.startswith("run")):
                    break
            except LabFault:
                continue
    stalled = psutil.Process(agencies.process.pid)
    stalled.suspend()
    over.wait(STALL_SECONDS)
    stalled.resume()


@pytest.mark.parametrize(("step", "verdict"), [(-0.3, Verdict.ERROR), (0.02, Verdict.FAIL)])
def test_a_clock_that_is_set_while_a_program_runs_is_nobodys_fail(agencies, order_for, monkeypatch, step, verdict):
    """Waits are judged by the times of calls. What corrects it a little all the time does no harm."""
    ahead = iter([1000.0, 1000.0 + step])
    monkeypatch.setattr(grading, "_ahead", lambda: next(ahead))
    with City(agencies.addresses, agencies.token) as city:
        results = grade(order_for("raise SystemExit(3)"), city)
    assert [task.verdict for task in results.tasks] == [verdict]


@pytest.mark.parametrize(("patience", "verdict"), [(1.5, Verdict.ERROR), (60, Verdict.PASS)])
def test_a_program_that_a_busy_machine_made_fail_is_not_failed(
    mortal_agencies, order_for, monkeypatch, patience, verdict
):
    """One that gives up on an agency which takes too long gets an error of the lab; one that waits has passed."""
    monkeypatch.setattr(grading, "LONGEST_ANSWER", 0.4)
    over = threading.Event()
    holding = threading.Thread(target=hold_up, args=(mortal_agencies, over))
    holding.start()
    with City(mortal_agencies.addresses, mortal_agencies.token) as city:
        results = grade(order_for(PROGRAM.replace("TIMEOUT", str(patience))), city)
    over.set()
    holding.join()
    assert [task.verdict for task in results.tasks] == [verdict]
    assert results.exit_code is (ExitCode.PASSED if verdict is Verdict.PASS else ExitCode.LAB_FAILED)
