"""A whole grading run, with real agencies and really isolated programs."""

import gc
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from grader import resultsfile
from grader.city import City
from grader.exercise import load
from grader.results import Results, TaskResult
from grader.run import Learner, Order, grade
from grader.submissions import SubmissionRefused
from grader.verdicts import ExitCode, Verdict

TOML = """
format_version = 1
number = 7
slug = "sample"
title = { id = "Contoh", en = "Sample" }
summary = { id = "Ringkas.", en = "Short." }
kind = "job"
minutes = 30
level = "basic"
uses = ["population"]
requires = []
scopes = ["population:read"]
wall_seconds = 10
pass_mark = 100
tasks = [
  { id = "answers", title = { id = "Menjawab", en = "Answers" }, points = 40 },
  { id = "calls", title = { id = "Memanggil", en = "Calls" }, points = 60 },
]
"""
CHECKS = """
from grader.words import catalogue, expect, fixture, task
_ = catalogue(__file__)

@fixture
def run(grading):
    return grading.run(files={"input.txt": "42"}, environment={"EXTRA": "more"})

@task("answers")
def test_answers(run):
    answer = run.answer()
    expect(answer == {"input": "42", "extra": "more"}, _("Other."), actual=str(answer))

@task("calls", needs=["answers"])
def test_calls(run):
    calls = run.to("population", "/v1/residents*", method="GET", status=200)
    expect(len(calls) == 1 and len(run.tokens) == 1, _("{n} calls.", n=len(calls)), exchange=run.calls)
"""
PROGRAM = """
import json, os, sys, httpx
token = httpx.post(os.environ["IDENTITY_URL"] + "/oauth2/token", data={"grant_type": "client_credentials"},
                   auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])).json()["access_token"]
httpx.get(os.environ["POPULATION_URL"] + "/v1/residents?limit=1", headers={"Authorization": "Bearer " + token})
print(json.dumps({"input": open("input.txt").read(), "extra": os.environ["EXTRA"]}))
"""


@pytest.fixture
def order(tmp_path: Path, learner: Learner) -> Order:
    folder = tmp_path / "07_sample"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_sample.py").write_text(CHECKS)
    (folder / "exercise.toml").write_text(TOML)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "main.py").write_text(PROGRAM)
    return Order(
        exercise=load(folder),
        submission=tmp_path / "work",
        out=tmp_path / "out",
        learner=learner,
        lab_version="test",
        participant="BUDI",
    )


def program(order: Order, text: str) -> Order:
    (order.submission / "main.py").write_text(text)
    return order


def verdicts(results: Results) -> list[str]:
    return [task.verdict.value for task in results.tasks]


def test_a_right_program_gets_all_points_and_every_report(order: Order, city: City) -> None:
    told: list[TaskResult] = []
    results = grade(order, city, told.append)
    assert verdicts(results) == ["pass", "pass"], [task.output for task in results.tasks]
    assert (results.score, results.passed, results.exit_code) == (100, True, ExitCode.PASSED)
    assert [result.task for result in told] == ["answers", "calls"]
    assert {path.name for path in order.out.iterdir()} == {
        "results.json",
        "report.html",
        "junit.xml",
        "ctrf.json",
        "evidence.json",
    }
    stored = resultsfile.load(order.out / "results.json")
    assert (stored.score, stored.participant, stored.practice, stored.provisional) == (100, "BUDI", False, True)
    assert stored.isolation
    assert re.fullmatch(r"[0-9a-f]{64}", stored.submission_sha256)


def test_a_byte_order_mark_before_the_answer_costs_nothing(order: Order, city: City) -> None:
    """Some editors put one into a program, and PHP prints it before everything else."""
    marked = program(order, PROGRAM.replace("print(", "sys.stdout.buffer.write(b'\\xef\\xbb\\xbf'); print("))
    results = grade(marked, city)
    assert verdicts(results) == ["pass", "pass"], [task.output for task in results.tasks]


def test_a_zip_is_graded_like_its_folder(order: Order, city: City, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "budi.zip", "w") as archive:
        archive.writestr("budi/main.py", PROGRAM)
        archive.writestr("__MACOSX/budi/._main.py", "junk")
    results = grade(replace(order, submission=tmp_path / "budi.zip"), city)
    assert results.score == 100


