"""A file is the old one or the new one, never a part."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grader.filing import replace

WRITER = """
import sys
from pathlib import Path
from grader.filing import replace
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    replace(Path(sys.argv[1]), str(turn % 10) * 2_000_000, durable=False)
"""


def test_content_folder_and_line_ends_are_as_given(tmp_path: Path) -> None:
    replace(tmp_path / "new/folder/file.txt", "satu\ndua\r\n")
    assert (tmp_path / "new/folder/file.txt").read_bytes() == b"satu\ndua\r\n"
    replace(tmp_path / "new/folder/file.txt", b"\xff", durable=False)
    assert (tmp_path / "new/folder/file.txt").read_bytes() == b"\xff"


def test_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "results.json"
    victim.write_text("untouched")
    link.symlink_to(victim)
    replace(link, "new")
    assert victim.read_text() == "untouched"
    assert not link.is_symlink()
    assert link.read_text() == "new"


def test_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        replace(target, "cannot stand where a folder stands")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]


def test_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        while not target.exists():
            assert writer.poll() is None
        writer.kill()
        writer.wait()
        writer.stdout.close()
        text = target.read_text()
        assert len(text) == 2_000_000
        assert len(set(text)) == 1


def test_writers_at_the_same_moment_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "grades.csv"
    threads = [
        threading.Thread(
            target=lambda letter=letter: [replace(target, letter * 9_000, durable=False) for _ in range(40)]
        )
        for letter in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(target.read_text())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]
