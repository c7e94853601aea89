"""A group's grades: one line for each submission, safe in a spreadsheet, whole after every change."""

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.gradebook import (
    COLUMNS,
    Grade,
    Gradebook,
    GradebookBroken,
    Status,
    dump,
    group_page,
    load,
    plain_cell,
    safe_cell,
)
from grader.language import current_language, use_language, verbatim
from grader.results import Crash, Exercise, Results, TaskResult
from grader.verdicts import LabFault, Mismatch, Waiting

NIP = "198503152010011005"
ENDINGS: dict[str, BaseException | None] = {
    "pass": None,
    "fail": Mismatch(verbatim("The token was fetched 3 times.")),
    "skip": Waiting(verbatim("x"), waits_for=["task_1"]),
    "error": LabFault(verbatim("The finance service was silent.")),
}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = current_language()
    use_language("en")
    yield
    use_language(before)


def run(participant: str, *verdicts: str, pass_mark: float = 50) -> Results:
    tasks = tuple(
        TaskResult.judged(ENDINGS[verdict], task=f"task_{place}", name=f"Task {place}", number=str(place), max_score=50)
        for place, verdict in enumerate(verdicts, 1)
    )
    return Results(
        exercise=Exercise(3, "verified_permits"),
        run_id="run-1",
        started_at="2026-11-22T09:00:00+08:00",
        tasks=tasks,
        participant=participant,
        submission_sha256="ab" * 32,
        seed_fingerprint="7f3a9c",
        isolation="landlock",
        pass_mark=pass_mark,
    )


GRADE = Grade.of(run("ani", "pass", "pass"), "ani")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_file_has_one_line_for_each_submission_whatever_became_of_it(tmp_path: Path) -> None:
    book = Gradebook(tmp_path / "grades.csv")
    book.record(Grade.of(run("dewi", "pass", "pass"), "dewi"))
    book.record(Grade.of(run("budi", "fail", "skip"), "budi.zip"))
    book.record(Grade.of(run("citra", "pass", "error"), "citra"))
    book.record(Grade.of(run("eka", "pass").broken(Crash("The lab did not start.")), "eka"))
    book.record(
        Grade.rejected(
            "The zip is corrupt.",
            participant="ani",
            submission="ani.zip",
            exercise="03_verified_permits",
            max_score=100,
        )
    )
    found = rows(tmp_path / "grades.csv")
    assert tuple(found[0]) == COLUMNS
    shown = [
        (row["participant"], row["score"], row["max_score"], row["passed"], row["status"], row["message"])
        for row in found
    ]
    assert shown == [
        ("ani", "0", "100", "false", "rejected", "The zip is corrupt."),
        ("budi", "0", "100", "false", "failed", "1. The token was fetched 3 times."),
        ("citra", "", "100", "false", "error", "2. The finance service was silent."),
        ("dewi", "100", "100", "true", "passed", ""),
        ("eka", "", "50", "false", "error", "The lab did not start."),
    ]
    assert {row["exercise"] for row in found} == {"03_verified_permits"}
    assert found[3]["isolation"] == "landlock"
    assert found[3]["sha256"] == "ab" * 32


def test_error_of_the_lab_has_no_score_and_not_a_score_of_zero() -> None:
    assert Grade.of(run("citra", "pass", "error"), "citra").score is None


def test_grading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Gradebook(tmp_path / "grades.csv")
    first.record(GRADE)
    again = Gradebook(tmp_path / "grades.csv")
    assert again.find("ani", "03_verified_permits") == GRADE
    assert again.find("budi", "03_verified_permits") is None
    assert again.find("ani", "02_other") is None
    again.record(Grade.of(run("budi", "fail", "skip"), "budi"))
    assert [grade.participant for grade in Gradebook(tmp_path / "grades.csv")] == ["ani", "budi"]


def test_new_grade_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    book = Gradebook(tmp_path / "grades.csv")
    book.record(Grade.of(run("ani", "fail", "skip"), "ani"))
    book.record(GRADE)
    assert [row["status"] for row in rows(tmp_path / "grades.csv")] == ["passed"]
    assert len(book) == 1


RECORDER = """
import sys
from pathlib import Path
from grader.gradebook import Gradebook, Grade, Status
book = Gradebook(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(10_000):
    book.record(Grade(participant=f"p{turn % 400}", submission=f"p{turn % 400}", exercise="03_x", status=Status.PASSED,
                      score=turn, max_score=10_000, message="x" * 500))
"""


def test_grader_killed_at_any_moment_leaves_a_gradebook_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    for _ in range(3):
        recorder = subprocess.Popen([sys.executable, "-c", RECORDER, str(path)], stdout=subprocess.PIPE)
        assert recorder.stdout is not None
        recorder.stdout.readline()
        while not path.exists() or len(load(path)) < 40:
            assert recorder.poll() is None
        recorder.kill()
        recorder.wait()
        recorder.stdout.close()
        assert len(load(path)) >= 40


FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20\u2212"
ODD = st.text(st.one_of(st.sampled_from("=+-@\t\r\n|'\",; 0123456789.eE:/" + FULL_WIDTH), st.characters()), max_size=40)
FIELDS = ("participant", "submission", "exercise", "isolation", "run_id", "seed_fingerprint", "sha256", "message")


