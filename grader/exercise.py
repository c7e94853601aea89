"""An exercise as its folder states it: `exercises/<NN>_<slug>/exercise.toml` and what stands beside it.

`load` is strict, because an author's slip must be told to the author and never reach a participant.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grader.language import Language, current_language

FORMAT_VERSION = 1
FULL_SCORE = 100
_SLUG = re.compile(r"[a-z][a-z0-9_]{1,39}")
_TASK = re.compile(r"[a-z][a-z0-9_]{1,39}")
_SCOPE = re.compile(r"[a-z_]+:[a-z_]+")
_MEMBERS = {
    "format_version", "number", "slug", "title", "summary", "kind", "minutes", "level", "uses", "requires", "scopes",
    "wall_seconds", "pass_mark", "tasks",
}  # fmt: skip
_MAY_HAVE = {"consults"}
_LEVELS = ("basic", "intermediate", "advanced")
_HINT = re.compile(r"^## +([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class ExerciseBroken(ValueError):  # noqa: N818 - says the fact
    """An exercise's folder does not hold what the format asks for; the message names the file and the member."""


class ExerciseNotFound(LookupError):  # noqa: N818 - says the fact
    """No folder under `exercises/` has this number."""


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A short text in both languages."""

    id: str
    en: str

    def in_language(self, language: Language | None = None) -> str:
        """Give the text in `language`, by default the current one."""
        return self.en if (language or current_language()) == "en" else self.id


@dataclass(frozen=True, slots=True)
class Task:
    """One task: what is asked, and what it is worth."""

    id: str
    title: Bilingual
    points: int


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        uses: services whose URLs the program is given.
        consults: further services whose truth the checks ask for; none where the file does not say.
        requires: numbers of the exercises to do first.
        scopes: what the program's client may ask for.
        wall_seconds: how long one run of the program may take.
        pass_mark: points, of 100, from which the exercise counts as passed.
    """

    folder: Path
    number: int
    slug: str
    title: Bilingual
    summary: Bilingual
    minutes: int
    level: str
    uses: tuple[str, ...]
    consults: tuple[str, ...]
    requires: tuple[int, ...]
    scopes: tuple[str, ...]
    wall_seconds: int
    pass_mark: int
    tasks: tuple[Task, ...]

    @property
    def name(self) -> str:
        """The folder's name, `NN_slug`."""
        return f"{self.number:02d}_{self.slug}"

    @property
    def max_score(self) -> int:
        """The sum of all points."""
        return sum(task.points for task in self.tasks)

    @property
    def checks(self) -> Path:
        """Where the checks are."""
        return self.folder / "checks"

    @property
    def starter(self) -> Path:
        """What a participant begins with."""
        return self.folder / "starter"

    def readme(self, language: Language | None = None) -> Path:
        """Give the instructions' file."""
        return self.folder / ("README.en.md" if (language or current_language()) == "en" else "README.md")

    def task(self, name: str) -> Task:
        """Give a task by its id.

        Raises:
            KeyError: there is none.
        """
        for task in self.tasks:
            if task.id == name:
                return task
        raise KeyError(name)

    @cached_property
    def hash(self) -> str:
        """What is asked and how it is checked, as a SHA-256 over `exercise.toml` and the checks."""
        digest = hashlib.sha256()
        for path in [self.folder / "exercise.toml", *sorted(self.checks.rglob("*.py"))]:
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def hints(self, language: Language | None = None) -> dict[str, list[str]]:
        """Give the hints by task, from a nudge to nearly the answer.

        They stand in `hints.md` (`hints.en.md`): a heading `## <task>` each, and under it a numbered list.
        """
        name = "hints.en.md" if (language or current_language()) == "en" else "hints.md"
        parts = _HINT.split((self.folder / name).read_text(encoding="utf-8"))
        return {task: _steps(text) for task, text in zip(parts[1::2], parts[2::2], strict=True)}


def _steps(text: str) -> list[str]:
    return [step.strip() for step in re.split(r"^\d+\. +", text, flags=re.MULTILINE)[1:]]


