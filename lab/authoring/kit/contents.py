"""Gathers what goes into a kit, and the pages that tell about it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.language import Text, catalogue
from lab.authoring.kit import participants
from lab.authoring.kit.archive import Content
from lab.authoring.kit.participants import Commit
from lab.authoring.kit.targets import Line, Target, lines
from lab.authoring.kit.wheels import Wheels

_ = catalogue(__file__)

FORMAT_VERSION = 1
LOCKS = ("lab", "learner")
IMAGES_FILE = "kit/images/spbe-lab-images.tar.gz"
_PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class Covered:
    """What a kit serves.

    Attributes:
        targets: the computers that it has every wheel for.
        lacking: for each computer that it cannot serve, the packages without a wheel.
        wheels: the files.
    """

    targets: Sequence[Target]
    lacking: dict[str, list[str]]
    wheels: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Kit:
    """One kit to be packed.

    Attributes:
        version: of the lab.
        commit: that it is made from.
        covered: the computers and wheels.
        images: the docker images in it, none where it has none.
        image_file: where they are saved; None where there are none.
    """

    version: str
    commit: Commit
    covered: Covered
    images: Sequence[str] = ()
    image_file: Path | None = None

    @property
    def top(self) -> str:
        """The folder that it unpacks to."""
        return f"spbe-lab-kit-{self.version}"

    @property
    def archive(self) -> str:
        """The archive's file name."""
        return f"{self.top}.zip"


def wheels_for(
    root: Path, targets: Sequence[Target], wheels: Wheels, on_target: Callable[[Target, int], None]
) -> Covered:
    """Fetches what is missing for each target.

    Args:
        root: the clone, whose lock files tell what is needed.
        targets: the computers.
        wheels: where the files are kept.
        on_target: called before each target, with how many wheels are still to be fetched for it.

    Raises:
        FetchFailed: the place of packages cannot be reached.
    """
    locked = [line for name in LOCKS for line in lines(root / "requirements" / f"{name}.lock")]
    served: list[Target] = []
    lacking: dict[str, list[str]] = {}
    found: set[Path] = set()
    for target in targets:
        wanted = list({line.name: line for line in locked if target.needs(line)}.values())
        missing = [line for line in wanted if not wheels.of(target, line)]
        on_target(target, len(missing))
        without = wheels.fetch(target, missing) if missing else []
        files = [wheels.of(target, line) for line in wanted]
        if without or None in files:
            lacking[str(target)] = sorted({*without, *_unfound(wanted, files)})
            continue
        served.append(target)
        found.update(file for file in files if file)
    return Covered(served, lacking, sorted(found))


def gathered(root: Path, kit: Kit) -> dict[str, tuple[Content, bool]]:
    """Returns everything that goes into the archive but its checksums, by path.

    Raises:
        NoRepositoryError: the folder is no clone.
    """
    members: dict[str, tuple[Content, bool]] = {
        one.path: (one.content, one.is_program) for one in participants.files(root)
    }
    members |= {f"kit/wheels/{file.name}": (file, False) for file in kit.covered.wheels}
    if kit.image_file:
        members[IMAGES_FILE] = (kit.image_file, False)
    for language in ("id", "en"):
        members[f"KIT.{language}.md"] = (page(kit, language).encode(), False)
    told = {
        "format_version": FORMAT_VERSION,
        "version": kit.version,
        "commit": kit.commit.name,
        "targets": [{"platform": one.platform.name, "python": one.python} for one in kit.covered.targets],
        "images": list(kit.images),
    }
    members["kit/contents.json"] = (json.dumps(told, indent=2).encode() + b"\n", False)
    return members


def page(kit: Kit, language: str) -> str:
    """Returns the page about a kit, `language` being "id" or "en"."""
    pythons = sorted({one.python for one in kit.covered.targets}, key=lambda python: int(python.partition(".")[2]))
    platforms = dict.fromkeys(one.platform.name for one in kit.covered.targets)
    text = (_PAGES / f"KIT.{language}.md").read_text(encoding="utf-8")
    images, docker = _about_images(kit)
    return text.format(
        platforms=", ".join(platforms),
        pythons=", ".join(pythons),
        commit=kit.commit.name[:12],
        archive=kit.archive,
        top=kit.top,
        images=images.render("en" if language == "en" else "id"),
        docker=docker.render("en" if language == "en" else "id"),
    )


def _about_images(kit: Kit) -> tuple[Text, Text]:
    if not kit.images:
        return _("no Docker images"), _(
            "This kit has no Docker images: use the usual mode, which needs no Docker, or bring a kit that has them."
        )
    return _("`kit/images`, for docker mode: {names}", names=", ".join(kit.images)), _(
        "Load the images once with `docker load -i {file}`, then set `LAB_MODE=docker`. Docker Engine with Compose v2 "
        "must be installed already.",
        file=IMAGES_FILE,
    )


def _unfound(wanted: Sequence[Line], files: Sequence[Path | None]) -> list[str]:
    return [line.name for line, file in zip(wanted, files, strict=True) if file is None]
