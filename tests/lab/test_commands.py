"""The commands with the real agencies: what a participant types, one after the other, in a home of their own."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from grader.audit import Finding
from grader.language import verbatim
from grader.verdicts import LabFault
from lab.__main__ import run
from lab.filelock import held
from lab.settings import ROOT


@pytest.fixture(scope="module")
def home(tmp_path_factory, module_port_base):
    """A home for the lab, shared by the tests of this module, whose lab is stopped at the end."""
    folder = tmp_path_factory.mktemp("rumah é")
    yield {"LAB_HOME": str(folder), "LAB_PORT_BASE": str(module_port_base), "LAB_LANG": "en", "PATH": os.defpath}
    run(["down"], {"LAB_HOME": str(folder)})


@pytest.fixture
def lab(home, capsys):
    """Calls lab; returns the exit code and what was printed."""

    def call(*words, **variables):
        code = run(words, {**home, **variables})
        return code, capsys.readouterr()

    return call


@pytest.fixture
def status(lab):
    """Starts the lab and returns what `lab status --json` says."""
    code, said = lab("up")
    assert code == 0, said.err
    code, said = lab("status", "--json")
    assert code == 0, said.out
    return json.loads(said.out)


def token(status, scope=None):
    sandbox = status["sandbox"]
    answer = httpx.post(
        status["services"]["identity"]["url"] + "/oauth2/token",
        auth=(sandbox["client_id"], sandbox["client_secret"]),
        data={"grant_type": "client_credentials", **({"scope": scope} if scope else {})},
    )
    return answer.raise_for_status().json()


def bearer(status):
    return {"authorization": f"Bearer {token(status)['access_token']}"}


def test_up_says_where_everything_is_and_can_be_repeated(lab):
    """The second time it only says that the lab is running already."""
    code, said = lab("up")
    assert code == 0
    assert said.out.count("http://127.0.0.1:") == 5
    code, said = lab("up")
    assert code == 0
    assert "running already" in said.out


def test_status_gives_programs_what_they_need_to_explore(status):
    """Every agency is ready, and the client of the sandbox gets a token with every scope of every agency."""
    assert status["state"] == "running"
    assert {service["health"] for service in status["services"].values()} == {"ready"}
    assert set(token(status)["scope"].split()) == set(status["sandbox"]["scopes"])
    answer = httpx.get(status["services"]["identity"]["docs"])
    assert answer.status_code == 200


def test_status_for_people_shows_the_client(lab, status):
    """Ready to be copied."""
    _, said = lab("status")
    assert f"CLIENT_ID={status['sandbox']['client_id']}" in said.out
    assert f"CLIENT_SECRET={status['sandbox']['client_secret']}" in said.out


def test_a_stopped_lab_is_no_failure_and_comes_back_as_it_was(lab, status):
    """Down, down again, and up: the same sandbox with the same secret."""
    assert lab("down")[0] == 0
    code, said = lab("down")
    assert code == 0
    assert "was not running" in said.out
    code, said = lab("status")
    assert code == 0
    assert "not running" in said.out
    lab("up")
    assert json.loads(lab("status", "--json")[1].out)["sandbox"] == status["sandbox"]


def test_a_killed_lab_is_told_and_mended(lab, status):
    """Status ends with 3 and shows the end of the log; up starts it again, and the sandbox is still there."""
    os.kill(status["pid"], signal.SIGKILL)
    psutil.Process(status["pid"]).wait(10)
    code, said = lab("status")
    assert code == 3
    assert "stopped by itself" in said.err
    code, said = lab("up")
    assert code == 0
    assert "nothing saved was lost" in said.out
    assert token(status)["token_type"] == "Bearer"


def test_reset_puts_the_city_back_and_keeps_the_client(lab, status):
    """A bill that was paid stays paid over a stop, and is unpaid again after a reset; the client is the same."""
    assert lab("reset")[0] == 0
    bills = f"{status['services']['finance']['url']}/v1/bills"
    bill = httpx.get(f"{bills}?status=unpaid", headers=bearer(status)).json()["content"][0]
    payment = {"amount_idr": bill["total_idr"], "reference": "LAB-0001"}
    headers = {**bearer(status), "idempotency-key": "pay-once"}
    assert httpx.post(f"{bills}/{bill['id']}/payments", headers=headers, json=payment).status_code == 201
    assert lab("down")[0] == lab("up")[0] == 0
    assert httpx.get(f"{bills}/{bill['id']}", headers=bearer(status)).json() != bill
    assert lab("reset")[0] == 0
    assert httpx.get(f"{bills}/{bill['id']}", headers=bearer(status)).json() == bill
    assert json.loads(lab("status", "--json")[1].out)["sandbox"] == status["sandbox"]


def test_a_reset_that_was_cut_short_is_finished_by_the_next_command(lab, status, home, monkeypatch):
    """The intent is on the disk, and up rolls it forward."""
    intent = Path(home["LAB_HOME"]) / ".lab" / "reset.json"

    def broken(_self, _sandbox):
        raise LabFault(verbatim("The power failed."))

    with monkeypatch.context() as patch:
        patch.setattr("grader.city.City.restore", broken)
        assert lab("reset")[0] == 3
    assert intent.exists()
    assert lab("up")[0] == 0
    assert not intent.exists()


def test_a_running_lab_satisfies_the_doctor(lab, status):
    """The ports it holds are its own."""
    _, said = lab("doctor", "--json")
    ports = next(check for check in json.loads(said.out)["checks"] if check["name"] == "ports")
    assert ports["state"] == "good"


SOLUTION = ROOT / "exercises" / "01_first_api" / "solution"


def home_of(home):
    return Path(home["LAB_HOME"])


def test_the_first_check_lays_out_the_starter_and_a_blank_one_gets_nothing(lab, home):
    """Exit code 1, a starter with its instructions named, and the reports; the second time the work is left alone."""
    work = home_of(home) / "work" / "01_first_api"
    shutil.rmtree(work, ignore_errors=True)
    code, said = lab("exercise", "1")
    assert code == 1, said
    assert "A starter for you is in" in said.out
    assert "README.en.md" in said.out
    (work / "notes.txt").write_text("mine", encoding="utf-8")
    code, said = lab("exercise", "1")
    assert code == 1
    assert "A starter" not in said.out
    assert (work / "notes.txt").read_text(encoding="utf-8") == "mine"
    reports = home_of(home) / ".lab" / "reports"
    expected = {"results.json", "report.html", "junit.xml", "ctrf.json", "evidence.json"}
    assert {file.name for file in (reports / "01_first_api").iterdir()} == expected
    assert len((reports / "history.jsonl").read_text(encoding="utf-8").splitlines()) >= 2


def test_a_right_answer_passes_and_programs_can_read_the_result(lab):
    """Exit code 0 and results.json on standard output; a seed that was asked for makes it practice."""
    code, said = lab("exercise", "1", "--submission", str(SOLUTION), "--json", "--seed", "4711")
    results = json.loads(said.out)
    assert (code, results["score"], results["max_score"]) == (0, 100, 100)
    assert results["extra_data"]["practice"] is True


def test_a_check_of_something_else_does_not_touch_the_scores(lab, home):
    """A solution looked at with --submission is nobody's score."""
    history = home_of(home) / ".lab" / "reports" / "history.jsonl"
    before = history.read_bytes() if history.exists() else b""
    lab("exercise", "1", "--submission", str(SOLUTION))
    assert (history.read_bytes() if history.exists() else b"") == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("exercise", "1", "--submission", "/nowhere"), "/nowhere does not exist"),
        (("exercise", "1", "--isolation", "hope"), "no isolation named hope"),
        (("exercise", "1", "--isolation", "container"), "no isolation named container"),
        (("exercise", "1", "--seed", "-1"), "-1 is not a number"),
        (("exercise", "88"), "no exercise 88"),
        (("audit", "88"), "no exercise 88"),
        (("reset", "88"), "no exercise 88"),
        (("grade", "/nowhere", "--exercise", "1", "--out", "x"), "/nowhere does not exist"),
        (("grade", "/nowhere", "--out", "x"), "--exercise is missing"),
        (("grade", "--exercise", "1", "--out", "x"), "PATH… is missing"),
    ],
)
def test_what_does_not_exist_is_wrong_usage(lab, words, told):
    """Told before anything is started or written."""
    code, said = lab(*words)
    assert code == 2
    assert told in said.err


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["program.py"], "The folder has no program to start."),
        (["main.py", "main.js"], "main.js"),
        ([], "The submission is empty."),
    ],
)
def test_a_program_that_cannot_be_taken_in_is_told_why(lab, home, tmp_path, files, told):
    """The commonest mistakes of beginners: nobody is sent to their trainer with an error of the lab."""
    for name in files:
        (tmp_path / name).write_text("", encoding="utf-8")
    history = home_of(home) / ".lab" / "reports" / "history.jsonl"
    before = history.read_bytes() if history.exists() else b""
    code, said = lab("exercise", "1", "--submission", str(tmp_path))
    assert code == 1
    assert told in said.err
    assert "Nothing was run. Mend that, then check again: make exercise-1" in said.err
    assert (history.read_bytes() if history.exists() else b"") == before