def folders(root: Path) -> dict[int, Path]:
    """Give the exercises' folders under `root` (the folder `exercises`), by number, in order."""
    found = (path for path in sorted(root.iterdir()) if re.fullmatch(r"\d\d_[a-z0-9_]+", path.name))
    return {int(path.name[:2]): path for path in found}


def find(number: int, root: Path) -> Exercise:
    """Load the exercise with this number.

    Raises:
        ExerciseNotFound: there is none.
        ExerciseBroken: its folder is not in order.
    """
    folder = folders(root).get(number)
    if folder is None:
        raise ExerciseNotFound(number)
    return load(folder)


def load(folder: Path) -> Exercise:
    """Read an exercise's folder.

    Raises:
        ExerciseBroken: it is not in order.
    """
    file = folder / "exercise.toml"
    try:
        stated = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"{file}: {error}"
        raise ExerciseBroken(message) from error
    reading = _Reading(file, stated)
    members = set(stated) - _MAY_HAVE
    reading.require(members == _MEMBERS, f"members differ: {sorted(members ^ _MEMBERS)}")
    reading.require(stated["format_version"] == FORMAT_VERSION, "format_version")
    reading.require(stated["kind"] == "job", "kind: only job is known")
    reading.require(stated["level"] in _LEVELS, f"level: one of {_LEVELS}")
    tasks = tuple(reading.task(row) for row in stated["tasks"])
    exercise = Exercise(
        folder=folder,
        number=reading.number("number", 1, 99),
        slug=reading.matching("slug", _SLUG),
        title=reading.bilingual(stated["title"], "title"),
        summary=reading.bilingual(stated["summary"], "summary"),
        minutes=reading.number("minutes", 5, 480),
        level=stated["level"],
        uses=tuple(stated["uses"]),
        consults=tuple(stated.get("consults", ())),
        requires=tuple(stated["requires"]),
        scopes=tuple(stated["scopes"]),
        wall_seconds=reading.number("wall_seconds", 1, 600),
        pass_mark=reading.number("pass_mark", 1, FULL_SCORE),
        tasks=tasks,
    )
    reading.require(folder.name == exercise.name, f"the folder must be called {exercise.name}")
    reading.require(len({task.id for task in tasks}) == len(tasks) > 0, "tasks: ids must differ")
    reading.require(exercise.max_score == FULL_SCORE, f"tasks: the points must add up to {FULL_SCORE}")
    reading.require(all(_SCOPE.fullmatch(scope) for scope in exercise.scopes), "scopes")
    return exercise


class _Reading:
    """The checks on one `exercise.toml`."""

    def __init__(self, file: Path, stated: Mapping[str, Any]) -> None:
        self.file = file
        self.stated = stated

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            message = f"{self.file}: {what}"
            raise ExerciseBroken(message)

    def number(self, member: str, least: int, most: int) -> int:
        value = self.stated[member]
        self.require(type(value) is int and least <= value <= most, f"{member}: a whole number {least} to {most}")
        return int(value)

    def matching(self, member: str, pattern: re.Pattern[str]) -> str:
        value = self.stated[member]
        self.require(isinstance(value, str) and pattern.fullmatch(value) is not None, f"{member}: {pattern.pattern}")
        return str(value)

    def bilingual(self, value: object, member: str) -> Bilingual:
        texts = value if isinstance(value, dict) else {}
        fits = set(texts) == {"id", "en"} and all(isinstance(text, str) and text for text in texts.values())
        self.require(fits, f"{member}: needs id and en")
        return Bilingual(texts["id"], texts["en"])

    def task(self, row: Mapping[str, Any]) -> Task:
        self.require(set(row) == {"id", "title", "points"}, f"tasks: {dict(row)}")
        self.require(_TASK.fullmatch(row["id"]) is not None, f"tasks: id {row['id']!r}")
        self.require(type(row["points"]) is int and row["points"] > 0, f"tasks: points of {row['id']}")
        return Task(row["id"], self.bilingual(row["title"], f"title of {row['id']}"), row["points"])
