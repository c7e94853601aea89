"""The private run directory."""

import shutil
import stat

import pytest

from lab import rundir


@pytest.fixture
def make():
    """Makes run directories and takes them away again, wherever they were made."""
    made = []

    def one(folders):
        made.append(rundir.make(folders))
        return made[-1]

    yield one
    for run in made:
        shutil.rmtree(run)


def test_a_run_directory_and_its_token_are_for_this_user_only(tmp_path, make):
    """Others can neither enter it nor read the token."""
    run = make([str(tmp_path)])
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE((run / "token").stat().st_mode) == 0o600


def test_the_first_folder_that_can_be_used_is_taken(tmp_path, make):
    """An empty wish, a missing folder, and one whose sockets' paths would be too long are passed over."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    run = make(["", str(tmp_path / "missing"), str(long)])
    assert not run.is_relative_to(tmp_path)
    assert len(str(run / "correspondence.sock")) <= 100


def test_every_run_directory_has_its_own_token(tmp_path, make):
    """A token of yesterday opens nothing today."""
    tokens = {(make([str(tmp_path)]) / "token").read_text(encoding="ascii") for _ in range(3)}
    assert len(tokens) == 3
