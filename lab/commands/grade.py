"""`lab grade PATH…`: grades many submissions, and leaves reports, a gradebook and a page for the group."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from grader.batch import GRADES, PAGE, Graded, grade_all, holds_no_program, submissions
from grader.gradebook import STATUSES, GradebookBroken, Status
from grader.language import catalogue
from grader.verdicts import ExitCode
from lab import workspace
from lab.console import Mood
from lab.course import HIGHEST_NUMBER, chosen
from lab.filelock import LockTimeoutError, held
from lab.graders import workers
from lab.opening import opened
from lab.outcomes import LabFailedError, WrongUsageError
from lab.session import Session
from lab.usage import Number, option
from lab.usage import command as build

_ = catalogue(__file__)

_LOCK_SECONDS = 12 * 3600.0
"""A group of hundreds is graded overnight."""

_MOODS: dict[Status, Mood] = {
    Status.PASSED: "good",
    Status.FAILED: "warn",
    Status.REJECTED: "bad",
    Status.ERROR: "bad",
}


def command() -> click.Command:
    """Returns the command."""
    parameters = [
        click.Argument(["paths"], type=Path, metavar="PATH…", nargs=-1, required=True),
        option("--exercise", _("The exercise's number."), type=Number(HIGHEST_NUMBER, 1), required=True, metavar="N"),
        option("--out", _("Folder for the grades and reports."), type=Path, required=True, metavar="DIR"),
    ]
    about = _(
        "Grade submissions: folders and .zip files, or folders full of them. No submission stops the others, and what "
        "was graded before is not graded again."
    )
    return build("grade", run, about, parameters)


def run(session: Session, paths: Sequence[Path], *, exercise: int, out: Path) -> ExitCode:
    """Grades everything that `paths` hold.

    Returns:
        PASSED when every submission was graded, or refused for a reason of its own; LAB_FAILED when the lab failed.
    """
    console = session.console
    asked = chosen(exercise, session.settings)
    sources = _sources(paths, out)
    failures = 0
    with _alone(session, out), opened(session) as lab:
        console.progress(_("Graded {done} of {total} …", done=0, total=len(sources)))
        runs = grade_all(asked, sources, workers(session, lab), out)
        try:
            for done, graded in enumerate(runs, 1):
                console.progress_done()
                failures += graded.grade.status is Status.ERROR
                _tell(session, graded)
                console.progress(_("Graded {done} of {total} …", done=done, total=len(sources)))
        except GradebookBroken as broken:
            raise WrongUsageError(broken.message, _("Or choose another folder with --out.")) from broken
        finally:
            console.progress_done()
    console.say()
    console.say(_("Grades: {file}", file=workspace.shown(out / GRADES)))
    console.say(_("Page  : {file}", file=workspace.shown(out / PAGE)))
    if failures:
        problem = _(
            "The lab failed on {n} of {total} submissions; nobody loses points.", n=failures, total=len(sources)
        )
        console.problem(problem, _("Give the same command again; only those are graded again."))
    return ExitCode.LAB_FAILED if failures else ExitCode.PASSED


@contextlib.contextmanager
def _alone(session: Session, out: Path) -> Iterator[None]:
    """Waits for another command that grades into the same folder: each would write its own grades over the other's."""
    waiting = _("Another command is grading; waiting for it …")
    out.mkdir(parents=True, exist_ok=True)
    try:
        with held(out / ".grading.lock", _LOCK_SECONDS, lambda: session.console.progress(waiting)):
            yield
    except LockTimeoutError as timeout:
        raise LabFailedError(
            _("Another command has been grading into {path} for too long.", path=out),
            _("End that command, then repeat yours; what is graded stays."),
        ) from timeout


def _sources(paths: Sequence[Path], out: Path) -> list[Path]:
    """Returns the submissions; what this command wrote itself is none.

    Raises:
        WrongUsageError: a path does not exist, there is no submission, or two have the same name.
    """
    for path in paths:
        if not path.exists():
            raise WrongUsageError(
                _("{path} does not exist.", path=path), _("Name the folder that holds the submissions.")
            )
    # A name is what grades are kept by, and "." has none.
    results = Path(os.path.abspath(out))  # noqa: PTH100 - a submission that is a link is to be refused, not followed
    found = submissions([Path(os.path.abspath(path)) for path in paths])  # noqa: PTH100 - likewise
    sources = [one for one in found if one != results and not (one in results.parents and holds_no_program(one))]
    names = [source.name for source in sources]
    if not names:
        raise WrongUsageError(
            _("There is no submission in {paths}.", paths=", ".join(map(str, paths))),
            _("Put a folder or a .zip of each participant there."),
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WrongUsageError(
            _("Two submissions are called {names}.", names=", ".join(twice)),
            _("Rename one of them, so that each has a line of its own."),
        )
    return sources


def _tell(session: Session, graded: Graded) -> None:
    grade, badge = graded.grade, STATUSES[graded.grade.status]
    score = "" if grade.score is None else f"{grade.score:g}/{grade.max_score:g}"
    before = _("(graded before)") if graded.resumed else ""
    line = _(
        "{name}: {status} {score} {before} {message}",
        name=grade.participant,
        status=badge.word,
        score=score,
        before=before,
        message=grade.message if grade.status in {Status.REJECTED, Status.ERROR} else "",
    )
    session.console.say(str(line).rstrip(), _MOODS[grade.status])
