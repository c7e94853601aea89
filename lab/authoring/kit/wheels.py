"""Brings the wheels of every target together in one folder; what is there already is not fetched again."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.tags import Tag

from lab.authoring.kit.targets import Line, Target, wheel_tags
from lab.installation.environment import digest

_UNAVAILABLE = re.compile(r"No matching distribution found for (\S+)")
_UNREACHABLE = re.compile(r"Retrying \(|Max retries exceeded|[Cc]onnection|timed out")


class FetchFailed(Exception):  # noqa: N818 - named by the fact
    """pip could not fetch; the message is the end of what it said."""


class Wheels:
    """Folders of wheels: one that is added to, and others that are looked into."""

    def __init__(self, folder: Path, *others: Path) -> None:
        """Opens `folder`, and makes it when it is missing."""
        self.folder = folder
        self._others = others
        self._digests: dict[Path, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._known = self._listed()

    def of(self, target: Target, line: Line) -> Path | None:
        """Returns the wheel of a package that pip would choose for a target, if its digest is the lock's."""
        supported = {tag: rank for rank, tag in enumerate(target.tags())}
        found = [
            (min(supported[tag] for tag in tags if tag in supported), file)
            for file, tags in self._known.get((line.name, line.version), ())
            if not tags.isdisjoint(supported) and self._digest(file) in line.hashes
        ]
        return min(found)[1] if found else None

    def _listed(self) -> dict[tuple[str, str], list[tuple[Path, frozenset[Tag]]]]:
        known: dict[tuple[str, str], list[tuple[Path, frozenset[Tag]]]] = {}
        for folder in (self.folder, *self._others):
            for file in sorted(folder.glob("*.whl")):
                told = wheel_tags(file.name)
                if told:
                    known.setdefault(told[:2], []).append((file, told[2]))
        return known

    def fetch(self, target: Target, missing: Sequence[Line]) -> list[str]:
        """Fetches wheels through pip, whose digests are checked; a call that was broken off goes on where it was.

        Returns:
            The packages that have no wheel for this target.

        Raises:
            FetchFailed: the place of packages cannot be reached, or a digest is wrong.
        """
        wanted, lacking = list(missing), []
        while wanted:
            told = self._download(target, wanted)
            self._known = self._listed()
            if told is None:
                break
            unavailable = _UNAVAILABLE.search(told)
            if unavailable is None or _UNREACHABLE.search(told):
                raise FetchFailed(told[-1500:])
            name = unavailable.group(1).partition("==")[0]
            lacking.append(name)
            wanted = [line for line in wanted if line.name != name.lower().replace("_", "-")]
        return lacking

    def _download(self, target: Target, wanted: Sequence[Line]) -> str | None:
        """Calls pip once; returns what it said when it failed."""
        platforms = [word for tag in target.platform.tags for word in ("--platform", tag)]
        abis = ["--abi", target.abi, "--abi", "abi3", "--abi", "none"]
        python = ["--python-version", target.python, "--implementation", "cp"]
        with tempfile.TemporaryDirectory() as folder:
            lock = Path(folder) / "wanted.txt"
            lock.write_text("".join(f"{line.requirement()}\n" for line in wanted), encoding="utf-8")
            options = ["--disable-pip-version-check", "--no-input", "download", "--no-deps", "--only-binary", ":all:"]
            source = ["--require-hashes", "--dest", str(self.folder), "-r", str(lock)]
            command = [sys.executable, "-m", "pip", *options, *platforms, *abis, *python, *source]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        return None if done.returncode == 0 else done.stdout + done.stderr

    def _digest(self, file: Path) -> str:
        if file not in self._digests:
            self._digests[file] = digest(file)
        return self._digests[file]
