"""Grading runs in processes of their own: side by side, and none able to harm another or the one that asked.

Used by `batch` (a group's submissions) and `audit` (an exercise's own answers).
"""

import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from grader.city import Address
from grader.exercise import Exercise
from grader.language import catalogue, current_language
from grader.run import Learner

_ = catalogue(__file__)

PATIENCE_SECONDS = 900.0
"""A worker ends by itself long before; this is for one that hangs."""
ROOT = Path(__file__).resolve().parents[1]

Outcome = Literal["graded", "refused", "broken"]


@dataclass(frozen=True, slots=True)
class Room:
    """What all runs of one command share.

    Attributes:
        services: the lab's addresses.
        token: the lab's token.
        isolation: name of the rung; None for the best that works.
        provisional: whether this machine is the participant's own.
    """

    services: dict[str, Address]
    token: str
    learner: Learner
    lab_version: str
    isolation: str | None = None
    provisional: bool = False
    cohort: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """How a run ended; of a graded one, `results.json` in its folder tells the rest.

    Attributes:
        message: why it was refused or broke, one line; empty for a graded run.
        code: stable name of the refusal.
    """

    outcome: Outcome
    message: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One submission that is to be graded.

    Attributes:
        source: a folder or a `.zip`.
        out: folder for its results and reports; made when missing.
        participant: whose it is.
    """

    source: Path
    out: Path
    participant: str


class Workers(Protocol):
    """Who grades a group's submissions: processes of this machine, or jobs on many machines."""

    def grade(self, exercise: Exercise, works: Sequence[Work]) -> Generator[tuple[Work, Said], None, None]:
        """Grade all of `works`; give each, once, as soon as its reports lie in its `out`. May be closed in between."""


class Processes:
    """Grading processes of this machine, one for each run.

    Args:
        room: what they share.
        at_once: how many runs go on side by side.
    """

    def __init__(self, room: Room, *, at_once: int = 2) -> None:
        self._room = room
        self._at_once = at_once

    def grade(self, exercise: Exercise, works: Sequence[Work]) -> Generator[tuple[Work, Said], None, None]:
        """See `Workers`. Closed in between, it waits for the runs that have begun."""
        pool = ThreadPoolExecutor(self._at_once)
        try:
            runs = {
                pool.submit(run, self._room, exercise, work.source, work.out, participant=work.participant): work
                for work in works
            }
            for done in as_completed(runs):
                yield runs[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _learner(learner: Learner) -> dict[str, Any]:
    readable = [str(path) for path in learner.readable]
    place = None if learner.place is None else asdict(learner.place)
    return {"python": str(learner.python), "readable": readable, "place": place}


def run(
    room: Room, exercise: Exercise, submission: Path, out: Path, *, seed: int | None = None, participant: str = ""
) -> Said:
    """Grade one submission in a new process and wait for it. Never raises for what that process does."""
    order = {
        "exercise": str(exercise.folder.resolve()),
        "submission": str(submission.absolute()),  # as it is: one that is a link is refused
        "out": str(out.resolve()),
        "services": {name: asdict(address) for name, address in room.services.items()},
        "token": room.token,
        "learner": _learner(room.learner),
        "lab_version": room.lab_version,
        "seed": seed,
        "participant": participant,
        "cohort": room.cohort,
        "isolation": room.isolation,
        "provisional": room.provisional,
        "language": current_language(),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "grader"],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            cwd=ROOT,
            check=False,
        )
        return Said(**json.loads(done.stdout.splitlines()[-1]))
    except (subprocess.TimeoutExpired, OSError, IndexError, ValueError, TypeError) as error:
        return Said("broken", _("The grading process ended unexpectedly: {kind}.", kind=type(error).__name__).render())
