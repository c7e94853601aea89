"""The repository's files as participants get them: what git archives of the last commit, without anybody's answers."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LEFT_OUT = ("tests", "bench", ".ci/run")
"""What only developers need. Answers are kept out by `export-ignore` in `.gitattributes`."""


class NoRepositoryError(Exception):
    """The folder is no git clone, or git is missing."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that a kit is made from.

    Attributes:
        name: its hash.
        at: when it was made; every file in the kit bears this time.
        is_clean: nothing was changed since.
    """

    name: str
    at: datetime
    is_clean: bool


@dataclass(frozen=True, slots=True)
class File:
    """One file of the repository: its path, its content, and whether it can be run."""

    path: str
    content: bytes
    is_program: bool


def commit(root: Path) -> Commit:
    """Returns the last commit of the clone at `root`.

    Raises:
        NoRepositoryError: there is none.
    """
    name, seconds = _git(root, "log", "-1", "--format=%H %ct").decode().split()
    changed = _git(root, "status", "--porcelain", "--untracked-files=no").strip()
    return Commit(name, datetime.fromtimestamp(int(seconds), UTC), not changed)


def files(root: Path) -> Iterator[File]:
    """Yields what participants get, in the order of the paths.

    Raises:
        NoRepositoryError: there is no commit to take it from.
    """
    without = [f":(exclude){path}" for path in LEFT_OUT]
    archive = _git(root, "archive", "--format=tar", "HEAD", "--", ".", *without)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            content = tar.extractfile(member)
            if member.isfile() and content is not None:
                yield File(member.name, content.read(), bool(member.mode & 0o100))


def _git(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)  # noqa: S603, S607 - git, by its name
    except OSError as error:
        raise NoRepositoryError(str(error)) from error
    if done.returncode != 0:
        raise NoRepositoryError(done.stderr.decode(errors="replace"))
    return done.stdout
