"""The participant's earlier scores: one line per run in `.lab/reports/history.jsonl`, only ever added to."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.results import Results

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Score:
    """One run of an exercise.

    Attributes:
        at: RFC 3339.
        exercise: its number.
        run_id: names the run; its report is overwritten by the next one.
        verdict: of the whole run; `error` means that the lab failed and the score does not count.
        practice: the seed was asked for.
    """

    at: str
    exercise: int
    run_id: str
    score: float
    max_score: float
    verdict: str
    passed: bool
    practice: bool

    @classmethod
    def of(cls, results: Results) -> "Score":
        """Returns the line for a run."""
        return cls(
            at=results.started_at,
            exercise=results.exercise.number,
            run_id=results.run_id,
            score=results.score,
            max_score=results.max_score,
            verdict=results.verdict.value,
            passed=results.passed,
            practice=results.practice,
        )

    @property
    def counts(self) -> bool:
        """Whether the run says something about the participant's work on a fresh city."""
        return self.verdict != "error" and not self.practice


class History:
    """The scores of this lab."""

    def __init__(self, reports: Path) -> None:
        """Describes the history kept in the folder `reports`; touches nothing."""
        self._file = reports / "history.jsonl"

    def add(self, score: Score) -> None:
        """Adds one line, in one write, so that two runs at once both arrive whole.

        A line that was torn before, by a power cut or a full disk, stays a line of its own.

        Raises:
            OSError: when it cannot be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"format_version": FORMAT_VERSION, **asdict(score)}).encode() + b"\n"
        with self._file.open("a+b", buffering=0) as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            while line:  # where the disk is nearly full, less is written than was given
                line = line[file.write(line) :]

    def __iter__(self) -> Iterator[Score]:
        """Gives the scores, the oldest first; a line that a power cut tore is left out."""
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            score = _score(line)
            if score:
                yield score

    def best(self, exercise: int) -> Score | None:
        """Returns the best run of an exercise that counts; of equal ones the first."""
        counting = [score for score in self if score.exercise == exercise and score.counts]
        return max(counting, key=lambda score: score.score, default=None)


def _score(line: str) -> Score | None:
    try:
        content: dict[str, Any] = json.loads(line)
        content.pop("format_version")
        return Score(**content)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
