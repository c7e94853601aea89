"""The report in the terminal: readable on any width, without colour, and whatever a learner wrote."""

import re
import subprocess
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.exchange import Exchange
from grader.ink import Ink
from grader.language import verbatim
from grader.plaintext import cells
from grader.reports.terminal import _shell_words, render
from grader.results import Program, Results, TaskResult
from grader.verdicts import Mismatch

ANSI = re.compile(r"\x1b\[[0-9;]*m")
KINDS = ("good", "mixed", "failed", "broken", "hostile")


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest) -> Results:
    found: Results = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("width", [20, 32, 40, 60, 80, 200])
@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("language", ["id", "en"])
def test_no_line_is_wider_than_the_terminal(run: Results, width: int, colour: bool, language: Any) -> None:
    shown = render(run, width=width, colour=colour, language=language)
    inside_curl = False
    for line in ANSI.sub("", shown).split("\n"):
        inside_curl = inside_curl or line.strip().startswith(("curl ", "printf "))
        assert inside_curl or cells(line) <= max(width, 32), line
        inside_curl = inside_curl and line.endswith("\\")


def test_colour_adds_nothing_that_is_not_in_the_words(run: Results) -> None:
    coloured = render(run, colour=True)
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == render(run, colour=False)


def test_nothing_that_acts_on_a_screen_gets_through(run: Results) -> None:
    shown = render(run, colour=False)
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown if character != "\n")
    assert not any(character in shown for character in "\u202e\u2066")


def test_old_console_gets_ascii_of_the_same_width(mixed: Results) -> None:
    plain, full = render(mixed, unicode=False), render(mixed, unicode=True)
    assert plain.isascii()
    assert [cells(line) for line in plain.split("\n")] == [cells(line) for line in full.split("\n")]
    for word in ("v PASSED", "x NOT YET", "o WAITING", "^ LAB ERROR"):
        assert word in plain


def test_each_verdict_has_its_own_word_and_symbol(mixed: Results) -> None:
    shown = render(mixed)
    for word in ("✓ PASSED", "✗ NOT YET", "○ WAITING", "▲ LAB ERROR"):
        assert word in shown


def test_failure_says_what_was_wanted_what_came_and_how_to_see_it_again(failed: Results) -> None:
    shown = render(failed)
    for piece in (
        "The token was fetched 3 times.", "expected  1", "found     3", "→ 503 Service Unavailable", "< Retry-After: 2",
        "see it again:", "curl -i ", "README.md#token", "Waits for task 2.", "50 of 100 points",
    ):  # fmt: skip
        assert piece in shown


def test_failure_ends_with_what_to_do_next(failed: Results) -> None:
    tail = render(failed).split("What to do next")[1]
    assert "1. Work on task 2 first: Task number 2." in tail
    assert "make hint-3" in tail
    assert "make trace-3" in tail
    assert "make exercise-3" in tail


def test_lab_error_sends_nobody_to_their_own_code(mixed: Results, broken: Results) -> None:
    for run in (mixed, broken):
        shown = render(run)
        assert "counts for nothing" in shown
        assert "lab doctor" in shown
        assert "make hint" not in shown
        assert "Traceback" not in shown
        assert "░" not in shown


def test_passed_run_says_so_and_shows_a_full_bar(good: Results) -> None:
    shown = render(good)
    assert "Passed: 100 of 100 points." in shown
    assert "█" * 50 in shown
    assert "░" not in shown


def test_program_that_broke_shows_its_last_words(good: Results) -> None:
    traceback = "\n".join(f"line {number}" for number in range(50)) + "\nKeyError: 'nik'"
    shown = render(replace(good, program=Program(1, "exit", 1.0, "", traceback)))
    assert "Your program ended with exit code 1." in shown
    assert "│ KeyError: 'nik'" in shown
    assert "line 3\n" not in shown


def test_program_that_was_stopped_names_the_limit_in_words(good: Results) -> None:
    assert "it reached a limit (computing time)" in render(replace(good, program=Program(None, "cpu", 60.0)))


def in_shell(line: str) -> list[bytes]:
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{line}\n"
    return subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.split(b"\0")


@pytest.mark.parametrize("width", [32, 60, 80, 100])
def test_broken_curl_line_is_still_the_same_line_to_a_shell(
    failed: Results, exchanges: list[Exchange], width: int
) -> None:
    exchange = replace(
        exchanges[0],
        method="POST",
        request_headers={"Authorization": "Bearer ***", "Content-Type": "application/json", "Idempotency-Key": "it's"},
        request_body='{"name": "MA\'RUF \\" $HOME",\n "n": 1}',
    )
    task = TaskResult.judged(
        Mismatch(verbatim("x"), exchange=exchange), task="task_2", name="x", number="2", max_score=25
    )
    shown = render(failed.with_task(task), width=width)
    printed = shown[shown.index("    curl ") : shown.index("\n\n", shown.index("    curl "))]
    assert task.cause is not None
    assert in_shell(printed) == in_shell(task.cause.exchange[0].curl)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab '\"\\$-")))
def test_words_of_a_shell_line_joined_again_are_the_line(line: str) -> None:
    assert " ".join(_shell_words(line)) == line


def test_values_with_lines_keep_them(failed: Results) -> None:
    task = TaskResult.judged(
        Mismatch(verbatim("x"), actual="first\nsecond\x1b[2J"), task="task_2", name="x", number="2", max_score=25
    )
    assert "found     first\n              second\n" in render(failed.with_task(task))


def test_ink_without_colour_leaves_words_alone() -> None:
    assert Ink()("words", "good") == "words"
    assert Ink(colour=True)("words", "good", "strong") == "\x1b[32;1mwords\x1b[0m"
    assert Ink(colour=True)("", "good") == ""


def test_request_too_long_to_paste_is_not_printed_as_a_line(failed: Results, exchanges: list[Exchange]) -> None:
    ending = Mismatch(verbatim("x"), exchange=replace(exchanges[0], path="/" + "x" * 50_000))
    task = TaskResult.judged(ending, task="task_2", name="x", number="2", max_score=25)
    shown = render(failed.with_task(task))
    assert "curl" not in shown
    assert len(shown) < 5_000