def test_hint_and_trace_follow_the_last_check(lab):
    """The hint is for the task that failed, and the trace shows the agencies that were called."""
    lab("exercise", "1", "--submission", str(SOLUTION))
    code, said = lab("trace", "1")
    assert code == 0
    assert "population" in said.out
    code, said = lab("hint", "1")
    assert code == 0
    assert "No task waits for a hint" in said.out
    lab("exercise", "1", "--submission", str(SOLUTION.parent / "starter"))
    code, said = lab("hint", "1")
    assert code == 0
    assert said.out.startswith("Hint ")


def test_what_a_damaged_run_left_is_the_labs_fault(lab, home):
    """Evidence that cannot be read ends with 3, and with the command that makes it anew."""
    evidence = home_of(home) / ".lab" / "reports" / "02_verify_nik" / "evidence.json"
    evidence.parent.mkdir(parents=True, exist_ok=True)
    evidence.write_text("{", encoding="utf-8")
    code, said = lab("trace", "2")
    assert code == 3
    assert "make exercise-2" in said.err


def test_hints_end_with_the_trainer(lab):
    """After the last hint there is somebody to ask."""
    lab("exercise", "1", "--submission", str(SOLUTION.parent / "starter"))
    said = [lab("hint", "1")[1].out for _ in range(8)]
    assert "One more hint: make hint-1" in said[0] or "last hint" in said[0]
    assert "Your trainer is glad to help" in said[-1]


