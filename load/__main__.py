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
from lab.running import Reach, Running, running
from load import rooms
from load.attack import Figures, LocustFailed, Plan, work
from load.footprint import MEGABYTE, Footprint
from load.telling import tell, tell_wrong
from load.town import Room

_ = catalogue(__file__)

PARTICIPANTS = 80
SECONDS = 120
ROOM = "room.json"
"""The file of the participants, in the folder that the compose file calls LAB_LOAD."""


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
    """Does what was asked of the running lab; returns the exit code."""
    runs = running(where, console.progress)
    record = runs.record()
    if record is None:
        raise LabFailedError(_("The lab is not running."), _("Start it first: make up"))
    with city_of(record) as city:
        if chosen.prepare:
            return set_up(city, record, chosen, console)
        if chosen.clear:
            return cleared(city, chosen.clear, console)
        return load(city, runs, chosen, where.reports / "load", console)


def load(city: City, runs: Running, chosen: argparse.Namespace, out: Path, console: Console) -> int:
    """Prepares the room, lets it work, looks at what is left of it, and removes it."""
    plan = Plan(out / ROOM, chosen.participants, chosen.seconds, chosen.rush, out)
    room = prepared(city, chosen.participants, console)
    try:
        room.write(plan.room)
        figures, footprints = worked(plan, runs, console)
        wrong = rooms.traces(city, room.towns)
    finally:
        plan.room.unlink(missing_ok=True)
        removed(city, room, console)
    tell(console, figures, footprints, wrong)
    console.say(_("Report: {file}", file=_shown(plan.report)))
    return verdict(figures, wrong)


def set_up(city: City, record: Reach, chosen: argparse.Namespace, console: Console) -> int:
    """Prepares a room for the compose file's own Locust, which calls the agencies at their usual ports."""
    room = prepared(city, chosen.participants, console)
    inside = {name: _at_usual_port(url, record.port_base) for name, url in room.services.items()}
    file = chosen.prepare / ROOM
    Room(inside, room.towns).write(file)
    file.chmod(0o644)  # the containers' user is another one; the secrets open throw-away sandboxes only
    console.say(_("{n} participants wait in {file}.", n=len(room.towns), file=_shown(file)), "good")
    return ExitCode.PASSED


def cleared(city: City, folder: Path, console: Console) -> int:
    """Looks at what is left of a room that was prepared for others, and removes it."""
    try:
        room = Room.read(folder / ROOM)
    except OSError as error:
        raise LabFailedError(
            _("There is no room in {folder}.", folder=_shown(folder)), _("Name the folder that was given to --prepare.")
        ) from error
    wrong = rooms.traces(city, room.towns)
    removed(city, room, console)
    (folder / ROOM).unlink()
    tell_wrong(console, wrong)
    return ExitCode.NOT_PASSED if wrong else ExitCode.PASSED


def removed(city: City, room: Room, console: Console) -> None:
    """Removes the sandboxes, with progress."""
    console.progress(_("Removing the sandboxes …"))
    rooms.clear(city, room.towns)
    console.progress_done()


def verdict(figures: Figures, wrong: Counter[str]) -> int:
    """Returns the exit code: any error, any cross-talk, or no work at all is one too many."""
    is_good = figures.total.requests and not (figures.total.failures or wrong)
    return ExitCode.PASSED if is_good else ExitCode.NOT_PASSED


def city_of(record: Reach) -> City:
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


def worked(plan: Plan, runs: Running, console: Console) -> tuple[Figures, list[Footprint]]:
    """Lets the room work, with progress; returns the figures and what it cost.

    Raises:
        LabFailedError: Locust itself failed.
    """
    agencies: dict[str, Footprint] = {}
    locust = Footprint("Locust", is_new=True)
    look_at(runs, agencies)

    def look(pid: int, second: int) -> None:
        look_at(runs, agencies)
        locust.look(pid)
        facts = {"n": plan.participants, "second": second, "total": plan.seconds}
        console.progress(_("{n} participants at work: {second} of {total} s …", **facts))

    try:
        return work(plan, look), [*agencies.values(), locust]
    except LocustFailed as failed:
        advice = _("Its log is {file}.", file=_shown(plan.out / "locust.log"))
        raise LabFailedError(_("Locust ended without figures."), advice, str(failed)) from failed
    finally:
        console.progress_done()


def look_at(runs: Running, agencies: dict[str, Footprint]) -> None:
    """Looks at what runs the agencies: one process, or each container."""
    record = runs.record()
    if isinstance(record, Record):
        agencies.setdefault("", Footprint(str(_("agencies")))).look(record.pid)
        return
    for part in runs.parts():
        agencies.setdefault(part.name, Footprint(part.name)).add((part.memory_bytes or 0) / MEGABYTE, 0.0)


def _at_usual_port(url: str, port_base: int) -> str:
    """Returns an agency's address as it is beside the gateway, whatever port the host has given it."""
    offset = int(url.rpartition(":")[2]) - port_base
    return f"http://127.0.0.1:{settings.DEFAULT_PORT_BASE + offset}"


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
    there = parser.add_mutually_exclusive_group()
    prepare, clear = _("only prepare the room, for the compose file's profile `load`"), _("remove such a room again")
    there.add_argument("--prepare", type=Path, metavar="DIR", help=str(prepare))
    there.add_argument("--clear", type=Path, metavar="DIR", help=str(clear))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
