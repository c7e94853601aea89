"""The history of scores."""

from dataclasses import replace
from multiprocessing import get_context

import pytest

from grader.results import Exercise, Results, TaskResult
from grader.verdicts import Verdict
from lab.scores import History, Score

SCORE = Score("2026-11-22T08:00:00Z", 3, "run1", 40, 100, "fail", passed=False, practice=False)


def add_many(folder):
    for number in range(50):
        History(folder).add(replace(SCORE, run_id=f"run{number}"))


@pytest.fixture
def history(tmp_path):
    """An empty history."""
    return History(tmp_path / "reports")


def test_a_history_that_was_never_written_is_empty(history):
    """No file is no score."""
    assert list(history) == []
    assert history.best(3) is None


def test_scores_are_kept_in_their_order(history):
    """What goes in comes out."""
    scores = [SCORE, replace(SCORE, run_id="run2", score=60)]
    for score in scores:
        history.add(score)
    assert list(history) == scores


def test_the_best_score_is_of_a_run_that_counts(history):
    """Practice and runs that the lab broke do not count; another exercise's neither."""
    for score in (
        SCORE,
        replace(SCORE, score=100, practice=True),
        replace(SCORE, score=90, verdict="error"),
        replace(SCORE, score=80, exercise=2),
        replace(SCORE, score=50, run_id="best"),
        replace(SCORE, score=50, run_id="later"),
    ):
        history.add(score)
    assert history.best(3).run_id == "best"


def test_a_torn_or_foreign_line_is_left_out(history, tmp_path):
    """A power cut in the middle of a line costs that line."""
    history.add(SCORE)
    with (tmp_path / "reports" / "history.jsonl").open("ab") as file:
        file.write(b'{"format_version": 1, "at": "2026\n[]\n\xff\n{}\n')
    history.add(SCORE)
    assert list(history) == [SCORE, SCORE]


def test_two_runs_at_once_both_arrive_whole(history, tmp_path):
    """Lines of several processes never mix."""
    context = get_context("spawn")
    workers = [context.Process(target=add_many, args=(tmp_path / "reports",)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(list(history)) == 100


def test_a_score_is_that_of_its_results():
    """Points and verdict are taken over as they are."""
    task = TaskResult(task="a", name="A", number="1", max_score=100, score=100, verdict=Verdict.PASS)
    results = Results(exercise=Exercise(3, "x"), run_id="run9", started_at="2026-11-22T08:00:00Z", tasks=(task,))
    score = Score.of(results)
    assert (score.exercise, score.run_id, score.score, score.verdict, score.passed) == (3, "run9", 100, "pass", True)
    assert score.counts


def test_a_line_that_was_torn_at_the_end_costs_no_later_score(history, tmp_path):
    """A power cut or a full disk leaves a line without its end; the next score begins a line of its own."""
    scores = [replace(SCORE, run_id=f"run{score}", score=score) for score in (10, 100, 20)]
    history.add(scores[0])
    with (tmp_path / "reports" / "history.jsonl").open("ab") as file:
        file.write(b'{"format_version": 1, "at": "2026')
    for score in scores[1:]:
        history.add(score)
    assert list(history) == scores
