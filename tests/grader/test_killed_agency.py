"""The agencies are killed while a right program runs: the verdict is an error or right, never a wrong fail."""

import threading
from pathlib import Path

import pytest

from grader.city import City
from grader.exercise import load
from grader.run import Learner, Order, grade
from grader.verdicts import ExitCode, LabFault, Verdict

ROOT = Path(__file__).resolve().parents[2]


PATIENT = """
import os, time, httpx

httpx.post(os.environ["IDENTITY_URL"] + "/oauth2/token", data={"grant_type": "client_credentials"},
           auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])).raise_for_status()

def answers():
    try:
        return httpx.get(os.environ["POPULATION_URL"] + "/readyz").is_success
    except httpx.HTTPError:
        return False

for wanted in (True, False, True):
    while answers() is not wanted:
        time.sleep(0.01)
print(1)
"""
"""A program that gets over the end of an agency after its first call: it sees it there, gone, and there again."""


def kill_when(agencies, calls: int, over: threading.Event) -> None:
    """Kill the agencies once a run's sandbox has had so many calls, and start them again, as another command would."""
    with City(agencies.addresses, agencies.token) as whole:
        city = whole.only({"identity", "population"})
        while not over.is_set():
            try:
                runs = [name for name in city.names("population") if name.startswith("run")]
                if any(len(city.journal(name)) >= calls for name in runs):
                    break
            except LabFault:
                continue
    if not over.is_set():
        agencies.process.kill()
        agencies.process.wait()
        agencies.start()


@pytest.mark.parametrize("calls", [0, 1, 3, 8])
def test_agencies_killed_in_the_middle_make_no_wrong_fail(mortal_agencies, learner: Learner, tmp_path, calls):
    """At whatever moment: before the first call, after the token, between pages, while records are read one by one."""
    exercise = load(ROOT / "exercises" / "01_first_api")
    order = Order(
        exercise=exercise,
        submission=exercise.folder / "solution",
        out=tmp_path / "out",
        learner=learner,
        lab_version="test",
    )
    over = threading.Event()
    killer = threading.Thread(target=kill_when, args=(mortal_agencies, calls, over))
    first = mortal_agencies.process.pid
    killer.start()
    with City(mortal_agencies.addresses, mortal_agencies.token) as city:
        results = grade(order, city)
    over.set()
    killer.join()
    assert mortal_agencies.process.pid != first, "nothing was killed"
    assert [task.task for task in results.tasks if task.verdict is Verdict.FAIL] == []
    assert results.exit_code in {ExitCode.PASSED, ExitCode.LAB_FAILED}


def test_agencies_that_came_back_unseen_are_noticed(mortal_agencies, order_for):
    """Even a program that gets over it is not judged: what the killed process remembered for it is gone."""
    over = threading.Event()
    killer = threading.Thread(target=kill_when, args=(mortal_agencies, 1, over))
    killer.start()
    with City(mortal_agencies.addresses, mortal_agencies.token) as city:
        results = grade(order_for(PATIENT), city)
    over.set()
    killer.join()
    assert results.exit_code is ExitCode.LAB_FAILED
    assert {task.verdict for task in results.tasks} == {Verdict.ERROR}
