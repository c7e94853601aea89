"""`python -m lab.authoring.kit` (`make kit`): writes the offline kit to `dist/`."""

import argparse
import errno
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from grader.language import catalogue, use_language
from grader.verdicts import ExitCode
from lab import settings
from lab.authoring.kit import archive, images, participants
from lab.authoring.kit.contents import Covered, Kit, gathered, wheels_for
from lab.authoring.kit.images import ImagesFailed
from lab.authoring.kit.participants import Commit, NoRepositoryError
from lab.authoring.kit.targets import PLATFORMS, PYTHONS, Target
from lab.authoring.kit.wheels import FetchFailed, Wheels
from lab.console import Console, speak_utf8
from lab.outcomes import EndedError, LabFailedError

_ = catalogue(__file__)

_MEGABYTE = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes one kit.

    Returns:
        0 when it is written, 3 when it could not be, 130 when interrupted.
    """
    speak_utf8()
    console = Console(colour=not os.environ.get("NO_COLOR"))
    try:
        use_language(settings.language(os.environ))
        make(_chosen(arguments), settings.ROOT, console)
    except EndedError as end:
        console.progress_done()
        console.problem(end.problem, end.advice, end.detail)
        return end.code
    except KeyboardInterrupt:
        console.progress_done()
        console.problem(_("Stopped."), _("Give the same command to carry on; what was fetched is kept."))
        return ExitCode.INTERRUPTED
    return ExitCode.PASSED


def make(chosen: argparse.Namespace, root: Path, console: Console) -> Path:
    """Gathers and packs; returns the archive.

    Raises:
        LabFailedError: with what to do next.
    """
    try:
        kit = planned(chosen, root, console)
        return packed(kit, root, chosen.out, console)
    except NoRepositoryError as none:
        advice = _("Clone the lab with git, and make the kit there.")
        raise LabFailedError(_("A kit is made from a git clone, and this folder is none."), advice, str(none)) from none
    except FetchFailed as failed:
        advice = _("Connect to the internet and give the same command to carry on; what was fetched is kept.")
        raise LabFailedError(_("The packages could not be fetched."), advice, str(failed)) from failed
    except ImagesFailed as failed:
        advice = _("Look whether Docker is running and the disk has space, or leave them out with --no-images.")
        raise LabFailedError(_("Docker did not hand out its images."), advice, str(failed)) from failed
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise LabFailedError(_("The disk is full."), _("Free some space, then repeat your command.")) from error


def planned(chosen: argparse.Namespace, root: Path, console: Console) -> Kit:
    """Fetches wheels and saves images; returns the kit to be packed."""
    commit = participants.commit(root)
    _tell_unsaved(commit, console)
    cache = root / ".lab" / "kit"
    targets = [Target(PLATFORMS[name], python) for name in chosen.platform for python in chosen.python]

    def show(target: Target, missing: int) -> None:
        console.progress(_("{target}: {n} packages to fetch …", target=str(target), n=missing))

    covered = wheels_for(root, targets, Wheels(cache / "wheels", root / ".lab" / "wheels"), show)
    console.progress_done()
    _tell_lacking(covered, console)
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    names = [] if chosen.no_images else _images(root, console)
    if not names:
        return Kit(version, commit, covered)
    file = cache / "images.tar.gz"
    images.save(names, file, lambda done: console.progress(_("Saving the images: {n} MB …", n=done // _MEGABYTE)))
    console.progress_done()
    return Kit(version, commit, covered, names, file)


def packed(kit: Kit, root: Path, out: Path, console: Console) -> Path:
    """Writes the archive, and its checksum beside it."""
    members = gathered(root, kit)
    total = sum(len(one) if isinstance(one, bytes) else one.stat().st_size for one, _is_program in members.values())
    file = out / kit.archive
    out.mkdir(parents=True, exist_ok=True)

    def show(done: int) -> None:
        console.progress(_("Packing: {done} of {total} MB …", done=done // _MEGABYTE, total=total // _MEGABYTE))

    archive.write(file, kit.top, members, kit.commit.at, show)
    console.progress_done()
    (out / "SHA256SUMS").write_text(f"{archive.checksum(file)}  {file.name}\n", encoding="utf-8", newline="\n")
    console.say(_("{file}: {n} MB", file=str(file), n=file.stat().st_size // _MEGABYTE), "good")
    for target in kit.covered.targets:
        console.say(f"  {target}")
    for name in kit.images:
        console.say(f"  {name}")
    return file


def _images(root: Path, console: Console) -> list[str]:
    """Returns the images to be taken along, and says what is not there."""
    version = os.environ.get("LAB_VERSION") or settings.DEFAULT_VERSION
    there, absent = images.present(root, version)
    if not there and not absent:
        console.say(_("There is no Docker engine here, so the kit has no images."), "warn")
        return []
    unfit = absent or images.outdated(root, version)
    if unfit:
        words = _(
            "These images are not here, or of other code: {names}. The kit goes without images.", names=", ".join(unfit)
        )
        console.say(words, "warn")
        console.say(_("To have them in it, first: LAB_MODE=docker make up"))
        return []
    return there


def _tell_unsaved(commit: Commit, console: Console) -> None:
    if not commit.is_clean:
        console.say(
            _("The kit holds the last commit, {name}; changes since are not in it.", name=commit.name[:12]), "warn"
        )


def _tell_lacking(covered: Covered, console: Console) -> None:
    for target, names in covered.lacking.items():
        console.say(_("{target} is left out: no wheel of {names}", target=target, names=", ".join(names)), "warn")
    if not covered.targets:
        raise LabFailedError(_("No computer could be served."), _("Choose others with --platform and --python."))


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.authoring.kit", description=str(_("Makes the offline kit.")))
    whom = str(_("only for this kind of computer; may be given again"))
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help=whom)
    parser.add_argument("--python", action="append", choices=PYTHONS, help=str(_("only for this Python; likewise")))
    parser.add_argument("--no-images", action="store_true", help=str(_("without Docker images")))
    parser.add_argument("--out", type=Path, default=settings.ROOT / "dist", help=str(_("the folder for the kit")))
    chosen = parser.parse_args(arguments)
    chosen.platform, chosen.python = chosen.platform or list(PLATFORMS), chosen.python or list(PYTHONS)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