def test_trace_of_an_exercise_that_was_never_checked_says_what_to_do(lab):
    """Exit code 2 and the command that makes one."""
    code, said = lab("trace", "3")
    assert code == 2
    assert "make exercise-3" in said.err


def test_reset_of_an_exercise_keeps_the_old_work_aside(lab, home):
    """A fresh starter is in place, and the sentence says where the old one is."""
    lab("exercise", "1")
    work = home_of(home) / "work"
    (work / "01_first_api" / "main.py").write_text("print('old')\n", encoding="utf-8")
    code, said = lab("reset", "1")
    assert code == 0
    kept = list((work / "lama").glob("01_first_api-*/main.py"))
    assert "print('old')\n" in [file.read_text(encoding="utf-8") for file in kept]
    assert any(file.parent.name in said.out for file in kept)
    starter = SOLUTION.parent / "starter" / "main.py"
    assert (work / "01_first_api" / "main.py").read_bytes() == starter.read_bytes()


def test_grade_gives_every_submission_its_line_and_stops_for_none(lab, tmp_path):
    """A right one, a blank one, an empty folder and a broken zip; the second call grades nothing again."""
    group, out = tmp_path / "group", tmp_path / "grades"
    shutil.copytree(SOLUTION, group / "ani")
    shutil.copytree(SOLUTION.parent / "starter", group / "budi")
    (group / "citra").mkdir()
    (group / "dewi.zip").write_bytes(b"PK\x03\x04 no zip at all")
    code, said = lab("grade", str(group), "--exercise", "1", "--out", str(out))
    assert code == 0, said
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["participant"]: row for row in csv.DictReader(file)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "ani": "passed",
        "budi": "failed",
        "citra": "rejected",
        "dewi": "rejected",
    }
    assert rows["ani"]["score"] == "100"
    assert (out / "grades.html").exists()
    code, said = lab("grade", str(group), "--exercise", "1", "--out", str(out))
    assert code == 0
    assert said.out.count("(graded before)") >= 2


