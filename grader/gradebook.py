"""A group's grades: `grades.csv`, one line for each submission whatever became of it, and one page to look at.

The file is made to be opened in a spreadsheet and to be read back here. A cell that a spreadsheet would take for a
formula, a number or a date although it is a name gets an apostrophe before it, which `load` takes away again; so a
folder called `=HYPERLINK(...)` does nothing, and an 18-digit NIP keeps its last digits.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import quote

from grader import filing
from grader.language import Text, catalogue
from grader.plaintext import sanitise
from grader.reports import page
from grader.reports.wording import BADGES, Badge, sentence
from grader.results import Results, tidy
from grader.verdicts import Verdict

_ = catalogue(__file__)

COLUMNS: Final = (
    "participant", "submission", "exercise", "score", "max_score", "passed", "status", "isolation", "run_id",
    "seed_fingerprint", "sha256", "message",
)  # fmt: skip
LONGEST_MESSAGE: Final = 600
LONGEST_FILE: Final = 64 * 1024 * 1024
_LONGEST_NAME: Final = 200

# What a spreadsheet acts on when a cell begins with it, after any blanks: OWASP's list, the full-width forms that some
# of them fold to ASCII, and "|" (DDE).
_ACTIVE: Final = re.compile("^'*\\s*[=+\\-@|\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]")
# A name that looks like a number or a date and would be shown as another: long, with a leading zero, or with signs.
_REWRITTEN: Final = re.compile(r"^'*(?:\d{12,}|0\d+|\d+[-/.,:eE\s][\d\s.,:/eE+-]*)$")


class Status(StrEnum):
    """What became of a submission."""

    PASSED = "passed"
    FAILED = "failed"
    REJECTED = "rejected"
    """It could not be taken in, and nothing was run."""
    ERROR = "error"
    """The lab failed; there is no score, and it has to be graded again."""


STATUSES: Final = {
    Status.PASSED: BADGES[Verdict.PASS],
    Status.FAILED: BADGES[Verdict.FAIL],
    Status.REJECTED: Badge(_("REJECTED"), "■", "bad"),
    Status.ERROR: BADGES[Verdict.ERROR],
}


class GradebookBroken(ValueError):  # noqa: N818 - exceptions end in the fact (style.md)
    """The file is not a `grades.csv` of this lab; `message` says so to a person."""

    def __init__(self, path: Path, line: int) -> None:
        self.message = _(
            "{file} cannot be read as a gradebook (line {line}). Move it elsewhere and grade again; no report is lost.",
            file=path.name,
            line=line,
        )
        super().__init__(self.message.render("en"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """One line.

    Attributes:
        submission: the name of the folder or file that was handed in.
        exercise: as "03_verified_permits".
        score: points; None where the lab failed, because no score is not a score of zero.
        message: one line: what is missing, or why it was rejected; empty where nothing is missing.
    """

    participant: str
    submission: str
    exercise: str
    status: Status
    score: float | None
    max_score: float
    isolation: str = ""
    run_id: str = ""
    seed_fingerprint: str = ""
    sha256: str = ""
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the exercise is passed."""
        return self.status is Status.PASSED

    @classmethod
    def of(cls, results: Results, submission: str) -> "Grade":
        """Return the line for a run."""
        broken = results.verdict is Verdict.ERROR
        return cls(
            participant=results.participant,
            submission=submission,
            exercise=f"{results.exercise.number:02d}_{results.exercise.slug}",
            status=Status.ERROR if broken else Status.PASSED if results.passed else Status.FAILED,
            score=None if broken else tidy(results.score),
            max_score=tidy(results.max_score),
            isolation=results.isolation,
            run_id=results.run_id,
            seed_fingerprint=results.seed_fingerprint,
            sha256=results.submission_sha256,
            message=_message(results),
        )

    @classmethod
    def rejected(
        cls, reason: Text | str, *, participant: str, submission: str, exercise: str, max_score: float, sha256: str = ""
    ) -> "Grade":
        """Return the line for a submission that could not be taken in."""
        return cls(
            participant=participant,
            submission=submission,
            exercise=exercise,
            status=Status.REJECTED,
            score=0,
            max_score=max_score,
            sha256=sha256,
            message=str(reason),
        )


class Gradebook:
    """The grades of a group, kept in one file that is whole after every change.

    Args:
        path: of `grades.csv`; read if it is there, so that grading can go on where it stopped.

    Raises:
        GradebookBroken: there is a file, but not of this kind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        found = load(path) if path.exists() else []
        self._grades = {(grade.exercise, grade.submission): grade for grade in found}

    def __iter__(self) -> Iterator[Grade]:
        """Yield the grades by participant, then by submission."""
        return iter(
            sorted(self._grades.values(), key=lambda grade: (grade.participant, grade.submission, grade.exercise))
        )

    def __len__(self) -> int:
        return len(self._grades)

    def find(self, submission: str, exercise: str) -> Grade | None:
        """Return the grade that a submission has already, or None."""
        return self._grades.get((_kept(exercise), _kept(submission)))

    def record(self, grade: Grade) -> None:
        """Put `grade` in the place of the one that the submission had, if any, and write the file."""
        kept = _row_to_grade(_grade_to_row(grade))
        self._grades[kept.exercise, kept.submission] = kept
        filing.replace(self.path, dump(list(self)))


def dump(grades: Sequence[Grade]) -> str:
    """Return the text of a `grades.csv`: RFC 4180, UTF-8, one header line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(COLUMNS)
    writer.writerows(_grade_to_row(grade) for grade in grades)
    return text.getvalue()


