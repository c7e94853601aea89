"""What a program did, told as a sequence diagram or a list."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.exchange import Exchange, read_evidence, write_evidence
from grader.language import current_language, use_language
from grader.plaintext import cells
from grader.sequence import LONGEST_STORY, Call, Loop, Omitted, Start, Wait, tell
from grader.trace import terminal

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = current_language()
    use_language("en")
    yield
    use_language(before)


class Diary:
    """Journal entries, one after the other on one clock."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._now = 1_000.0

    def add(self, service: str, call: str, status: int | None = 200, *, gap: float = 0.01, **more: Any) -> "Diary":
        method, _, target = call.partition(" ")
        path, _, query = target.partition("?")
        self.entries.append(
            {"seq": len(self.entries), "service": service, "method": method, "path": path, "query": query,
             "status": status, "started": self._now, "ended": self._now + 0.01} | more
        )  # fmt: skip
        self._now += 0.01 + gap
        return self


@pytest.fixture
def diary() -> Diary:
    """A token, pages, forty times the same work, a planted 503 with a wait, and a lost answer."""
    told = Diary().add("identity", "POST /oauth2/token").add("permits", "GET /v1/applications?limit=50")
    for page in range(12):
        told.add("permits", f"GET /v1/applications?limit=50&cursor=c{page}")
    for number in range(40):
        told.add("permits", f"GET /v1/applications/{number}")
        told.add("population", "POST /dukcapil/verify")
        told.add("permits", f"POST /v1/applications/{number}/decision", committed=True)
    told.add(
        "population", "POST /dukcapil/verify", 503, fault="page-down", response_headers={"retry-after": "2"}, gap=2.1
    )
    return told.add("permits", "POST /v1/applications/41/decision", None, fault="lost-answer", committed=True)


def test_like_calls_in_a_row_are_told_once_with_what_differs_left_open(diary: Diary) -> None:
    steps = tell(diary.entries).steps
    pages = steps[2]
    assert isinstance(pages, Call)
    assert (pages.times, pages.label) == (12, "GET /v1/applications?limit=50&cursor=…")


def test_work_done_for_one_thing_after_another_is_told_as_a_loop(diary: Diary) -> None:
    loop = next(step for step in tell(diary.entries).steps if isinstance(step, Loop))
    assert loop.times == 40
    assert [step.label for step in loop.steps if isinstance(step, Call)] == [
        "GET /v1/applications/…", "POST /dukcapil/verify", "POST /v1/applications/…/decision",
    ]  # fmt: skip


def test_wait_is_told_with_what_the_service_asked_for(diary: Diary) -> None:
    wait = next(step for step in tell(diary.entries).steps if isinstance(step, Wait))
    assert (round(wait.seconds, 2), wait.asked) == (2.1, "2")


def test_totals_count_every_call_and_not_only_those_told(diary: Diary) -> None:
    story = tell(diary.entries)
    assert story.calls == {"identity": 1, "permits": 94, "population": 41}
    assert (story.faults, round(story.waited, 2)) == (2, 2.1)


def test_order_of_the_entries_does_not_matter(diary: Diary) -> None:
    assert tell(reversed(diary.entries)) == tell(diary.entries)


def test_calls_at_the_same_time_are_counted_as_such() -> None:
    together = [
        {"service": "population", "path": f"/v1/residents/{n}", "status": 200, "started": 1.0, "ended": 2.0}
        for n in range(8)
    ]
    after = [
        {"service": "population", "path": f"/v1/residents/{n}", "status": 200, "started": n, "ended": n + 1}
        for n in range(8)
    ]
    assert [step.together for step in tell(together).steps if isinstance(step, Call)] == [8]
    assert [step.together for step in tell(after).steps if isinstance(step, Call)] == [1]
    assert "up to 8 at once" in terminal(together)


def test_call_that_went_otherwise_is_never_folded_away() -> None:
    told = Diary()
    for number in range(30):
        told.add("permits", f"GET /v1/applications/{number}", 503 if number == 17 else 200)
    statuses = [(step.times, step.status) for step in tell(told.entries).steps if isinstance(step, Call)]
    assert statuses == [(17, 200), (1, 503), (12, 200)]


def test_long_story_keeps_its_beginning_and_its_end() -> None:
    told = Diary()
    for number in range(500):
        told.add("permits", f"GET /v1/{'x' * (number * number % 97 + 1)}")
    steps = tell(told.entries).steps
    assert len(steps) == LONGEST_STORY
    left_out = [step.steps for step in steps if isinstance(step, Omitted)]
    assert len(left_out) == 1
    assert "more steps" in terminal(told.entries)


def test_diagram_shows_calls_answers_faults_and_waits(diary: Diary) -> None:
    drawn = terminal(diary.entries, 80).splitlines()
    assert drawn[0].split() == ["program", "identity", "permits", "population"]
    text = "\n".join(drawn)
    for words in (
        "12\u00d7 GET /v1/applications?limit=50&cursor=…", "40 times the same", "503 ✗", "136 calls",
        "planted by the lab: page-down", "waited 2.1 s (asked: 2 s)", "closed, but done", "2 met planted trouble",
    ):  # fmt: skip
        assert words in text