def test_what_is_graded_is_known_by_its_name_wherever_one_stands(lab, tmp_path, monkeypatch):
    """`lab grade .` in one folder after the other; and grades that lie beside the submissions are none."""
    group = tmp_path / "group"
    for name in ("ani", "budi"):
        shutil.copytree(SOLUTION.parent / "starter", group / name)
        monkeypatch.chdir(group / name)
        assert lab("grade", ".", "--exercise", "1", "--out", "../grades")[0] == 0
    (group / "more").mkdir()
    code, said = lab("grade", str(group), "--exercise", "1", "--out", str(group / "grades"))
    assert code == 0, said
    assert said.out.count("(graded before)") == 2
    with (group / "grades" / "grades.csv").open(encoding="utf-8", newline="") as file:
        assert [row["submission"] for row in csv.DictReader(file)] == ["ani", "budi", "more"]
    code, said = lab("grade", str(group), "--exercise", "1", "--out", str(group / "more" / "grades"))
    assert "more" not in [line.partition(":")[0] for line in said.out.splitlines()]


def test_two_commands_that_grade_into_one_folder_take_turns(lab, tmp_path, monkeypatch):
    """Each would write the gradebook over the other's."""
    shutil.copytree(SOLUTION.parent / "starter", tmp_path / "group" / "ani")
    out = tmp_path / "out"
    out.mkdir()
    began = threading.Event()

    def begin(*_given):
        began.set()
        return iter(())

    monkeypatch.setattr("lab.commands.grade.grade_all", begin)
    lab("status")
    with ThreadPoolExecutor(1) as other, held(out / ".grading.lock", 1):
        grading = other.submit(lab, "grade", str(tmp_path / "group"), "--exercise", "1", "--out", str(out))
        assert not began.wait(2.0)
    assert grading.result()[0] == 0
    assert began.is_set()


def test_two_submissions_of_one_name_are_told_before_anything_runs(lab, tmp_path):
    """Each needs a line of its own."""
    for room in ("morning", "noon"):
        shutil.copytree(SOLUTION, tmp_path / room / "ani")
    code, said = lab(
        "grade", str(tmp_path / "morning"), str(tmp_path / "noon"), "--exercise", "1", "--out", str(tmp_path / "out")
    )
    assert code == 2
    assert "Two submissions are called ani" in said.err
    assert not (tmp_path / "out").exists()


def test_a_gradebook_of_somebody_else_is_not_written_over(lab, tmp_path):
    """A grades.csv that the lab did not make stays as it is."""
    shutil.copytree(SOLUTION, tmp_path / "group" / "ani")
    (tmp_path / "out").mkdir()
    foreign = tmp_path / "out" / "grades.csv"
    foreign.write_text("name;mark\nani;7\n", encoding="utf-8")
    code, said = lab("grade", str(tmp_path / "group"), "--exercise", "1", "--out", str(tmp_path / "out"))
    assert code == 2
    assert "cannot be read as a gradebook" in said.err
    assert foreign.read_text(encoding="utf-8") == "name;mark\nani;7\n"


@pytest.mark.parametrize(
    ("findings", "code", "told"),
    [
        ([Finding("01_first_api", "files")], 0, "proves itself"),
        ([Finding("01_first_api", "right/go", skipped=True)], 0, "left out"),
        ([Finding("01_first_api", "hints", verbatim("None in English."))], 1, "hints: None in English."),
    ],
)
def test_audit_tells_every_finding_and_ends_with_1_for_a_complaint(lab, monkeypatch, findings, code, told):
    """What the auditor finds is the grader's; the command counts and shows it."""
    monkeypatch.setattr("lab.commands.audit.audit", lambda *_args, **_more: iter(findings))
    ended, said = lab("audit", "1")
    assert ended == code
    assert told in said.out


def test_an_interrupted_check_ends_with_130_and_leaves_the_lab_running(lab, home, tmp_path):
    """Ctrl-C stops the participant's program and removes its city; the agencies go on."""
    (tmp_path / "main.py").write_text("import time, pathlib\npathlib.Path('begun').touch()\ntime.sleep(50)\n")
    lab("up")
    command = [sys.executable, "-m", "lab", "exercise", "1", "--submission", str(tmp_path), "--isolation", "process"]
    environment = {**os.environ, **home}  # noqa: TID251 - a child's
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True) as process:
        results = home_of(home) / ".lab" / "reports" / "01_first_api" / "results.json"
        before = results.stat().st_mtime_ns if results.exists() else 0
        while not results.exists() or results.stat().st_mtime_ns == before:
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert json.loads(lab("status", "--json")[1].out)["state"] == "running"