def load(path: Path) -> list[Grade]:
    """Return the grades in the file at `path`.

    Raises:
        OSError: it cannot be read.
        GradebookBroken: it is not a gradebook of this lab.
    """
    data = path.read_bytes()
    line = 1
    try:
        if len(data) > LONGEST_FILE or not data.endswith(b"\n"):
            raise GradebookBroken(path, line)
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if tuple(next(rows, ())) != COLUMNS:
            raise GradebookBroken(path, line)
        grades = []
        for row in rows:
            line = rows.line_num
            grades.append(_row_to_grade(row))
    except (ValueError, csv.Error) as error:
        raise GradebookBroken(path, line) from error
    return grades


def group_page(
    grades: Sequence[Grade], runs: Sequence[Results], *, title: Text | str, links: Mapping[str, str] | None = None
) -> str:
    """Return the page for the group, in the current language.

    Args:
        grades: the lines of the table.
        runs: the results behind them, for the figures per task; submissions that were rejected have none.
        title: the heading.
        links: from a submission's name to the path of its report, relative to the page.
    """
    scores = [grade.score for grade in grades if grade.score is not None]
    middle = tidy(median(scores)) if scores else 0
    counts = [(status, sum(grade.status is status for grade in grades)) for status in Status]
    return page.render(
        "group.html",
        title=title,
        headline=_("{n} submissions, median {median} points", n=len(grades), median=middle),
        statuses=STATUSES,
        counts=counts,
        tasks=_tasks(runs),
        rows=[_shown(grade, (links or {}).get(grade.submission, "")) for grade in grades],
    )


def safe_cell(value: str) -> str:
    """Return `value` so that a spreadsheet shows it as it is; `plain_cell` undoes it."""
    return f"'{value}" if _ACTIVE.match(value) or _REWRITTEN.match(value) else value


def plain_cell(cell: str) -> str:
    """Return what `safe_cell` was given."""
    return cell[1:] if cell.startswith("'") and (_ACTIVE.match(cell) or _REWRITTEN.match(cell)) else cell


def _kept(name: str) -> str:
    return sanitise(name, limit=_LONGEST_NAME)


def _grade_to_row(grade: Grade) -> list[str]:
    return [
        safe_cell(_kept(grade.participant)),
        safe_cell(_kept(grade.submission)),
        safe_cell(_kept(grade.exercise)),
        "" if grade.score is None else str(tidy(grade.score)),
        str(tidy(grade.max_score)),
        "true" if grade.passed else "false",
        grade.status.value,
        safe_cell(_kept(grade.isolation)),
        safe_cell(_kept(grade.run_id)),
        safe_cell(_kept(grade.seed_fingerprint)),
        safe_cell(_kept(grade.sha256)),
        safe_cell(sanitise(grade.message, limit=LONGEST_MESSAGE)),
    ]


def _row_to_grade(row: Sequence[str]) -> Grade:
    """Return the grade in a row; raises ValueError where it is none."""
    cells = dict(zip(COLUMNS, row, strict=True))
    grade = Grade(
        score=_points(cells["score"]) if cells["score"] else None,
        max_score=_points(cells["max_score"]),
        status=Status(cells["status"]),
        **{name: plain_cell(cells[name]) for name in COLUMNS if name not in {"score", "max_score", "passed", "status"}},
    )
    if cells["passed"] != ("true" if grade.passed else "false"):
        raise ValueError(cells["passed"])
    return grade


def _points(cell: str) -> float:
    points = float(cell)
    if not 0 <= points < inf:
        raise ValueError(cell)
    return tidy(points)


def _message(results: Results) -> str:
    if results.error:
        return results.error.message
    wanted = Verdict.ERROR if results.verdict is Verdict.ERROR else Verdict.FAIL
    return " ".join(f"{task.number}. {sentence(task, results)}" for task in results.tasks if task.verdict is wanted)


def _shown(grade: Grade, link: str) -> Mapping[str, object]:
    score = "-" if grade.score is None else tidy(grade.score)
    return {
        "grade": grade,
        "name": grade.participant or grade.submission,
        "points": f"{score}/{tidy(grade.max_score)}",
        # "./" so that a folder called "javascript:…" stays a folder.
        "link": f"./{quote(link, errors='replace')}" if link else "",
    }


def _tasks(runs: Sequence[Results]) -> list[Mapping[str, object]]:
    """Return the figures per task, in the order of the exercise."""
    told: dict[str, dict[str, object]] = {}
    counts: dict[str, dict[Verdict, int]] = {}
    for results in runs:
        for task in results.tasks:
            told.setdefault(task.task, {"number": task.number, "name": task.name})
            of_task = counts.setdefault(task.task, dict.fromkeys(Verdict, 0))
            of_task[task.verdict] += 1
    return [
        about
        | {
            "passed": counts[name][Verdict.PASS],
            "failed": counts[name][Verdict.FAIL],
            "waiting": counts[name][Verdict.SKIP],
            "errors": counts[name][Verdict.ERROR],
            "behind": counts[name][Verdict.FAIL] + counts[name][Verdict.SKIP],
            "judged": sum(counts[name].values()) - counts[name][Verdict.ERROR],
        }
        for name, about in told.items()
    ]
