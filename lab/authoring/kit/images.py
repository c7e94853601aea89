"""The docker images of a kit: all in one file, so that the layers they share are in it once."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.docker.images import SOURCES, TARGETS, name, sources

_CHUNK = 1 << 20
_MARK = f'{{{{index .Config.Labels "{SOURCES}"}}}}'


class ImagesFailed(Exception):  # noqa: N818 - named by the fact
    """The engine did not hand out the images; the message is what it said."""


def present(root: Path, version: str) -> tuple[list[str], list[str]]:
    """Tells which images docker mode needs, by the compose file and beside it.

    Args:
        root: the clone.
        version: the tag of our own images.

    Returns:
        Those that the engine has, and those that it lacks; both empty where there is no engine.
    """
    if not shutil.which("docker") or _call("info", "--format", "{{.ID}}") is None:
        return [], []
    told = _call(
        "compose", "--project-directory", str(root), "-f", str(root / "docker-compose.yml"), "config", "--images"
    )
    wanted = sorted({*(told or "").split(), *(name(target, version) for target in TARGETS)})
    there = [one for one in wanted if _call("image", "inspect", "--format", "{{.Id}}", one) is not None]
    return there, [one for one in wanted if one not in there]


def outdated(root: Path, version: str) -> list[str]:
    """Returns which of our own images were made from other code than that of `root`; a laptop would not use them."""
    marks = {target: _call("image", "inspect", "--format", _MARK, name(target, version)) for target in TARGETS}
    return [name(target, version) for target, mark in marks.items() if mark != sources(root, target)]


def fingerprint(names: Sequence[str]) -> str:
    """Returns a text that changes whenever one of the images does."""
    return json.dumps({one: _call("image", "inspect", "--format", "{{.Id}}", one) for one in names}, sort_keys=True)


def save(names: Sequence[str], file: Path, on_progress: Callable[[int], None]) -> None:
    """Writes the images to `file`, compressed; the same images are not written twice.

    Args:
        names: the images, which are there.
        file: ends in `.tar.gz`.
        on_progress: called with the bytes that were read so far.

    Raises:
        ImagesFailed: the engine failed.
    """
    mark, wanted = file.with_suffix(".made-from"), fingerprint(names)
    if file.exists() and mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    mark.unlink(missing_ok=True)
    draft = file.with_suffix(".new")
    command = ["docker", "save", *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as engine:  # noqa: S603 - docker, by its name
        with (
            draft.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        ):
            done = 0
            while engine.stdout and (chunk := engine.stdout.read(_CHUNK)):
                packed.write(chunk)
                done += len(chunk)
                on_progress(done)
        said = engine.stderr.read().decode(errors="replace") if engine.stderr else ""
    if engine.returncode != 0:
        draft.unlink()
        raise ImagesFailed(said)
    draft.replace(file)
    mark.write_text(wanted, encoding="utf-8")


def _call(*words: str) -> str | None:
    """Calls docker; returns what it printed, None when it failed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - by its name
    return done.stdout.strip() if done.returncode == 0 else None
