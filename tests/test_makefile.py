"""The Makefile, the READMEs and the guides name the same commands, and all of them exist."""

import re
import subprocess
from pathlib import Path

import pytest

from grader.exercise import find
from lab.authoring import pictures
from lab.command_line import command_line

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "README.id.md", *sorted((ROOT / "docs").glob("guide-*.md"))]
PEOPLE = ("participant", "trainer", "grader", "author")
RULE = re.compile(r"^([a-z%][a-z%-]*):([^=\n]*?)(?: ## (.*))?\n((?:\t.*\n)*)", re.MULTILINE)
TARGETS = {match.group(1): match for match in RULE.finditer(MAKEFILE)}


def make(*words, **variables):
    done = subprocess.run(
        ["make", "--no-print-directory", *words, *(f"{name}={value}" for name, value in variables.items())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def code_of(page):
    """Returns what a page shows as code: fenced lines and words between backticks."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", text)])


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_one_line_with_words_in_both_languages(target):
    """`make help` has something to say about each, and no logic hides in the Makefile."""
    rule = TARGETS[target]
    assert rule.group(3), target
    assert rule.group(3).count(" | ") == 1, target
    assert len(rule.group(4).splitlines()) == 1, target


@pytest.mark.parametrize(("language", "words"), [("id", "daftar perintah ini"), ("en", "this list")])
def test_help_lists_every_target_in_the_readers_language(language, words):
    """The list is made from the Makefile's own comments."""
    said = make("help", LAB_LANG=language)
    assert words in said
    listed = re.findall(r"^  make (\S+)", said, re.MULTILINE)
    assert listed == [target.replace("%", "N") for target in TARGETS]


@pytest.mark.parametrize("target", sorted(set(TARGETS) - {"help"}))
def test_every_target_sets_the_lab_up_by_itself(target):
    """Whatever somebody types first in a fresh clone works."""
    told = make("--dry-run", target.replace("%", "3"), SUBMISSIONS="x", EXERCISE="3")
    assert told.splitlines()[0].split()[1] == "bootstrap.py"


@pytest.mark.parametrize("name", command_line().list_commands(None))
def test_every_command_of_lab_has_a_target(name):
    """People who know make only lack nothing."""
    assert name in TARGETS or f"{name}-%" in TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_exists(page):
    """Targets, commands of lab with their options, and files of the clone."""
    shown = code_of(page)
    for target in re.findall(r"\bmake ([a-z][a-z0-9-]*)", shown):
        assert target in TARGETS or re.sub(r"-\d+$", "-%", target) in TARGETS, target
    commands = command_line()
    for line in re.findall(r"(?:^|[ /\\])lab ([a-z]+(?: [^\n]*)?)", shown, re.MULTILINE):
        name, *words = line.split()
        command = commands.get_command(None, name)
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
    for linked in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / linked).exists(), linked


@pytest.mark.parametrize("person", PEOPLE)
def test_every_kind_of_person_has_a_guide_in_both_languages(person):
    """With the same sections, the same commands, and a link to each other."""
    pages = [ROOT / "docs" / f"guide-{person}.{language}.md" for language in ("id", "en")]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert texts[0].count("\n## ") == texts[1].count("\n## ")
    commands = [re.findall(r"\b(?:make|lab) [a-z]+[^`\n]*", code_of(page)) for page in pages]
    assert sorted(commands[0]) == sorted(commands[1])
    assert f"guide-{person}.en.md" in texts[0]
    assert f"guide-{person}.id.md" in texts[1]


def test_the_two_readmes_have_the_same_sections_and_commands():
    """A reader of either knows the same."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.id.md")]
    assert texts[0].count("\n## ") == texts[1].count("\n## ")
    pages = [ROOT / "README.md", ROOT / "README.id.md"]
    commands = [sorted(re.findall(r"\b(?:make|lab|python3) [a-z]+[a-z0-9.-]*", code_of(page))) for page in pages]
    assert commands[0] == commands[1]
    assert all(f"docs/guide-{person}" in text for person in PEOPLE for text in texts)


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_picture_of_a_run_is_of_the_exercise_as_it_is(language):
    """Every task's title is in it, so that an exercise that changed is noticed; `make pictures` draws it anew."""
    page = pictures.PAGES[language].read_text(encoding="utf-8")
    shown = page.partition("```text\n")[2].partition("```")[0]
    exercise = find(pictures.EXERCISE, ROOT / "exercises")
    assert exercise.title.in_language(language) in shown
    for task in exercise.tasks:
        assert task.title.in_language(language)[:40] in shown
    assert max(len(line) for line in shown.splitlines() if "--data-raw" not in line) <= 80
    assert pictures.drawn(page, shown) == page
    with pytest.raises(ValueError, match="make pictures"):
        pictures.drawn("no place", shown)


def test_continuous_integration_runs_the_readmes_own_test_command():
    """And nothing that only exists on one machine."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert "\nmake test\n" in (ROOT / "README.md").read_text(encoding="utf-8")
