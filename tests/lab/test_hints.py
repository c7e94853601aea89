"""Which hint comes next."""

import pytest

from grader import resultsfile
from grader.results import Cause, Crash, Exercise, Results, TaskResult
from grader.verdicts import Verdict
from lab.course import chosen
from lab.hints import Hints
from lab.outcomes import LabFailedError, WrongUsageError


@pytest.fixture
def hints(settings):
    """The hints of the lab."""
    return Hints(settings.reports)


@pytest.fixture
def last_run(settings, exercise):
    """Writes down a last run with the verdicts given, in the order of the tasks."""

    def write(*verdicts, hint="", error=None):
        tasks = tuple(
            TaskResult(
                task=task.id,
                name=task.title.en,
                number=str(number),
                max_score=task.points,
                score=task.points if verdict is Verdict.PASS else 0,
                verdict=verdict,
                output="" if verdict is Verdict.PASS else "Not yet.",
                cause=Cause(hint=hint) if verdict is Verdict.FAIL else None,
                waits_for=("hello",) if verdict is Verdict.SKIP else (),
            )
            for number, (task, verdict) in enumerate(zip(exercise.tasks, verdicts, strict=True), 1)
        )
        results = Results(
            exercise=Exercise(7, "greeting"), run_id="run1", started_at="2026-11-22T08:00:00Z", tasks=tasks
        )
        resultsfile.save(results.broken(error) if error else results, settings.reports / exercise.name / "results.json")

    return write


def test_before_the_first_run_the_hints_are_those_of_the_first_task(hints, exercise):
    """One more each time, and the last one again when there are no more."""
    given = [hints.next(exercise) for _ in range(3)]
    assert [(one.number, one.total, one.text) for one in given] == [
        (1, 2, "Look at the world."),
        (2, 2, "Print it."),
        (2, 2, "Print it."),
    ]
    assert {one.task for one in given} == {"Greet the world"}


def test_hints_are_for_the_first_task_that_failed_and_counted_for_each_task(hints, exercise, last_run):
    """Work on another task does not use up the hints of the first."""
    last_run(Verdict.PASS, Verdict.FAIL)
    assert hints.next(exercise).text == "A loop\n   can do it."
    last_run(Verdict.FAIL, Verdict.SKIP)
    assert hints.next(exercise).text == "Look at the world."
    last_run(Verdict.PASS, Verdict.FAIL)
    assert hints.next(exercise).number == 2


def test_the_hint_that_the_verdict_names_comes_before_the_tasks_own(hints, exercise, last_run):
    """A check may point to another task's hints; a name that does not exist is passed over."""
    last_run(Verdict.FAIL, Verdict.SKIP, hint="again")
    assert hints.next(exercise).text.startswith("A loop")
    last_run(Verdict.FAIL, Verdict.SKIP, hint="nowhere")
    assert hints.next(exercise).text == "Look at the world."


def test_a_broken_exercise_is_the_labs_fault(settings, exercise):
    """An author's slip is told as such, with the line for those who mend it."""
    (exercise.folder / "exercise.toml").write_text("format_version = 1\n", encoding="utf-8")
    with pytest.raises(LabFailedError, match="not in order") as caught:
        chosen(7, settings)
    assert "exercise.toml" in caught.value.detail
    with pytest.raises(WrongUsageError, match="There is no exercise"):
        chosen(8, settings)


def test_who_passed_everything_gets_no_hint(hints, exercise, last_run):
    """There is nothing to hint at."""
    last_run(Verdict.PASS, Verdict.PASS)
    assert hints.next(exercise) is None


def test_a_run_that_the_lab_broke_leaves_the_hints_of_the_first_task(hints, exercise, last_run):
    """Nobody is sent away without a hint because of the lab."""
    last_run(Verdict.ERROR, Verdict.ERROR, error=Crash("The lab broke."))
    assert hints.next(exercise).text == "Look at the world."


def test_a_damaged_memory_of_hints_begins_anew(hints, exercise, settings):
    """A torn file costs the count and nothing else."""
    hints.next(exercise)
    (settings.reports / "hints.json").write_text('{"07_gre', encoding="utf-8")
    assert hints.next(exercise).number == 1
