"""Grading a group: nothing that anybody hands in stops it, and it goes on where it stopped."""

import csv
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader import batch
from grader.exercise import Exercise, load
from grader.gradebook import GradebookBroken, Status
from grader.workers import Processes, Room

RIGHT = 'print(\'{"said": "hello"}\')'
TOML = """
format_version = 1
number = 7
slug = "sample"
title = { id = "Contoh", en = "Sample" }
summary = { id = "Ringkas.", en = "Short." }
kind = "job"
minutes = 30
level = "basic"
uses = []
requires = []
scopes = []
wall_seconds = 10
pass_mark = 100
tasks = [{ id = "says", title = { id = "Bicara", en = "Speaks" }, points = 100 }]
"""
CHECKS = """
from grader.words import catalogue, expect, task
_ = catalogue(__file__)

@task("says")
def test_says(grading):
    answer = grading.run().answer()
    expect(answer == {"said": "hello"}, _("It said {answer}.", answer=str(answer)))
"""


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    folder = tmp_path / "07_sample"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_sample.py").write_text(CHECKS)
    (folder / "exercise.toml").write_text(TOML)
    return load(folder)


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a participant's folder with one program."""

    def make(name: str, program: str) -> Path:
        folder = tmp_path / "handed_in" / name
        folder.mkdir(parents=True)
        (folder / "main.py").write_text(program)
        return folder

    return make


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / batch.GRADES).open(encoding="utf-8", newline="") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def test_every_submission_ends_as_one_line_whatever_it_is(
    exercise: Exercise, room: Room, hand_in: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """Right, wrong, empty, corrupt, of an unknown kind, hostile by form, hostile by name, and endless."""
    group = hand_in("ani", RIGHT).parent
    hand_in("budi", "print('{}')")
    hand_in("=cmd|' calc'!A1", RIGHT)
    (group / "cici").mkdir()
    (group / "dedi.zip").write_bytes(b"PK\x03\x04 not really")
    (group / "eka.rar").write_bytes(b"Rar!")
    with zipfile.ZipFile(group / "fani.zip", "w") as archive:
        archive.writestr("../../escape.py", RIGHT)
    with zipfile.ZipFile(group / "gita.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.py", RIGHT)
        archive.writestr("bomb.bin", bytes(50 * 1024 * 1024))
    (hand_in("hadi", RIGHT) / "link").symlink_to("/etc/passwd")
    with zipfile.ZipFile(group / "indah.zip", "w") as archive:
        archive.writestr("indah/main.py", RIGHT)
    # Work of somebody else under one's own name, and a link that leads nowhere however long it is followed.
    (group / "joko").symlink_to(group / "ani")
    (group / "kiki").symlink_to(group / "kiki")
    (group / ".hidden").mkdir()
    out = tmp_path / "out"
    done = list(batch.grade_all(exercise, batch.submissions([group]), Processes(room), out))
    statuses = {graded.grade.participant: graded.grade.status for graded in done}
    assert statuses == {
        "ani": Status.PASSED,
        "budi": Status.FAILED,
        "=cmd|' calc'!A1": Status.PASSED,
        "cici": Status.REJECTED,
        "dedi": Status.REJECTED,
        "eka.rar": Status.REJECTED,
        "fani": Status.REJECTED,
        "gita": Status.REJECTED,
        "hadi": Status.REJECTED,
        "indah": Status.PASSED,
        "joko": Status.REJECTED,
        "kiki": Status.REJECTED,
    }
    written = rows(out)
    assert len(written) == len(statuses)
    assert all(row["message"].strip() for row in written.values() if row["status"] == "rejected")
    assert not [row for row in written.values() if row["participant"].startswith("=")]
    for name in ("ani", "budi", "indah.zip"):
        assert {path.name for path in (out / "reports" / name).iterdir()} >= {
            "results.json",
            "report.html",
            "junit.xml",
            "ctrf.json",
        }
    assert "ani" in (out / batch.PAGE).read_text()
    assert not (tmp_path / "escape.py").exists()


def test_grading_goes_on_where_it_stopped_and_repeats_only_what_changed(
    exercise: Exercise, room: Room, hand_in: Callable[[str, str], Path], tmp_path: Path
) -> None:
    sources = [hand_in("ani", RIGHT), hand_in("budi", "print('{}')")]
    out = tmp_path / "out"
    running = batch.grade_all(exercise, sources, Processes(room, at_once=1), out)
    next(running)
    running.close()
    first = rows(out)
    assert len(first) >= 1
    again = list(batch.grade_all(exercise, sources, Processes(room), out))
    assert {graded.grade.submission for graded in again if graded.resumed} >= set(first)
    assert all(graded.resumed for graded in batch.grade_all(exercise, sources, Processes(room), out))
    (sources[1] / "main.py").write_text(RIGHT)
    mended = {graded.grade.submission: graded for graded in batch.grade_all(exercise, sources, Processes(room), out)}
    assert mended["ani"].resumed
    assert not mended["budi"].resumed
    assert mended["budi"].grade.passed


def test_a_lab_that_fails_costs_nobody_and_is_tried_again(
    exercise: Exercise, room: Room, hand_in: Callable[[str, str], Path], tmp_path: Path
) -> None:
    source, out = hand_in("ani", RIGHT), tmp_path / "out"
    broken = Room(room.services, "wrong token", room.learner, "test")
    [failed] = batch.grade_all(exercise, [source], Processes(broken), out)
    assert (failed.grade.status, failed.grade.score) == (Status.ERROR, None)
    [graded] = batch.grade_all(exercise, [source], Processes(room), out)
    assert graded.grade.passed


def test_a_folder_with_a_program_is_one_submission_and_another_folder_holds_many(
    hand_in: Callable[[str, str], Path],
) -> None:
    ani, budi = hand_in("ani", ""), hand_in("budi", "")
    assert batch.submissions([ani]) == [ani]
    assert batch.submissions([ani.parent]) == [ani, budi]
    assert batch.submissions([ani, ani.parent / "nothing.zip"]) == [ani, ani.parent / "nothing.zip"]


def test_two_submissions_of_one_name_are_refused_beforehand(exercise: Exercise, room: Room, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same name: ani"):
        list(
            batch.grade_all(
                exercise, [tmp_path / "a" / "ani", tmp_path / "b" / "ani"], Processes(room), tmp_path / "out"
            )
        )


def test_a_file_of_another_kind_is_not_taken_for_a_gradebook(exercise: Exercise, room: Room, tmp_path: Path) -> None:
    (tmp_path / batch.GRADES).write_text("something,else\n1,2\n")
    with pytest.raises(GradebookBroken):
        list(batch.grade_all(exercise, [], Processes(room), tmp_path))
    shutil.rmtree(tmp_path / "07_sample")
