"""The lock between processes."""

import subprocess
import sys

import pytest

from lab.filelock import LockTimeoutError, held

HOLD = """
import sys
from pathlib import Path
from lab.filelock import held
with held(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is ended."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_held_elsewhere_is_waited_for_and_told_once(holder, tmp_path):
    """The one who waits is told so, and gets the lock when the holder lets go."""
    told = []

    def let_go():
        told.append(True)
        holder.stdin.close()

    with held(tmp_path / "lock", 10, on_wait=let_go):
        assert told == [True]


def test_a_lock_held_for_too_long_is_given_up(holder, tmp_path):
    """Nobody waits for ever."""
    with pytest.raises(LockTimeoutError), held(tmp_path / "lock", 0.1):
        pytest.fail("the lock was held by another process")


def test_a_killed_holder_lets_go(holder, tmp_path):
    """The system frees the lock of a dead process, so no file has to be removed by hand."""
    holder.kill()
    holder.wait()
    with held(tmp_path / "lock", 5):
        pass


def test_a_lock_can_be_taken_again(tmp_path):
    """After the block it is free."""
    for _ in range(2):
        with held(tmp_path / "lock", 1, on_wait=lambda: pytest.fail("nobody held it")):
            pass
