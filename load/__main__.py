"""`python -m load` (`make load`): works the running lab with a room full of participants, and tells what it bore."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from grader.city import Address, City
from grader.language import catalogue, use_language
from grader.verdicts import ExitCode, LabFault
from lab import settings
from lab.console import Console, speak_utf8
from lab.outcomes import EndedError, LabFailedError
from lab.record import Record
from load import rooms
from load.attack import Figures, LocustFailed, Plan, work
from load.footprint import Footprint
from load.telling import tell
from load.town import Room

_ = catalogue(__file__)

PARTICIPANTS = 80
SECONDS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one load.

    Returns:
        0 when every answer was right and belonged to the one who asked, 1 when not, 3 when the lab failed.
    """
    speak_utf8()
    console = Console(colour=not os.environ.get("NO_COLOR"))
    try:
        use_language(settings.language(os.environ))
        return run(_chosen(arguments), settings.read(os.environ), console)
    except EndedError as end:
        console.problem(end.problem, end.advice, end.detail)
        return end.code
    except LabFault as fault:
        console.problem(fault.message, _("If this stays so, run: make doctor"))
        return ExitCode.LAB_FAILED
    except KeyboardInterrupt:
        console.problem(_("Stopped."), "")
        return ExitCode.INTERRUPTED


def run(chosen: argparse.Namespace, where: settings.Settings, console: Console) -> int:
    """Prepares the room, lets it work, looks at what is left of it, and removes it; returns the exit code."""
    record = Record.read(where.state / "lab.json")
    if record is None:
        raise LabFailedError(_("The lab is not running."), _("Start it first: make up"))
    out = where.reports / "load"
    plan = Plan(out / "room.json", chosen.participants, chosen.seconds, chosen.rush, out)
    with city_of(record) as city:
        room = prepared(city, chosen.participants, console)
        try:
            room.write(plan.room)
            figures, footprints = worked(plan, record, console)
            wrong = rooms.traces(city, room.towns)
        finally:
            plan.room.unlink(missing_ok=True)
            console.progress(_("Removing the sandboxes …"))
            rooms.clear(city, room.towns)
            console.progress_done()
    tell(console, figures, footprints, wrong)
    console.say(_("Report: {file}", file=_shown(plan.report)))
    return verdict(figures, wrong)


def verdict(figures: Figures, wrong: Counter[str]) -> int:
    """Returns the exit code: any error, any cross-talk, or no work at all is one too many."""
    is_good = figures.total.requests and not (figures.total.failures or wrong)
    return ExitCode.PASSED if is_good else ExitCode.NOT_PASSED


def city_of(record: Record) -> City:
    """Returns the way to the back doors of the running lab.

    Raises:
        LabFailedError: it does not run any more.
    """
    try:
        addresses = {name: Address(url, record.backdoor(name)) for name, url in record.services.items()}
        return City(addresses, record.token())
    except OSError as gone:
        raise LabFailedError(_("The lab is not running."), _("Start it first: make up")) from gone


def prepared(city: City, participants: int, console: Console) -> Room:
    """Makes the sandboxes, with progress."""

    def show(ready: int) -> None:
        console.progress(_("Preparing sandboxes: {ready} of {total} …", ready=ready, total=participants))

    show(0)
    try:
        return rooms.prepare(city, participants, show)
    finally:
        console.progress_done()


def worked(plan: Plan, record: Record, console: Console) -> tuple[Figures, list[Footprint]]:
    """Lets the room work, with progress; returns the figures and what it cost.

    Raises:
        LabFailedError: Locust itself failed.
    """
    agencies, locust = Footprint(str(_("agencies"))), Footprint("Locust", is_new=True)
    agencies.look(record.pid)

    def look(pid: int, second: int) -> None:
        agencies.look(record.pid)
        locust.look(pid)
        console.progress(
            _(
                "{n} participants at work: {second} of {total} s …",
                n=plan.participants,
                second=second,
                total=plan.seconds,
            )
        )

    try:
        return work(plan, look), [agencies, locust]
    except LocustFailed as failed:
        advice = _("Its log is {file}.", file=_shown(plan.out / "locust.log"))
        raise LabFailedError(_("Locust ended without figures."), advice, str(failed)) from failed
    finally:
        console.progress_done()


def _shown(file: Path) -> Path:
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m load", description=str(_("Works the running lab as a full room does."))
    )
    parser.add_argument("--participants", type=int, default=PARTICIPANTS, help=str(_("how many, each with a sandbox")))
    parser.add_argument("--seconds", type=int, default=SECONDS, help=str(_("how long")))
    parser.add_argument("--rush", action="store_true", help=str(_("nobody thinks: finds the limit")))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
