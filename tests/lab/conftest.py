"""A small clone with two agencies, and a background process of our own in the place of the real services."""

import random
import sys
from pathlib import Path

import pytest

from grader.exercise import find
from grader.language import current_language, use_language
from lab.city import Background
from lab.ports import is_free
from lab.settings import Settings

FAKE = Path(__file__).with_name("fake_agencies.py")
OFFSETS = (1, 2)


def free_port_base():
    """Returns a port base whose ports nobody uses, outside of the range that the system gives to clients."""
    draw = random.SystemRandom()
    while True:
        base = draw.randrange(10_000, 30_000, 10)
        if all(is_free(base + offset) for offset in range(10)):
            return base


@pytest.fixture
def port_base():
    """A port base for one test."""
    return free_port_base()


@pytest.fixture(scope="module")
def module_port_base():
    """A port base for the tests of one module together."""
    return free_port_base()


@pytest.fixture
def settings(tmp_path, port_base):
    """Settings of a clone in a folder whose name has a space and letters beyond ASCII."""
    root = tmp_path / "lab uji é"
    for offset, name in zip(OFFSETS, ("alpha", "beta"), strict=True):
        folder = root / "services" / name
        folder.mkdir(parents=True)
        facts = [f'title.id = "Dinas {name}"', f'title.en = "Office {name}"', f"port_offset = {offset}"]
        (folder / "service.toml").write_text("\n".join([*facts, f'scopes."{name}:read" = "read"']), encoding="utf-8")
    return Settings(root=root, home=root, port_base=port_base, language="en", passed_on={})


@pytest.fixture
def background(settings):
    """Makes the background process of `settings`, which goes wrong in the way that is asked for; stops them all."""
    made = []

    def make(how="well", of=settings):
        made.append(Background(of, [sys.executable, str(FAKE), how]))
        return made[-1]

    yield make
    for one in made:
        one.stop(lambda: None)


EXERCISE = """
format_version = 1
number = 7
slug = "greeting"
kind = "job"
minutes = 30
level = "basic"
uses = ["population"]
requires = []
scopes = ["population:read"]
wall_seconds = 10
pass_mark = 80
title = {id = "Salam", en = "Greeting"}
summary = {id = "Menyapa.", en = "Greets."}

[[tasks]]
id = "hello"
title = {id = "Menyapa dunia", en = "Greet the world"}
points = 60

[[tasks]]
id = "again"
title = {id = "Sekali lagi", en = "Once more"}
points = 40
"""
HINTS = """# Hints

## hello

1. Look at the world.
2. Print it.

## again

1. A loop
   can do it.
2. `for _ in range(2)`
"""


@pytest.fixture
def exercise(settings):
    """An exercise with two tasks in the clone of `settings`."""
    folder = settings.root / "exercises" / "07_greeting"
    (folder / "starter").mkdir(parents=True)
    (folder / "starter" / "main.py").write_text("# your program\n", encoding="utf-8")
    (folder / "exercise.toml").write_text(EXERCISE, encoding="utf-8")
    for name in ("hints.md", "hints.en.md"):
        (folder / name).write_text(HINTS, encoding="utf-8")
    return find(7, settings.root / "exercises")


@pytest.fixture(autouse=True)
def _speaks_english():
    """Tests of the lab read English; the language of a process is one, so it is put back."""
    before = current_language()
    use_language("en")
    yield
    use_language(before)