@settings(deadline=None)
@given(ODD)
def test_guarded_cell_comes_back_as_it_was(value: str) -> None:
    assert plain_cell(safe_cell(value)) == value


@settings(deadline=None)
@given(ODD)
def test_guarded_cell_begins_with_nothing_that_a_spreadsheet_acts_on(value: str) -> None:
    assert not re.match("[\\s]*[=+\\-@|\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]", safe_cell(value))


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, ODD)), max_size=5))
def test_no_cell_of_the_file_is_a_formula_and_the_file_reads_back(lines: list[dict[str, Any]]) -> None:
    grades = [Grade(**line, status=Status.FAILED, score=1.5, max_score=3) for line in lines]
    text = dump(grades)
    for row in csv.reader(io.StringIO(text, newline=""), strict=True):
        assert len(row) == len(COLUMNS)
        for cell in row:
            assert not re.match("\\s*[=+\\-@|\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]", cell)
            assert "\n" not in cell
    assert text.count("\r\n") == len(grades) + 1


@pytest.mark.parametrize(
    "name",
    [NIP, "7679900101010001", "0123", "2026-11-22", "1-2", "12e45", "1.5", "=1+1", "+62811", "-", "@x", "＝cmd|'x'!A1"],  # noqa: RUF001
)
def test_name_that_a_spreadsheet_would_rewrite_is_kept_as_text(tmp_path: Path, name: str) -> None:
    book = Gradebook(tmp_path / "grades.csv")
    book.record(replace(GRADE, participant=name, submission=name))
    assert rows(tmp_path / "grades.csv")[0]["participant"] == f"'{name}"
    assert next(iter(Gradebook(tmp_path / "grades.csv"))).participant == name
    assert Gradebook(tmp_path / "grades.csv").find(name, GRADE.exercise) is not None


@pytest.mark.parametrize(
    "name", ["ani", "peserta-01", "7", "42", "Nurul 'Ain", "'quoted'", "kelompok 3", "a=b", "3 orang"]
)
def test_ordinary_name_stands_in_the_file_as_it_is(tmp_path: Path, name: str) -> None:
    book = Gradebook(tmp_path / "grades.csv")
    book.record(replace(GRADE, participant=name))
    assert rows(tmp_path / "grades.csv")[0]["participant"] == name


def test_hostile_name_cannot_make_a_line_of_its_own(tmp_path: Path) -> None:
    name = 'x"\r\nfake,fake,03,100,100,true,passed,,,,,\x1b[2J\u202e\ud800' + "x" * 10_000
    book = Gradebook(tmp_path / "grades.csv")
    book.record(replace(GRADE, participant=name, submission=name, message=name))
    assert len(rows(tmp_path / "grades.csv")) == 1
    assert not re.search("[\x00-\x09\x1b\u202e]", (tmp_path / "grades.csv").read_text())
    assert book.find(name, GRADE.exercise) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "\x00", "a,b,c\n", "participant;submission\n", dump([GRADE])[:-10],
        dump([GRADE]) + "one,cell\r\n", dump([GRADE]).replace(",100,100,", ",nan,100,"),
        dump([GRADE]).replace(",100,100,", ",inf,100,"), dump([GRADE]).replace(",100,100,", ",-1,100,"),
        dump([GRADE]).replace("true,passed", "true,failed"), dump([GRADE]).replace("true,passed", "true,great"),
        dump([GRADE]) + '"open',
    ],
)  # fmt: skip
def test_file_that_is_no_gradebook_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grades.csv"
    path.write_text(text, newline="")
    with pytest.raises(GradebookBroken) as caught:
        Gradebook(path)
    assert "grades.csv" in caught.value.message.render("id")
    assert path.read_bytes() == text.encode()


def test_gradebook_saved_by_a_spreadsheet_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_bytes(b"\xef\xbb\xbf" + dump([GRADE]).encode())
    assert load(tmp_path / "grades.csv") == [GRADE]


class Words(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in {"meta", "input"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()


def test_page_shows_each_participant_and_what_the_group_has_not_passed() -> None:
    runs = [
        run("ani", "pass", "pass"),
        run("budi", "fail", "skip"),
        run("citra", "pass", "error"),
        run("dewi", "fail", "pass"),
    ]
    grades = [Grade.of(one, one.participant) for one in runs]
    page = Words(group_page(grades, runs, title="Exercise 3", links={"ani": "ani/report.html"}))
    assert page.rows[1] == ["1. Task 1", "2", "2", "0", "0", "2/4"]
    assert page.rows[2] == ["2. Task 2", "2", "0", "1", "1", "1/3"]
    assert page.rows[4] == ["ani", "✓ PASSED", "100/100", ""]
    assert page.rows[6] == ["citra", "▲ LAB ERROR", "-/100", "2. The finance service was silent."]
    assert page.links == ["./ani/report.html"]


def test_page_of_hostile_names_is_well_formed_and_harmless() -> None:
    name = '<script>alert(1)</script>\x1b[2J\u202e" onmouseover="x'
    grade = replace(GRADE, participant=name, submission=name, message=name)
    text = group_page([grade], [run(name, "fail")], title=verbatim(name), links={name: f"javascript:{name}"})
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x1b\u202e]", text)
    assert all(link.startswith("./javascript%3A") for link in Words(text).links)


def test_page_of_a_group_without_submissions_is_still_a_page() -> None:
    assert "0 submissions" in group_page([], [], title="Exercise 3")
