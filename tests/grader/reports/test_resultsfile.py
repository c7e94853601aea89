"""`results.json`: true to its schema, read without indulgence, and never taken for finished when it is not."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader.exchange import Exchange
from grader.language import Text, verbatim
from grader.results import Cause, Crash, Exercise, Program, Results, Shown, TaskResult, crash, headline
from grader.resultsfile import dump, load, parse, save, to_json
from grader.strictjson import NotStrictJson
from grader.verdicts import LabFault, Mismatch, Verdict

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/schemas/results-1.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

WORDS = st.text(max_size=30)
POINTS = st.one_of(st.integers(0, 100), st.floats(0, 100).map(lambda points: round(points, 3)))
CAUSES = st.builds(
    Cause,
    *[WORDS] * 4,
    exchange=st.lists(
        st.builds(
            lambda path, body, status: Shown.of(Exchange(path=path, request_body=body, status=status)),
            WORDS, st.none() | WORDS, st.none() | st.integers(100, 599),
        ),
        max_size=3,
    ).map(tuple),
)  # fmt: skip


@st.composite
def tasks(draw: st.DrawFn) -> TaskResult:
    verdict, points = draw(st.sampled_from(Verdict)), draw(POINTS)
    return TaskResult(
        task=draw(WORDS),
        name=draw(WORDS),
        number=draw(WORDS),
        max_score=points,
        score=points if verdict is Verdict.PASS else 0,
        verdict=verdict,
        output=draw(WORDS),
        cause=draw(st.none() | CAUSES),
        waits_for=tuple(draw(st.lists(WORDS, max_size=2))),
        duration=draw(st.floats(0, 100)),
    )


RUNS = st.builds(
    Results,
    exercise=st.builds(Exercise, st.integers(1, 99), WORDS, WORDS, WORDS),
    run_id=WORDS,
    started_at=WORDS,
    tasks=st.lists(tasks(), max_size=4).map(tuple),
    participant=WORDS,
    practice=st.booleans(),
    provisional=st.booleans(),
    pass_mark=st.integers(0, 100),
    execution_time=st.floats(0, 1e6),
    program=st.none() | st.builds(Program, st.none() | st.integers(-20, 255), WORDS, st.floats(0, 1e4), WORDS, WORDS),
)
BROKEN = st.builds(lambda run, words: run.broken(Crash(words, words)), RUNS, WORDS)


def complaints(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(json.loads(text))]


def test_schema_is_itself_a_valid_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@settings(deadline=None, max_examples=60)
@given(RUNS | BROKEN)
def test_every_run_fits_the_schema_and_comes_back_as_it_was_written(run: Results) -> None:
    text = dump(run)
    assert complaints(text) == []
    back = parse(text)
    assert (back.verdict, back.passed, back.exit_code) == (run.verdict, run.passed, run.exit_code)
    assert math.isclose(back.score, run.score, abs_tol=1e-5)
    assert dump(back) == text


@pytest.mark.parametrize("which", ["good", "mixed", "failed", "broken", "hostile"])
def test_run_of_each_kind_fits_the_schema(which: str, request: pytest.FixtureRequest) -> None:
    text = dump(request.getfixturevalue(which))
    assert complaints(text) == []
    assert len(text) < 500_000
    assert dump(parse(text)) == text
    text.encode("utf-8")


def test_hostile_text_is_cleaned_before_it_is_kept(hostile: Results) -> None:
    text = dump(hostile)
    assert not any(character in text for character in "\x00\x1b\x9b\u202e\u2066\ufffe\ud800")
    assert "\\u001b" not in text
    assert "<script>" in text  # escaping is for those who show it


def test_top_of_the_file_is_what_gradescope_reads(mixed: Results) -> None:
    kept = json.loads(dump(mixed))
    assert set(kept) == {
        "score", "max_score", "execution_time", "output", "visibility", "stdout_visibility", "tests", "leaderboard",
        "extra_data",
    }  # fmt: skip
    assert (kept["score"], kept["max_score"]) == (25, 100)
    assert [test["status"] for test in kept["tests"]] == ["passed", "failed", "failed", "failed"]
    assert [test["extra_data"]["verdict"] for test in kept["tests"]] == ["pass", "fail", "skip", "error"]
    assert set(kept["tests"][0]) == {
        "name", "number", "score", "max_score", "status", "output", "output_format", "tags", "visibility", "extra_data",
    }  # fmt: skip
    assert {
        "format_version", "run_id", "exercise", "participant", "cohort", "started_at", "seed_fingerprint", "practice",
        "isolation", "lab_version", "passed", "pass_mark",
    } <= set(kept["extra_data"])  # fmt: skip
    assert {"number", "slug", "hash"} <= set(kept["extra_data"]["exercise"])
    cause = kept["tests"][1]["extra_data"]["cause"]
    assert (cause["expected"], cause["actual"], cause["hint"]) == ("1", "3", "token")
    assert cause["exchange"][0]["status"] == 503
    assert cause["exchange"][0]["curl"].startswith("curl -i ")
    assert "abcdefghijklmnop" not in dump(mixed)
    assert kept["tests"][2]["extra_data"]["waits_for"] == ["task_2"]


def test_broken_run_has_an_error_in_place_of_tests(broken: Results) -> None:
    kept = json.loads(dump(broken))
    assert "tests" not in kept
    assert kept["error"]["message"] == "The permits service did not start."
    assert (kept["score"], kept["max_score"], kept["extra_data"]["passed"]) == (0, 100, False)
    assert broken.exit_code == 3


def test_run_killed_between_two_tasks_reads_as_an_error_and_never_as_a_pass(good: Results, tmp_path: Path) -> None:
    pending = [TaskResult.pending(task=t.task, name=t.name, number=t.number, max_score=t.max_score) for t in good.tasks]
    run = replace(good, tasks=tuple(pending), pass_mark=0)
    for judged in [None, *good.tasks]:
        run = run if judged is None else run.with_task(judged)
        save(run, tmp_path / "results.json")
        back = load(tmp_path / "results.json")
        finished = judged is good.tasks[-1]
        assert (back.verdict, back.passed, back.exit_code) == (
            (Verdict.PASS, True, 0) if finished else (Verdict.ERROR, False, 3)
        )


def test_error_in_one_task_costs_nobody_anything_whatever_the_score(good: Results) -> None:
    task = TaskResult.judged(KeyError("x"), task="task_4", name="x", number="4", max_score=25)
    run = replace(good.with_task(task), pass_mark=10)
    assert (run.passed, run.exit_code) == (False, 3)
    assert "counts for nothing" in str(headline(run))


@pytest.mark.parametrize(("mark", "passed", "code"), [(75, True, 0), (75.1, False, 1), (100, False, 1), (0, True, 0)])
def test_pass_mark_is_per_cent_of_the_points(failed: Results, mark: float, passed: bool, code: int) -> None:
    run = replace(failed, tasks=(failed.tasks[0], failed.tasks[3], failed.tasks[1], *failed.tasks[:1]), pass_mark=mark)
    assert (run.score, run.max_score, run.passed, run.exit_code) == (75, 100, passed, code)


def test_points_that_are_not_whole_add_up_to_what_people_expect(good: Results) -> None:
    third = replace(good.tasks[0], score=0.1, max_score=0.1)
    run = replace(good, tasks=(third, third, third), pass_mark=100)
    assert (run.score, run.passed) == (0.3, True)
    assert load_of(run).score == 0.3


def load_of(run: Results) -> Results:
    return parse(dump(run))


def test_whole_points_are_written_without_a_fraction(good: Results) -> None:
    assert '"score": 100,' in dump(
        replace(good, tasks=tuple(replace(t, score=25.0, max_score=25.0) for t in good.tasks))
    )


def test_sentences_of_a_check_are_kept_in_the_language_of_the_run() -> None:
    ending = Mismatch(Text("Said {what}.", {"what": "x"}), expected=verbatim("one"), actual="two")
    judged = TaskResult.judged(ending, task="a", name="A", number="1", max_score=5)
    assert (judged.output, judged.cause and judged.cause.expected) == ("Said x.", "one")


def test_lab_fault_is_written_down_with_its_place() -> None:
    with pytest.raises(LabFault) as caught:
        raise LabFault(verbatim("The finance service is silent."))
    broken = crash(caught.value)
    assert broken.message == "The finance service is silent."
    assert "test_resultsfile.py" in broken.detail


PERTURBATIONS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("missing score", lambda top: top.pop("score")),
    ("unknown key", lambda top: top.update(bonus=1)),
    ("score of another run", lambda top: top.update(score=100)),
    ("max_score of another run", lambda top: top.update(max_score=1)),
    ("negative score", lambda top: top.update(score=-1)),
    ("score as text", lambda top: top.update(score="25")),
    ("score as truth value", lambda top: top.update(score=True)),
    ("passed although not", lambda top: top["extra_data"].update(passed=True)),
    ("verdict of another run", lambda top: top["extra_data"].update(verdict="pass")),
    ("other version", lambda top: top["extra_data"].update(format_version=2)),
    ("unknown verdict", lambda top: top["tests"][1]["extra_data"].update(verdict="pas")),
    ("status contradicts verdict", lambda top: top["tests"][1].update(status="passed")),
    ("points for a fail", lambda top: top["tests"][1].update(score=25)),
    ("tests not a list", lambda top: top.update(tests={})),
    ("test not an object", lambda top: top["tests"].append(1)),
    ("tests and error", lambda top: top.update(error={"message": "", "detail": ""})),
    ("neither tests nor error", lambda top: top.pop("tests")),
    (
        "header not a text",
        lambda top: top["tests"][1]["extra_data"]["cause"]["exchange"][0].update(request_headers={"a": 1}),
    ),
    ("cause is a text", lambda top: top["tests"][1]["extra_data"].update(cause="x")),
    ("waits_for holds a number", lambda top: top["tests"][2]["extra_data"].update(waits_for=[1])),
    ("unknown key deep inside", lambda top: top["extra_data"]["program"].update(x=1)),
    ("hidden test", lambda top: top["tests"][0].update(visibility="hidden")),
]


@pytest.mark.parametrize(("name", "perturb"), PERTURBATIONS, ids=[name for name, _ in PERTURBATIONS])
def test_file_that_was_tampered_with_is_refused(
    mixed: Results, name: str, perturb: Callable[[dict[str, Any]], object]
) -> None:
    top = json.loads(dump(mixed))
    perturb(top)
    with pytest.raises(NotStrictJson):
        parse(json.dumps(top))


@pytest.mark.parametrize("ending", [-2, len("{"), 100, 1_000])
def test_file_that_was_cut_short_is_refused(mixed: Results, ending: int) -> None:
    with pytest.raises(NotStrictJson):
        parse(dump(mixed).rstrip()[:ending])


def test_key_given_twice_is_refused(good: Results) -> None:
    with pytest.raises(NotStrictJson):
        parse(dump(good).replace('"score": 100,', '"score": 0, "score": 100,', 1))


def test_schema_refuses_what_the_loader_refuses_where_a_schema_can(mixed: Results) -> None:
    beyond = {"score of another run", "max_score of another run", "passed although not", "verdict of another run"}
    for name, perturb in PERTURBATIONS:
        top = to_json(mixed)
        perturb(top := json.loads(json.dumps(top)))
        assert name in beyond or not VALIDATOR.is_valid(top), name


def test_importing_the_model_is_cheap() -> None:
    """A warm run has one second in all; pydantic, Jinja or Rich alone would take a tenth of it."""
    heavy = ("pydantic", "jinja2", "rich", "httpx")
    code = f"import sys, grader.resultsfile; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_token_that_a_program_printed_is_masked(good: Results) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJrZHMxLWFwcCJ9.c2lnbmF0dXJl"
    program = Program(1, "exit", 1.0, f"token: {jwt}", f"client_secret=abc123&x=1 {'x' * 1_000_000}")
    text = dump(replace(good, program=program))
    assert jwt not in text
    assert "abc123" not in text
    ending = Mismatch(verbatim("x"), actual=f"Bearer {jwt}")
    assert jwt not in str(TaskResult.judged(ending, task="a", name="A", number="1", max_score=5))
