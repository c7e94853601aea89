"""From checks to verdicts: order, waiting, blame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.exercise import load
from grader.language import catalogue
from grader.plugin import ChecksBroken, Judge, ordered
from grader.results import TaskResult
from grader.verdicts import LabFault, Verdict

_ = catalogue(__file__)

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
wall_seconds = 20
pass_mark = 60
tasks = [
  { id = "first", title = { id = "Pertama", en = "First" }, points = 40 },
  { id = "second", title = { id = "Kedua", en = "Second" }, points = 60 },
]
"""
HEAD = """
from grader.words import catalogue, expect, fail, fixture, task, Mismatch, LabFault
_ = catalogue(__file__)
"""


@dataclass
class Seen:
    """What the plugin itself wants to know of a grading."""

    doubt: LabFault | None = None


class Sample:
    """Judges an exercise whose checks are given as text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "07_sample"
        (self.folder / "checks").mkdir(parents=True)
        (self.folder / "exercise.toml").write_text(TOML)

    def judge(self, checks: str, doubt: LabFault | None = None) -> list[TaskResult]:
        (self.folder / "checks" / "test_sample.py").write_text(HEAD + checks)
        told: list[TaskResult] = []
        given: Any = Seen(doubt)
        Judge(load(self.folder), given, told.append).judge()
        return told


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)


def verdicts(results: list[TaskResult]) -> dict[str, str]:
    return {result.task: result.verdict.value for result in results}


def test_a_quiet_check_passes_and_a_mismatch_fails_with_its_cause(sample: Sample) -> None:
    results = sample.judge("""
@task("first")
def test_first(): expect(True, _("never said"))

@task("second", hint="look_here")
def test_second(): fail(_("Two differ from {n}.", n=3), expected="3", actual="2")
""")
    assert verdicts(results) == {"first": "pass", "second": "fail"}
    passed, failed = results
    assert (passed.score, passed.number, passed.output) == (40, "1", "")
    assert (failed.score, failed.max_score, failed.output) == (0, 60, "Two differ from 3.")
    assert failed.cause is not None
    assert (failed.cause.expected, failed.cause.actual, failed.cause.hint) == ("3", "2", "look_here")


def test_a_task_waits_for_what_it_needs_wherever_it_stands(sample: Sample) -> None:
    results = sample.judge("""
@task("first", needs=["second"])
def test_first(): raise RuntimeError("must not run")

@task("second")
def test_second(): fail(_("No."))
""")
    assert [result.task for result in results] == ["second", "first"]
    assert verdicts(results) == {"first": "skip", "second": "fail"}
    assert results[1].waits_for == ("second",)


@pytest.mark.parametrize(
    "escape", ["1 / 0", "assert False", "raise LabFault(_('x'))", "{}['k']", "import pytest; pytest.skip('no')"]
)
def test_whatever_else_escapes_a_check_is_the_labs_error_never_a_fail_or_a_skip(sample: Sample, escape: str) -> None:
    results = sample.judge(f"""
@task("first")
def test_first():
    {escape}

@task("second")
def test_second(): pass
""")
    assert verdicts(results) == {"first": "error", "second": "pass"}


def test_a_run_that_fails_in_a_fixture_is_judged_like_the_check_itself(sample: Sample) -> None:
    results = sample.judge(
        """
@fixture
def run(grading): raise Mismatch(_("It did not start."))

@task("first")
def test_first(run): pass

@task("second")
def test_second(grading): expect(grading.doubt is None, _("other"))
"""
    )
    assert verdicts(results) == {"first": "fail", "second": "pass"}


@pytest.mark.parametrize(
    "checks",
    [
        "",
        "def test_unmarked(): pass",
        "@task('first')\ndef test_first(): pass",
        "@task('first')\ndef test_a(): pass\n\n@task('first')\ndef test_b(): pass\n\n@task('second')\ndef test(): pass",
        "@task('first')\ndef test_a(): pass\n\n@task('third')\ndef test_b(): pass",
        "@task('first', needs=['second'])\ndef test_a(): pass\n\n@task('second', needs=['first'])\ndef test_b(): pass",
        "this is not python",
        "import nothing_of_that_name",
    ],
)  # fmt: skip
def test_checks_that_do_not_fit_their_exercise_judge_nobody(sample: Sample, checks: str) -> None:
    with pytest.raises(ChecksBroken, match="07_sample"):
        sample.judge(checks)


def test_a_person_who_stops_the_run_is_obeyed(sample: Sample) -> None:
    with pytest.raises(KeyboardInterrupt):
        sample.judge("@task('first')\ndef test_a(): raise KeyboardInterrupt\n\n@task('second')\ndef test_b(): pass")


def test_order_is_the_stated_one_but_for_needs() -> None:
    assert ordered(["a", "b", "c"], {"a": ["c"], "b": [], "c": []}) == ["b", "c", "a"]
    with pytest.raises(ChecksBroken):
        ordered(["a"], {"a": ["x"]})


def test_verdicts_are_worth_nothing_but_a_pass() -> None:
    assert {verdict.value for verdict in Verdict} == {"pass", "fail", "skip", "error"}


def test_what_the_environment_tells_pytest_is_not_for_checks(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """A participant who writes tests of their own may have set it; it stays as it was for them."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--junitxml=mine.xml -k nothing")
    monkeypatch.setenv("PYTEST_PLUGINS", "not_there")
    results = sample.judge("""
@task("first")
def test_first(): pass

@task("second")
def test_second(): pass
""")
    assert verdicts(results) == {"first": "pass", "second": "pass"}
    monkeypatch.delenv("PYTEST_ADDOPTS")  # it is still there to be deleted


def test_what_fails_in_doubt_is_the_labs_error_and_what_passes_has_passed(sample: Sample) -> None:
    """Where the lab was too slow for anybody, nobody loses points, and nobody loses what was proven either."""
    results = sample.judge(
        """
@task("first")
def test_first(): pass

@task("second")
def test_second(): fail(_("Too few."))
""",
        LabFault(_("The lab was busy.")),
    )
    assert verdicts(results) == {"first": "pass", "second": "error"}
    assert results[1].output == "The lab was busy."