def test_a_run_leaves_no_city_behind_and_no_secret_in_what_it_writes(order: Order, city: City) -> None:
    before = set(city.names())
    results = grade(program(order, PROGRAM + "\nimport sys; print(os.environ, file=sys.stderr)"), city)
    assert set(city.names()) - before == set()
    secrets = re.findall(r"'CLIENT_SECRET': '([^']+)'", results.program.stderr if results.program else "")
    written = "".join(path.read_text() for path in order.out.iterdir())
    assert all(secret == "***" or secret not in written for secret in secrets)
    assert "eyJ" not in written


def test_each_run_has_a_city_of_its_own_unless_a_seed_is_asked_for(order: Order, city: City) -> None:
    first, second = grade(order, city), grade(order, city)
    assert first.seed_fingerprint != second.seed_fingerprint
    assert first.run_id != second.run_id
    again = [grade(replace(order, seed=99), city) for _ in range(2)]
    assert again[0].seed_fingerprint == again[1].seed_fingerprint
    assert again[0].practice
    assert again[0].seed_fingerprint != "99"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("", "printed nothing"),
        ("print('hello')", "not one JSON value"),
        ("print('{\"a\": NaN}')", "not one JSON value"),
        ('print(\'{"a": 1, "a": 2}\')', "not one JSON value"),
        ("import time\nwhile True: time.sleep(60)", "was stopped"),
        ("x = []\nwhile True: x.append(bytes(10**7))", ""),
        ("this is no python", "exit code"),
        ("import os; os._exit(0)", "printed nothing"),
    ],
)
def test_whatever_the_program_does_is_its_own_fail_and_the_rest_waits(
    order: Order, city: City, text: str, words: str
) -> None:
    results = grade(program(order, text), city)
    assert verdicts(results) == ["fail", "skip"]
    assert words in resultsfile.load(order.out / "results.json").tasks[0].output or results.tasks[0].output
    assert results.exit_code is ExitCode.NOT_PASSED


def test_a_submission_without_a_program_is_refused_before_anything_runs(order: Order, city: City) -> None:
    (order.submission / "main.py").rename(order.submission / "program.txt")
    before = set(city.names())
    with pytest.raises(SubmissionRefused) as refused:
        grade(order, city)
    assert refused.value.code == "program_none"
    assert set(city.names()) == before


def test_checks_that_break_are_the_labs_error(order: Order, city: City) -> None:
    (order.exercise.checks / "test_sample.py").write_text("import nothing_of_that_name")
    results = grade(order, city)
    assert results.verdict is Verdict.ERROR
    assert results.exit_code is ExitCode.LAB_FAILED
    assert resultsfile.load(order.out / "results.json").error is not None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see the end of the test
def test_agencies_that_die_in_the_middle_are_the_labs_error_never_a_fail(order: Order, mortal_agencies) -> None:
    """The agencies are killed just before the program starts."""
    checks = CHECKS.replace(
        "return grading.run(",
        "import os, signal, pathlib\n"
        "    os.kill(int(pathlib.Path(__file__).with_name('pid').read_text()), signal.SIGKILL)\n"
        "    return grading.run(",
    )
    (order.exercise.checks / "test_sample.py").write_text(checks)
    (order.exercise.checks / "pid").write_text(str(mortal_agencies.process.pid))
    with City(mortal_agencies.addresses, mortal_agencies.token) as dying:
        results = grade(order, dying)
    assert results.verdict is Verdict.ERROR
    assert results.exit_code is ExitCode.LAB_FAILED
    assert not [task for task in results.tasks if task.verdict is Verdict.FAIL]
    gc.collect()  # httpcore leaves a socket that could not connect for the collector to close, with a warning


def test_results_on_disk_are_errors_until_they_are_judged(order: Order, city: City) -> None:
    seen: list[list[str]] = []

    def look(_result: TaskResult) -> None:
        seen.append(verdicts(resultsfile.load(order.out / "results.json")))

    grade(order, city, look)
    assert seen[0] == ["pass", "error"]
