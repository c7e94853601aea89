"""The participants' own work is laid out once and never lost."""

import os
from pathlib import Path

from lab import workspace


def test_the_starter_is_laid_out_once_and_never_over_somebodys_work(settings, exercise):
    """The second time nothing is touched."""
    assert workspace.prepare(exercise, settings) is True
    program = workspace.folder(exercise, settings) / "main.py"
    assert program.read_text(encoding="utf-8") == "# your program\n"
    program.write_text("print('mine')\n", encoding="utf-8")
    assert workspace.prepare(exercise, settings) is False
    assert program.read_text(encoding="utf-8") == "print('mine')\n"
    assert [path.name for path in settings.work.iterdir()] == ["07_greeting"]


def test_a_path_on_another_drive_is_shown_whole(monkeypatch, tmp_path):
    """Windows has no way there from where one is."""

    def no_way(_path):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", no_way)
    assert workspace.shown(tmp_path) == str(tmp_path)


def test_an_empty_folder_is_filled(settings, exercise):
    """Somebody who made the folder by hand gets the starter all the same."""
    workspace.folder(exercise, settings).mkdir(parents=True)
    assert workspace.prepare(exercise, settings) is True
    assert (workspace.folder(exercise, settings) / "main.py").exists()


def test_caches_beside_the_starter_are_not_copied(settings, exercise):
    """A participant's folder holds what the author put there."""
    (exercise.starter / "__pycache__").mkdir()
    workspace.prepare(exercise, settings)
    assert not (workspace.folder(exercise, settings) / "__pycache__").exists()


def test_work_that_is_set_aside_is_kept_each_time(settings, exercise):
    """Twice in one second makes two folders."""
    kept = []
    for number in range(2):
        workspace.prepare(exercise, settings)
        (workspace.folder(exercise, settings) / "main.py").write_text(str(number), encoding="utf-8")
        kept.append(workspace.set_aside(exercise, settings))
    assert [(folder / "main.py").read_text(encoding="utf-8") for folder in kept] == ["0", "1"]
    assert all(folder.parent == settings.work / "lama" for folder in kept)
    assert workspace.set_aside(exercise, settings) is None


def test_paths_are_shown_as_people_type_them(tmp_path, monkeypatch):
    """From where they are, unless that is longer."""
    monkeypatch.chdir(tmp_path)
    assert workspace.shown(tmp_path / "work" / "07_greeting") == os.path.join("work", "07_greeting")  # noqa: PTH118 - as typed
    assert workspace.shown(Path("/x")) == "/x"
