"""Grading a group's submissions: side by side, stopped by none of them, and resumed where it stopped.

Every submission ends as one line of `grades.csv`, whatever became of it. A submission that has its line already, and
has not changed since, is not graded again; one on which the lab failed is.

    <out>/grades.csv · grades.html
    <out>/reports/<submission>/results.json · report.html · junit.xml · ctrf.json · evidence.json
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from grader import filing, gradebook, resultsfile
from grader.exercise import Exercise
from grader.gradebook import Grade, Gradebook, Status
from grader.isolation import workplace
from grader.isolation.programs import MAIN_FILES
from grader.language import catalogue
from grader.plaintext import sanitise
from grader.results import Results
from grader.strictjson import NotStrictJson
from grader.submissions import SubmissionRefused, take_in
from grader.workers import Said, Work, Workers

_ = catalogue(__file__)

GRADES = "grades.csv"
PAGE = "grades.html"
REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class Graded:
    """One submission that is done.

    Attributes:
        resumed: it had its line already; nothing was run.
    """

    grade: Grade
    resumed: bool


def submissions(paths: Sequence[Path]) -> list[Path]:
    """Give the submissions among `paths`: each path that is one itself, and whatever lies in a folder that is none.

    A folder that holds a program (`main.py` …) is a submission; any other folder is a collection, of which every entry
    is one, but for hidden files.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and holds_no_program(path):
            found += sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        else:
            found.append(path)
    return found


def holds_no_program(folder: Path) -> bool:
    """Say whether a folder is a collection of submissions, or something else, but no submission itself."""
    return not any((folder / name).is_file() for name in MAIN_FILES)


def grade_all(exercise: Exercise, sources: Sequence[Path], workers: Workers, out: Path) -> Iterator[Graded]:
    """Grade submissions; give each as soon as it is done. Stopping in between loses nothing that is done.

    Args:
        sources: as `submissions` gives them; two of the same name are refused beforehand.
        workers: who runs the gradings.
        out: folder for the gradebook and the reports; made when missing.

    Raises:
        GradebookBroken: `out` holds a `grades.csv` that is not ours.
        ValueError: two submissions have the same name.
    """
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        message = f"two submissions have the same name: {sorted(name for name in names if names.count(name) > 1)[0]}"
        raise ValueError(message)
    out.mkdir(parents=True, exist_ok=True)
    book = Gradebook(out / GRADES)
    try:
        left: list[Work] = []
        for source in sources:
            known = book.find(source.name, exercise.name)
            if known is not None and known.status is not Status.ERROR and _unchanged(source, known):
                yield Graded(known, resumed=True)
            else:
                left.append(Work(source, out / REPORTS / source.name, participant_of(source)))
        with closing(workers.grade(exercise, left)) as done:
            for work, said in done:
                grade = _grade(exercise, work, said)
                book.record(grade)
                yield Graded(grade, resumed=False)
    finally:
        _write_page(exercise, book, out)


def _grade(exercise: Exercise, work: Work, said: Said) -> Grade:
    if said.outcome == "refused":
        return Grade.rejected(
            said.message,
            participant=work.participant,
            submission=work.source.name,
            exercise=exercise.name,
            max_score=exercise.max_score,
        )
    results = _results(work.out) if said.outcome == "graded" else None
    return Grade.of(results, work.source.name) if results else _broken(exercise, work.source, said.message)


def participant_of(source: Path) -> str:
    """Give the participant that a submission's name stands for: the name without `.zip`."""
    return sanitise(source.name.removesuffix(".zip"))


def _unchanged(source: Path, known: Grade) -> bool:
    with workplace() as place:
        try:
            return take_in(source, place / "submission").sha256 == known.sha256
        except SubmissionRefused:
            return known.status is Status.REJECTED


def _results(out: Path) -> Results | None:
    try:
        return resultsfile.load(out / "results.json")
    except (OSError, NotStrictJson):
        return None


def _broken(exercise: Exercise, source: Path, why: str) -> Grade:
    return Grade(
        participant=participant_of(source),
        submission=source.name,
        exercise=exercise.name,
        status=Status.ERROR,
        score=None,
        max_score=exercise.max_score,
        message=why or _("The results cannot be read. Grade again.").render(),
    )


def _write_page(exercise: Exercise, book: Gradebook, out: Path) -> None:
    grades = [grade for grade in book if grade.exercise == exercise.name]
    runs = [results for grade in grades if (results := _results(out / REPORTS / grade.submission)) is not None]
    links = {
        grade.submission: f"{REPORTS}/{grade.submission}/report.html"
        for grade in grades
        if (out / REPORTS / grade.submission / "report.html").exists()
    }
    title = _("Exercise {number}: {title}", number=exercise.number, title=exercise.title.in_language())
    filing.replace(out / PAGE, gradebook.group_page(grades, runs, title=title, links=links))
