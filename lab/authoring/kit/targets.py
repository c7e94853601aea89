"""The computers that a kit is for, and which lines of a lock file and which wheels each of them needs.

pip itself evaluates markers for the computer that it runs on, so the lines are chosen here, and pip only fetches them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_OLDEST_MACOS = (12, 0)
_OLDEST_GLIBC_MINOR, _NEWEST_GLIBC_MINOR = 5, 28
"""Wheels for glibc 2.28 and older run on Debian 10, Ubuntu 20.04, RHEL 8 and everything newer."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One kind of computer.

    Attributes:
        name: as people type it.
        tags: platform tags of the wheels that it can use, the best first.
        marker: what Python there says of itself, as markers ask for it.
    """

    name: str
    tags: tuple[str, ...]
    marker: Mapping[str, str]


def _platform(name: str, tags: Iterable[str], sys: str, system: str, machine: str) -> Platform:
    marker = {"sys_platform": sys, "platform_system": system, "platform_machine": machine}
    return Platform(name, tuple(tags), {**marker, "os_name": "nt" if sys == "win32" else "posix"})


def _linux() -> Iterator[str]:
    for minor in range(_NEWEST_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1):
        yield f"manylinux_2_{minor}_x86_64"
        old = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}.get(minor)
        if old:
            yield old
    yield "linux_x86_64"


PLATFORMS = {
    one.name: one
    for one in (
        _platform("linux-x86_64", _linux(), "linux", "Linux", "x86_64"),
        _platform("windows-amd64", ["win_amd64"], "win32", "Windows", "AMD64"),
        _platform("macos-x86_64", mac_platforms(_OLDEST_MACOS, "x86_64"), "darwin", "Darwin", "x86_64"),
        _platform("macos-arm64", mac_platforms(_OLDEST_MACOS, "arm64"), "darwin", "Darwin", "arm64"),
    )
}


@dataclass(frozen=True, slots=True)
class Line:
    """One package of a lock file: its name, its version, and the SHA-256 digests of the files that it may come as."""

    name: str
    version: str
    marker: Marker | None
    hashes: frozenset[str]

    def requirement(self) -> str:
        """Returns the line for pip, without the marker."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in sorted(self.hashes))])


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of computer with a version of Python, such as "3.13"."""

    platform: Platform
    python: str

    def __str__(self) -> str:
        """Returns the name that people read."""
        return f"{self.platform.name} Python {self.python}"

    @property
    def abi(self) -> str:
        """The tag of wheels that are for this Python only."""
        return f"cp{self.python.replace('.', '')}"

    def needs(self, line: Line) -> bool:
        """Tells whether any release of this Python, the first or a late one, needs the package."""
        if line.marker is None:
            return True
        shared = {"python_version": self.python, "implementation_name": "cpython"}
        shared |= {"platform_python_implementation": "CPython", **self.platform.marker}
        releases = (f"{self.python}.{patch}" for patch in (0, 99))
        return any(line.marker.evaluate({**shared, "python_full_version": one}) for one in releases)

    def tags(self) -> list[Tag]:
        """Returns the tags of the wheels that can be installed there, the best first."""
        version = tuple(int(part) for part in self.python.split("."))
        platforms = list(self.platform.tags)
        own = cpython_tags(version, [self.abi], platforms)
        return [*own, *compatible_tags(version, self.abi, platforms)]


def lines(lock: Path) -> list[Line]:
    """Reads a lock file as uv writes it.

    Raises:
        OSError: it cannot be read.
    """
    logical = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [_line(text) for text in logical if text.strip() and not text.startswith("#")]


def wheel_tags(file: str) -> tuple[str, str, frozenset[Tag]] | None:
    """Returns the package, version and tags that a wheel's file name tells; None where it is no wheel's name."""
    try:
        name, version, _build, tags = parse_wheel_filename(file)
    except InvalidWheelFilename:
        return None
    return str(name), str(version), tags


def _line(text: str) -> Line:
    asked, *hashes = text.split(" --hash=sha256:")
    requirement = Requirement(asked.strip())
    version = next(iter(requirement.specifier)).version
    return Line(
        canonicalize_name(requirement.name), version, requirement.marker, frozenset(one.strip() for one in hashes)
    )
