"""The participants' own work: one folder per exercise under `work/`, never overwritten and never deleted."""

import os
import secrets
import shutil
from datetime import datetime
from pathlib import Path

from grader.exercise import Exercise
from lab.settings import Settings

_ASIDE = "lama"


def folder(exercise: Exercise, settings: Settings) -> Path:
    """Returns where a participant works on the exercise."""
    return settings.work / exercise.name


def prepare(exercise: Exercise, settings: Settings) -> bool:
    """Lays the starter into the participant's folder if that is missing or empty; returns whether it did.

    Raises:
        OSError: when it cannot be written.
    """
    place = folder(exercise, settings)
    if place.is_dir() and any(place.iterdir()):
        return False
    settings.work.mkdir(parents=True, exist_ok=True)
    draft = settings.work / f".{exercise.name}.{secrets.token_hex(4)}"
    shutil.copytree(exercise.starter, draft, ignore=shutil.ignore_patterns("__pycache__"))
    if place.is_dir():
        place.rmdir()
    draft.rename(place)
    return True


def set_aside(exercise: Exercise, settings: Settings) -> Path | None:
    """Moves the participant's folder to `work/lama/`; returns where it is now, None when there was none.

    Raises:
        OSError: when it cannot be moved; then it stands where it stood.
    """
    place = folder(exercise, settings)
    if not place.exists():
        return None
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    aside = settings.work / _ASIDE / f"{exercise.name}-{now}"
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    aside.parent.mkdir(exist_ok=True)
    place.rename(aside)
    return aside


def shown(path: Path) -> str:
    """Returns `path` as people type it: from where they are, if that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # Windows, where people are on another drive
        return str(path)
    return relative if len(relative) < len(str(path)) else str(path)
