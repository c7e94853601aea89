"""The images of the lab: built where they are missing or older than the code, the others fetched.

Each image of ours carries a label with a hash of what it was built from, so that an image that came by stick from
another machine with the same code counts as good.
"""

import hashlib
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from grader.language import Text, catalogue
from lab.docker import words
from lab.docker.engine import Engine
from lab.settings import DEFAULT_VERSION, Settings

_ = catalogue(__file__)

SOURCES = "spbe-lab.sources"
"""The label with the hash."""

TARGETS = ("services", "learner")
"""The images that a lab runs on; the Dockerfile has a target of each name."""

_INPUTS = {
    "services": ("requirements/image.lock", "services"),
    "learner": ("requirements/learner.lock", "grader/isolation/keeper"),
    "grader": (
        "requirements/image.lock",
        "requirements/learner.lock",
        "grader",
        "lab/swarm/job.py",
        "lab/swarm/__main__.py",
        "exercises",
    ),
}
_INPUTS_OF_ALL = ("Dockerfile", "deploy/image")
_NOT_IN_IMAGES = frozenset({".po", ".pyc", ".md"})
_STEP = re.compile(r"^#\d+ \[[^\]]+\] (.+)$")
_LINES_KEPT = 40
_MEGABYTE = 1_000_000

Say = Callable[[Text | str], None]


def name(target: str, version: str | None) -> str:
    """Returns what the image of a target is called; without a version, the usual one."""
    return f"spbe-lab/{target}:{version or DEFAULT_VERSION}"


def sources(root: Path, target: str) -> str:
    """Returns a hash of everything that the image of a target is built from, the same on every machine."""
    total = hashlib.sha256()
    for given in (*_INPUTS_OF_ALL, *_INPUTS[target]):
        for file in sorted(_files(root / given)):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()[:16]


def ensure(settings: Settings, engine: Engine, others: list[str], say: Say, targets: Sequence[str] = TARGETS) -> None:
    """Makes sure that all images are there, ours built from the present code.

    Args:
        settings: of the lab.
        engine: where they are to be.
        others: images that are not ours, such as the database's.
        say: is told what is being done.
        targets: which ones of ours.

    Raises:
        LabFailedError: one cannot be built or fetched.
    """
    for other in others:
        if engine.image_label(other, SOURCES) is None:
            for done in engine.pull(other):
                say(_("Fetching {image}: {size} MB …", image=other, size=done // _MEGABYTE))
    for target in targets:
        wanted = sources(settings.root, target)
        if engine.image_label(name(target, settings.version), SOURCES) != wanted:
            _build(settings, engine, target, wanted, say)


def _build(settings: Settings, engine: Engine, target: str, made_from: str, say: Say) -> None:
    """Builds one image with BuildKit, which the engine's own interface does not offer."""
    image = name(target, settings.version)
    say(_("Building {image} …", image=image))
    docker = shutil.which("docker", path=settings.passed_on.get("PATH"))
    if docker is None:
        raise words.engine_missing()
    command = [
        docker, "buildx", "build", "--load", "--progress", "plain", "--target", target, "--tag", image,
        "--label", f"{SOURCES}={made_from}", ".",
    ]  # fmt: skip
    kept: deque[str] = deque(maxlen=_LINES_KEPT)
    with subprocess.Popen(  # noqa: S603 - the docker command, found in the PATH
        command,
        cwd=settings.root,
        env={**settings.passed_on, **engine.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as building:
        for line in building.stdout or ():
            kept.append(line.rstrip())
            step = _STEP.match(line)
            if step:
                say(_("Building {image}: {step}", image=image, step=step.group(1)))
    if building.returncode != 0:
        raise words.build_failed(target, list(kept))


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for file in place.rglob("*") if place.is_dir() else ():
        if file.is_file() and file.suffix not in _NOT_IN_IMAGES:
            yield file
