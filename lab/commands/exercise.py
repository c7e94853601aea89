"""`lab exercise N`: checks a participant's work in a fresh city, and says what to do next."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from grader import resultsfile
from grader.exercise import Exercise
from grader.isolation import rungs
from grader.language import catalogue
from grader.results import Results, TaskResult
from grader.run import CONTAINER, Order, grade
from grader.submissions import SubmissionRefused
from lab import workspace
from lab.course import chosen, number_argument
from lab.graders import lab_version, learner
from lab.opening import opened
from lab.outcomes import RefusedError, WrongUsageError
from lab.running import mode
from lab.scores import History, Score
from lab.session import Session
from lab.settings import EMBEDDED
from lab.usage import Number, as_json, option
from lab.usage import command as build

_ = catalogue(__file__)

_HIGHEST_SEED = 2**63 - 1


def command() -> click.Command:
    """Returns the command."""
    ladder = ", ".join(rung.name for rung in rungs())
    parameters = [
        number_argument(),
        option(
            "--seed", _("Repeat the city of this seed; counts as practice."), type=Number(_HIGHEST_SEED), metavar="S"
        ),
        option("--submission", _("Check this folder or .zip instead of your work folder."), type=Path, metavar="DIR"),
        option("--isolation", _("Keep your program apart in this way: {names}.", names=ladder), metavar="NAME"),
        as_json(),
    ]
    about = _("Check your work on exercise N in a fresh city, and say what to do next.")
    return build("exercise", run, about, parameters)


def run(
    session: Session, number: int, *, seed: int | None, submission: Path | None, isolation: str | None, as_json: bool
) -> int:
    """Grades the work on one exercise; returns the exit code of the run."""
    settings, console = session.settings, session.console
    exercise = chosen(number, settings)
    contained = mode(settings) != EMBEDDED
    _refuse_unknown(submission, isolation, [*((CONTAINER,) if contained else ()), *(rung.name for rung in rungs())])
    if submission is None and workspace.prepare(exercise, settings) and not as_json:
        _welcome(session, exercise)
    out = settings.reports / exercise.name

    def told(result: TaskResult) -> None:
        console.progress(_("Judged: {task}", task=result.name))

    with opened(session) as lab:
        order = Order(
            exercise=exercise,
            submission=submission or workspace.folder(exercise, settings),
            out=out,
            learner=learner(settings, lab.record),
            lab_version=lab_version(),
            seed=seed,
            isolation=isolation,
            proven=settings.state / "isolation",
        )
        console.progress(_("Running your program …"))
        try:
            results = grade(order, lab.city, told)
        except SubmissionRefused as refusal:
            again = _("Nothing was run. Mend that, then check again: make exercise-{number}", number=number)
            raise RefusedError(refusal.message, again) from refusal
        finally:
            console.progress_done()
    if submission is None:
        History(settings.reports).add(Score.of(results))
    if as_json:
        click.echo(resultsfile.dump(results), nl=False)
    else:
        _show(session, results, out)
    return results.exit_code


def _refuse_unknown(submission: Path | None, isolation: str | None, names: Sequence[str]) -> None:
    if submission is not None and not submission.exists():
        raise WrongUsageError(
            _("{path} does not exist.", path=submission), _("Name the folder or the .zip that holds the program.")
        )
    if isolation is not None and isolation not in names:
        raise WrongUsageError(
            _("There is no isolation named {name}.", name=isolation),
            _("Choose one of: {names}.", names=", ".join(names)),
        )


def _welcome(session: Session, exercise: Exercise) -> None:
    console = session.console
    console.say(
        _("A starter for you is in {folder}", folder=workspace.shown(workspace.folder(exercise, session.settings)))
    )
    console.say(_("What to do is in {file}", file=workspace.shown(exercise.readme())))
    console.say()


def _show(session: Session, results: Results, out: Path) -> None:
    from grader.reports import terminal  # noqa: PLC0415 - loaded while the program ran

    console = session.console
    columns = shutil.get_terminal_size().columns
    console.say(terminal.render(results, width=columns, colour=console.in_colour, unicode=console.unicode))
    console.say()
    best = History(session.settings.reports).best(results.exercise.number)
    if best and best.score > results.score:
        console.say(_("Your best until now: {score} of {max_score}.", score=best.score, max_score=best.max_score))
    console.say(_("The whole report: {file}", file=workspace.shown(out / "report.html")))
