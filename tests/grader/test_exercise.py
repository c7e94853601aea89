"""Reading exercise folders: strict with authors, so that nothing half-right reaches a participant."""

from pathlib import Path

import pytest

from grader.exercise import ExerciseBroken, ExerciseNotFound, find, folders, load

TOML = """
format_version = 1
number = 7
slug = "sample"
title.id = "Contoh"
title.en = "Sample"
summary.id = "Ringkas."
summary.en = "Short."
kind = "job"
minutes = 30
level = "basic"
uses = ["population"]
requires = []
scopes = ["population:read"]
wall_seconds = 20
pass_mark = 60

[[tasks]]
id = "one"
title.id = "Satu"
title.en = "One"
points = 40

[[tasks]]
id = "two"
title.id = "Dua"
title.en = "Two"
points = 60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "07_sample"
    (folder / "checks").mkdir(parents=True)
    (folder / "checks" / "test_sample.py").write_text("")
    (folder / "exercise.toml").write_text(TOML)
    return folder


def test_a_folder_in_order_is_read_whole(folder: Path) -> None:
    exercise = load(folder)
    assert (exercise.number, exercise.name, exercise.max_score, exercise.pass_mark) == (7, "07_sample", 100, 60)
    assert [task.id for task in exercise.tasks] == ["one", "two"]
    assert exercise.title.in_language("en") == "Sample"
    assert exercise.title.in_language("id") == "Contoh"
    assert exercise.task("two").points == 60
    with pytest.raises(KeyError):
        exercise.task("three")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("format_version = 1", "format_version = 2"),
        ('kind = "job"', 'kind = "api"'),
        ('level = "basic"', 'level = "easy"'),
        ("number = 7", 'number = "7"'),
        ("number = 7", "number = 8"),
        ("number = 7", "number = true"),
        ('slug = "sample"', 'slug = "Sample Two"'),
        ("minutes = 30", "minutes = 0"),
        ("wall_seconds = 20", "wall_seconds = 100000"),
        ("pass_mark = 60", "pass_mark = 101"),
        ("points = 60", "points = 61"),
        ("points = 60", "points = -60"),
        ('id = "two"', 'id = "one"'),
        ('id = "two"', 'id = "Two!"'),
        ('title.en = "Sample"', ""),
        ('title.en = "Two"', 'title.en = ""'),
        ("requires = []", ""),
        ("requires = []", "requires = []\nextra = 1"),
        ('scopes = ["population:read"]', 'scopes = ["everything"]'),
        ("[[tasks]]", "[[tasks"),
    ],
)
def test_a_slip_of_the_author_is_named(folder: Path, before: str, after: str) -> None:
    file = folder / "exercise.toml"
    file.write_text(TOML.replace(before, after, 1) if before != "points = 60" else TOML.replace(before, after))
    with pytest.raises(ExerciseBroken, match=r"exercise\.toml"):
        load(folder)


def test_an_exercise_is_found_by_its_number(folder: Path) -> None:
    (folder.parent / "notes").mkdir()
    assert folders(folder.parent) == {7: folder}
    assert find(7, folder.parent).slug == "sample"
    with pytest.raises(ExerciseNotFound):
        find(8, folder.parent)


def test_the_hash_tells_what_is_asked_and_how_it_is_checked(folder: Path) -> None:
    before = load(folder).hash
    (folder / "README.md").write_text("words")
    assert load(folder).hash == before
    (folder / "checks" / "test_sample.py").write_text("# changed")
    assert load(folder).hash != before


def test_hints_are_read_by_task_and_step(folder: Path) -> None:
    (folder / "hints.md").write_text("# Petunjuk\n\n## one\n\n1. Satu.\n2. Dua\n   baris.\n\n## two\n\n1. Lagi.\n")
    (folder / "hints.en.md").write_text("# Hints\n\n## one\n\n1. A.\n2. B.\n\n## two\n\n1. C.\n")
    exercise = load(folder)
    assert exercise.hints("id") == {"one": ["Satu.", "Dua\n   baris."], "two": ["Lagi."]}
    assert exercise.hints("en")["two"] == ["C."]