def test_every_arrow_ends_at_the_lifeline_of_its_agency(diary: Diary) -> None:
    drawn = terminal(diary.entries, 80).splitlines()
    column = {name: drawn[0].index(name) + len(name) // 2 for name in ("identity", "permits", "population")}
    arrows = [line for line in drawn if "►" in line]
    assert len(arrows) == 8
    for line, name in zip(
        arrows, ["identity", *["permits"] * 3, "population", "permits", "population", "permits"], strict=True
    ):
        assert line[line.index("►") + 1] == "│"
        assert abs(line.index("►") + 1 - column[name]) <= 1


def test_narrow_terminal_gets_a_list_with_the_same_facts(diary: Diary) -> None:
    drawn = terminal(diary.entries, 60)
    assert "►" not in drawn
    for words in ("identity → 200", "40 times the same", "503 ✗", "planted by the lab: page-down", "closed, but done"):
        assert words in drawn


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [24, 40, 60, 79, 80, 100, 200])
@pytest.mark.parametrize("language", ["id", "en"])
def test_no_line_is_wider_than_the_terminal(
    diary: Diary, width: int, colour: bool, unicode: bool, language: Any
) -> None:
    drawn = terminal(diary.entries, width, colour, unicode=unicode, language=language)
    assert ("\x1b[" in drawn) == colour
    assert unicode or drawn.isascii()
    assert max(cells(ANSI.sub("", line)) for line in drawn.splitlines()) <= width


def test_colour_adds_nothing_that_is_not_in_the_words(diary: Diary) -> None:
    assert ANSI.sub("", terminal(diary.entries, 80, colour=True)) == terminal(diary.entries, 80, colour=False)


def test_eight_agencies_do_not_fit_side_by_side_and_become_a_list() -> None:
    told = Diary()
    for name in "abcdefgh":
        told.add(f"agency_{name}", "GET /v1/x")
    assert "►" not in terminal(told.entries, 80)
    assert "►" in terminal(told.entries, 120)


def test_program_that_called_nobody_is_told_in_one_sentence() -> None:
    assert terminal([]) == "The program called no agency."


ODD = st.text(st.one_of(st.sampled_from("\x1b\x9b\r\n\u202e\ud800市/?&=…│►1"), st.characters()), max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"service": st.sampled_from(["permits", "population"]) | ODD, "method": ODD, "path": ODD, "query": ODD,
             "status": st.none() | st.integers(100, 599), "started": st.floats(0, 50), "ended": st.floats(0, 50),
             "fault": st.none() | ODD, "response_headers": st.dictionaries(st.just("Retry-After"), ODD)}
        ),
        max_size=12,
    ),
    st.integers(24, 120),
)  # fmt: skip
def test_hostile_entries_are_drawn_within_the_lines_and_without_control(
    entries: list[dict[str, Any]], width: int
) -> None:
    drawn = terminal(entries, width, language="en")
    for line in drawn.split("\n"):
        assert cells(line) <= width
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in line)


def test_evidence_beside_the_results_tells_the_same_story(diary: Diary, tmp_path: Path) -> None:
    write_evidence(tmp_path / "evidence.json", "run-1", [Exchange.from_entry(entry) for entry in diary.entries])
    assert terminal(read_evidence(tmp_path / "evidence.json")) == terminal(diary.entries)


def test_same_work_is_told_from_the_same_first_step_wherever_it_comes_again() -> None:
    told = Diary()
    for number in range(30):
        told.add("permits", f"GET /v1/applications/{number}")
        if number != 12:  # one that needs no verification, so that the pattern is broken once
            told.add("population", "POST /dukcapil/verify")
        told.add("permits", f"POST /v1/applications/{number}/decision")
    loops = [step for step in tell(told.entries).steps if isinstance(step, Loop)]
    assert [loop.times for loop in loops] == [12, 17]
    assert {loop.steps[0].label for loop in loops if isinstance(loop.steps[0], Call)} == {"GET /v1/applications/…"}


def test_runs_of_one_grading_are_told_apart_and_the_time_between_them_is_no_wait() -> None:
    first, second = Diary().add("permits", "GET /v1/a"), Diary().add("permits", "GET /v1/a")
    later = [entry | {"run": 2, "started": 1_060.0, "ended": 1_060.1} for entry in second.entries]
    story = tell([*first.entries, *later])
    assert [type(step) for step in story.steps] == [Start, Call, Start, Call]
    assert story.waited == 0
    assert "══ Program run 2" in terminal([*first.entries, *later], 80)
    assert "══ Program run 2" in terminal([*first.entries, *later], 60)
    assert "Program run" not in terminal(first.entries, 80)


def test_run_of_an_exchange_is_kept_with_the_evidence(tmp_path: Path) -> None:
    write_evidence(tmp_path / "evidence.json", "run-1", [Exchange.from_entry({"path": "/a"}, run=3)])
    assert [exchange.run for exchange in read_evidence(tmp_path / "evidence.json")] == [3]


def test_long_cursor_does_not_fill_the_line() -> None:
    story = tell(Diary().add("permits", f"GET /v1/applications?limit=50&cursor={'W' * 80}").entries)
    assert [step.label for step in story.steps if isinstance(step, Call)] == [
        "GET /v1/applications?limit=50&cursor=WWWWWWWW…"
    ]
