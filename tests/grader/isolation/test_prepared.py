"""What is done before a run changes nothing about it, and leaves nothing where no run follows."""

import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from grader.isolation import Limits, Program

LIMITS = Limits(wall_seconds=20)


def folder(bench, path: Path, word: str) -> Program:
    """A submission of its own that prints a word, and what else lies there."""
    return replace(bench, folder=path).program(
        f"import os; print({word!r}, sorted(set(os.listdir()) - {{'main.py'}}), os.environ.get('TURN'))"
    )


def test_what_comes_after_the_preparation_counts(bench, tmp_path):
    """Files that a check lays beside the program, and its environment, are those of the moment when it starts."""
    program = folder(bench, tmp_path / "one", "first")
    bench.rung.prepare(LIMITS, program)
    (tmp_path / "one" / "data.csv").write_text("1")
    finished = bench.rung.run(replace(program, environment={"TURN": "7"}), LIMITS)
    assert finished.stdout == "first ['data.csv'] 7\n"
    assert bench.rung.run(program, LIMITS).stdout == "first ['data.csv'] None\n"


@pytest.mark.parametrize("again", [False, True])
def test_what_was_prepared_for_one_is_never_given_to_another(bench, tmp_path, again):
    one, other = (folder(bench, tmp_path / word, word) for word in ("one", "other"))
    bench.rung.prepare(LIMITS, one)
    if again:
        bench.rung.prepare(LIMITS, other)
    assert bench.rung.run(other, LIMITS).stdout == "other [] None\n"
    assert bench.rung.run(one, LIMITS).stdout == "one [] None\n"


@pytest.mark.parametrize("stays", [False, True])
def test_a_preparation_that_no_run_follows_leaves_nothing(bench, tmp_path, eventually, grader_preparing, stays):
    """Whether the grader ends in order or is killed."""
    if bench.rung.name == "container":
        pytest.skip("its containers belong to an object that is closed; see test_container.py")
    program = folder(bench, tmp_path / "one", "first")
    wanted = 4 if bench.rung.name == "bubblewrap" else 1  # the keeper; bwrap, its own child, and the stage
    started: list[psutil.Process] = []
    with grader_preparing(bench.rung.name, program, stays=stays) as grader:
        assert grader.stdout.readline() == "prepared\n"
        if stays:
            eventually(lambda: len(psutil.Process(grader.pid).children(recursive=True)) >= wanted)
            started = psutil.Process(grader.pid).children(recursive=True)
            grader.kill()
        assert grader.wait(20) == (-signal.SIGKILL if stays else 0)
    _gone, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
