"""Calls pip and Python's venv: keeps what they print in a log, and puts their failures into words for people."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.installation.environment import Environment
from lab.installation.host import DOWNLOAD_MB, SetupFailedError, base_python, no_space
from lab.installation.progress import Progress
from lab.installation.sentences import sentence

_NO_SPACE = re.compile(r"No space left on device|\[Errno 28\]")
_BAD_HASH = re.compile(r"DO NOT MATCH THE HASHES")
_UNKNOWN = re.compile(r"No matching distribution found|Could not find a version")
_NO_NETWORK = re.compile(
    r"No matching distribution found|Could not find a version|Max retries exceeded|[Tt]imed out|Timeout|"
    r"Connection (?:refused|reset|aborted|broken)|Name or service not known|[Nn]ame resolution|getaddrinfo failed|"
    r"Network is unreachable|ProxyError|NewConnectionError"
)
_UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PIP_REQUIRE_VIRTUALENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
_LINES_SHOWN = 12


class KitLacksError(Exception):
    """The kit has not every wheel that this computer needs."""


class Installer:
    """Makes environments, downloads wheels and installs them, with the pip of the lab's own environment."""

    def __init__(self, root: Path, lab: Environment, size: str, language: str) -> None:
        """Prepares calls for the lab at `root` whose environment is `lab`; begins a new log."""
        self._root = root
        self._lab = lab
        self._size = size
        self._language = language
        self.wheels = root / ".lab" / "wheels"
        self._log = root / ".lab" / "setup.log"
        self._log.write_text("", encoding="utf-8")

    def make(self, environment: Environment, progress: Progress, *options: str) -> None:
        """Makes a new virtual environment, marked as under construction.

        Raises:
            SetupFailedError: as every method here.
        """
        environment.mark("building", {})
        self._call([base_python(), "-m", "venv", *options, str(environment.folder)], progress)

    def download(self, locks: Sequence[Path], progress: Progress) -> None:
        """Fetches the wheels of all `locks`, whose hashes are checked; the only step that needs a network."""
        self.wheels.mkdir(exist_ok=True)
        command = self._pip("download", "--require-hashes", "--only-binary", ":all:", "--dest", str(self.wheels))
        for lock in locks:
            command += ["-r", str(lock)]
        self._call(command, progress)

    def take(self, kit: Path, locks: Sequence[Path], progress: Progress) -> None:
        """Takes the wheels of all `locks` from the folder `kit`, with the same checks and without a network.

        Raises:
            KitLacksError: it has not all of them for this computer.
            SetupFailedError: as every method here, one of them that was damaged included.
        """
        self.wheels.mkdir(exist_ok=True)
        options = ("--isolated", "download", "--no-index", "--find-links", str(kit))
        command = self._pip(*options, "--require-hashes", "--only-binary", ":all:", "--dest", str(self.wheels))
        for lock in locks:
            command += ["-r", str(lock)]
        self._call(command, progress)

    def install(self, environment: Environment, lock: Path, progress: Progress) -> None:
        """Installs the wheels of `lock` into `environment`, without a network and without the user's pip settings."""
        options = ("--isolated", "--python", str(environment.python), "install", "--no-index")
        source = ("--find-links", str(self.wheels), "--require-hashes", "-r", str(lock))
        self._call(self._pip(*options, *source), progress)

    def install_lab(self, progress: Progress) -> None:
        """Installs the `lab` command itself, from where it stands."""
        options = ("--isolated", "install", "--no-index", "--no-deps", "--no-build-isolation")
        self._call(self._pip(*options, "--editable", str(self._root)), progress)

    def _pip(self, *arguments: str) -> list[str]:
        return [str(self._lab.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]

    def _call(self, command: Sequence[str], progress: Progress) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}  # noqa: TID251 - of a child
        lines: list[str] = []
        with subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            cwd=self._root,
            env={**kept, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                progress.heard(line)
        with self._log.open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in (" ".join(command), *lines))
        if process.returncode != 0:
            if "download" in command and "--no-index" in command and _UNKNOWN.search("\n".join(lines)):
                raise KitLacksError
            raise SetupFailedError(self._explanation(command, lines))

    def _explanation(self, command: Sequence[str], lines: Sequence[str]) -> str:
        output = "\n".join(lines)
        if _NO_SPACE.search(output):
            return no_space(self._root, self._size, self._language)
        if _BAD_HASH.search(output):
            return sentence("bad_hash_in_kit" if "--no-index" in command else "bad_hash", self._language)
        if "download" in command and _NO_NETWORK.search(output):
            return sentence("no_network", self._language, megabytes=DOWNLOAD_MB[self._size])
        detail = "\n".join(f"  | {line}" for line in lines[-_LINES_SHOWN:])
        return sentence("step_failed", self._language, detail=detail, log=self._log.relative_to(self._root))
