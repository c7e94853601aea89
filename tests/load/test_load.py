"""A room of simulated participants against the real agencies: all is well, or what was planted is found."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lab.record import Record
from load import rooms
from load.__main__ import verdict
from load.attack import LocustFailed, Plan, work
from load.expectations import CROSS_TALK
from load.footprint import Footprint
from load.town import Room

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4
ENVIRONMENT = os.environ  # noqa: TID251 - of a child


@pytest.fixture(scope="module")
def home(agencies, tmp_path_factory):
    """A home whose `lab.json` leads to the running agencies, as after `lab up`."""
    home = tmp_path_factory.mktemp("home")
    urls = {name: address.url for name, address in agencies.addresses.items()}
    (home / ".lab").mkdir()
    record = Record(agencies.process.pid, agencies.folder / "run", agencies.base, "test", urls)
    record.write(home / ".lab" / "lab.json")
    return home


@pytest.fixture
def room(city):
    """Two participants, each with a city of their own."""
    room = rooms.prepare(city, 2, lambda ready: None)
    yield room
    rooms.clear(city, room.towns)


def load(home, *words, **environment):
    """Runs `python -m load`."""
    kept = {"PATH", "COVERAGE_PROCESS_CONFIG"} & set(ENVIRONMENT)
    passed_on = {name: ENVIRONMENT[name] for name in kept}
    told = {**passed_on, "LAB_HOME": str(home), "LAB_LANG": "en", "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "load", *words]
    return subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)


def worked(room, folder, seconds=SECONDS):
    """Lets a room work in a rush; returns what Locust counted."""
    plan = Plan(folder / "room.json", len(room.towns), seconds, rush=True, out=folder)
    room.write(plan.room)
    assert (plan.room.stat().st_mode & 0o777) == 0o600
    return work(plan, lambda pid, second: None)


def mixed(figures):
    """How often an answer belonged to somebody else."""
    return sum(times for _call, error, times in figures.errors if CROSS_TALK in error)


def test_a_room_at_work_gets_right_answers_and_leaves_nothing_behind(home, city):
    """Exit code 0, a table of every kind of call, a report, and no sandbox, secret or participant afterwards."""
    before = set(city.names())
    done = load(home, "--participants", "3", "--seconds", "6", "--rush")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "POST identity /oauth2/token" in done.stdout
    assert "POST finance /v1/bills" in done.stdout
    assert "population /" in done.stdout
    assert "all together" in done.stdout
    assert "agencies: memory" in done.stdout
    out = home / ".lab" / "reports" / "load"
    assert "<html" in (out / "report.html").read_text(encoding="utf-8").lower()
    assert set(city.names()) == before
    assert not (out / "room.json").exists()


def test_people_read_it_in_indonesian(home):
    """The default language, with thinking participants."""
    done = load(home, "--participants", "1", "--seconds", "3", LAB_LANG="id")
    assert "semuanya" in done.stdout, done.stdout + done.stderr
    assert "rata-rata beban" in done.stdout.lower()


def test_two_participants_in_one_sandbox_are_found(room, city, tmp_path):
    """Each sees bills with the other's mark, and keys that somebody has used already."""
    first, second = room.towns
    shared = Room(room.services, [first, replace(first, participant=second.participant)])
    figures = worked(shared, tmp_path)
    wrong = rooms.traces(city, shared.towns)
    assert mixed(figures) + sum(times for words, times in wrong.items() if words.startswith(CROSS_TALK)) > 0
    assert verdict(figures, wrong) == 1


def test_answers_from_another_city_are_found(room, tmp_path):
    """A participant whose agencies answer from the neighbour's city counts cross-talk at every kind of call."""
    first, second = room.towns
    stray = replace(first, client_id=second.client_id, client_secret=second.client_secret)
    figures = worked(Room(room.services, [stray]), tmp_path)
    assert mixed(figures) > 0
    assert verdict(figures, Counter()) == 1


def test_one_internal_error_among_thousands_of_answers_is_found(room, city, tmp_path):
    """A single 500 makes the exit code 1, and the table names it."""
    fault = {"id": "planted", "path": "*", "kind": "status", "status": 500, "times": 1}
    city.set_faults(room.towns[0].sandbox, {"population": [fault]})
    figures = worked(room, tmp_path)
    assert sum(times for _call, _error, times in figures.errors) == figures.total.failures == 1
    assert "500" in figures.errors[0][1]
    assert figures.total.requests > 5
    assert verdict(figures, Counter()) == 1


def test_agencies_that_are_gone_are_errors_not_silence(room, tmp_path):
    """No answer counts as a failure."""
    nobody = dict.fromkeys(room.services, "http://127.0.0.1:9")
    figures = worked(Room(nobody, room.towns), tmp_path, seconds=2)
    assert figures.total.failures == figures.total.requests > 0
    assert verdict(figures, Counter()) == 1


def test_marks_of_others_in_a_sandbox_are_found_afterwards(room, city, tmp_path):
    """What stands in the sandboxes is looked at through the back door too."""
    worked(room, tmp_path)
    assert not rooms.traces(city, room.towns)
    renamed = [replace(town, participant="someone-else") for town in room.towns]
    found = rooms.traces(city, renamed)
    assert found["cross-talk: another participant's bill in a sandbox"] > 0


def test_a_room_can_be_prepared_for_the_compose_files_own_locust(home, city, tmp_path):
    """Its addresses are the usual ports, whatever the host's are; afterwards it is looked at and removed."""
    before = set(city.names())
    done = load(home, "--participants", "2", "--prepare", str(tmp_path))
    assert done.returncode == 0, done.stderr
    room = Room.read(tmp_path / "room.json")
    assert room.services["identity"] == "http://127.0.0.1:8101"
    assert set(city.names()) - before == {town.sandbox for town in room.towns}
    assert load(home, "--clear", str(tmp_path)).returncode == 0
    assert set(city.names()) == before
    assert load(home, "--clear", str(tmp_path)).returncode == 3


def test_a_room_without_a_lab_is_told_to_start_it(tmp_path):
    """Nothing is started that does not run."""
    done = load(tmp_path, "--participants", "1")
    assert done.returncode == 3
    assert "make up" in done.stderr


def test_locust_that_cannot_begin_shows_why(tmp_path):
    """Its own words are kept."""
    with pytest.raises(LocustFailed, match=r"absent\.json"):
        work(Plan(tmp_path / "absent.json", 1, 2, rush=True, out=tmp_path), lambda pid, second: None)


def test_a_room_is_written_and_read_whole(room, tmp_path):
    """Workers on other machines get it as a file."""
    room.write(tmp_path / "room.json")
    read = Room.read(tmp_path / "room.json")
    assert read.services == room.services
    assert [town.to_json() for town in read.towns] == [town.to_json() for town in room.towns]
    assert "secret" not in json.dumps(read.services)


def test_a_footprint_counts_memory_and_processor_time_of_a_process():
    """And passes over one that has ended."""
    here = Footprint("tests")
    here.look(os.getpid())
    sum(number * number for number in range(1_000_000))
    here.look(os.getpid())
    here.look(max(psutil.pids()) + 10_000)
    assert here.peak_mb >= here.first_mb > 10
    assert here.cpu_seconds > 0
