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
"""A program that gets over the end of an agency: it sees it there, gone, and there again."""


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


def test_agencies_that_came_back_unseen_are_noticed(mortal_agencies, learner: Learner, tmp_path):
    """Even a program that gets over it is not judged: what the killed process remembered for it is gone."""
    folder = tmp_path / "07_waits"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_waits.py").write_text(
        "from grader.words import catalogue, expect, task\n_ = catalogue(__file__)\n\n"
        "@task('waits')\ndef test_waits(grading):\n    expect(grading.run().answer() == 1, _('Other.'))\n"
    )
    (folder / "exercise.toml").write_text(
        'format_version = 1\nnumber = 7\nslug = "waits"\nkind = "job"\nminutes = 9\nlevel = "basic"\nrequires = []\n'
        'uses = ["population"]\nscopes = []\nwall_seconds = 60\npass_mark = 100\ntitle = {id = "a", en = "a"}\n'
        'summary = {id = "a", en = "a"}\ntasks = [{id = "waits", title = {id = "a", en = "a"}, points = 100}]\n'
    )
    work = tmp_path / "work"
    work.mkdir()
    (work / "main.py").write_text(PATIENT)
    order = Order(exercise=load(folder), submission=work, out=tmp_path / "out", learner=learner, lab_version="test")
    over = threading.Event()
    killer = threading.Thread(target=kill_when, args=(mortal_agencies, 0, over))
    killer.start()
    with City(mortal_agencies.addresses, mortal_agencies.token) as city:
        results = grade(order, city)
    over.set()
    killer.join()
    assert results.exit_code is ExitCode.LAB_FAILED
    assert {task.verdict for task in results.tasks} == {Verdict.ERROR}
