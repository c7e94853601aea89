"""`lab audit [N…]`: proves that exercises grade rightly, by running the answers that they bring along."""

from collections.abc import Sequence
from pathlib import Path

import click

from grader.audit import Finding, audit
from grader.exercise import folders
from grader.language import catalogue
from grader.verdicts import ExitCode
from lab.course import HIGHEST_NUMBER
from lab.graders import at_once, room
from lab.opening import opened
from lab.outcomes import WrongUsageError
from lab.session import Session
from lab.settings import Settings
from lab.usage import Number
from lab.usage import command as build

_ = catalogue(__file__)


def command() -> click.Command:
    """Returns the command."""
    numbers = click.Argument(["numbers"], type=Number(HIGHEST_NUMBER, 1), metavar="[N…]", nargs=-1)
    about = _(
        "Prove that exercises grade rightly: the starter gets 0 points, every right answer 100, and every wrong one "
        "loses exactly the tasks that it names. Without N, all exercises."
    )
    return build("audit", run, about, [numbers])


def run(session: Session, numbers: Sequence[int]) -> ExitCode:
    """Audits the exercises; returns NOT_PASSED when one is not as it should be."""
    console = session.console
    complaints = 0
    places = _places(numbers, session.settings)
    with opened(session) as lab:
        for folder in places:
            console.say(folder.name)
            for finding in audit(folder, room(session.settings, lab), at_once=at_once()):
                console.progress_done()
                complaints += finding.complaint is not None
                _tell(session, finding)
                console.progress(_("Auditing {exercise} …", exercise=folder.name))
            console.progress_done()
    if complaints:
        console.problem(_("{n} complaints.", n=complaints), _("Mend them, then audit again."))
        return ExitCode.NOT_PASSED
    console.say(_("Every exercise proves itself."), "good")
    return ExitCode.PASSED


def _places(numbers: Sequence[int], settings: Settings) -> list[Path]:
    there = folders(settings.root / "exercises")
    for number in numbers:
        if number not in there:
            raise WrongUsageError(
                _("There is no exercise {number}.", number=number),
                _("These are there: {numbers}", numbers=", ".join(map(str, there))),
            )
    return [folder for number, folder in there.items() if not numbers or number in numbers]


def _tell(session: Session, finding: Finding) -> None:
    if finding.skipped:
        session.console.say(_("{subject}: left out, its language is not installed", subject=finding.subject), "warn")
    elif finding.complaint:
        session.console.say(f"{finding.subject}: {finding.complaint}", "bad")
    else:
        session.console.say(finding.subject, "good")
