"""Which parts of the machine's files a program is shown: the system and its interpreter, and nothing of people's."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import grader

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
"""Programs and libraries, on every distribution. Each may be missing, or a link to another."""

SETTINGS = (
    "alternatives", "ca-certificates", "crypto-policies", "gai.conf", "host.conf", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "locale.conf", "localtime", "mime.types", "nsswitch.conf", "os-release", "php", "pki/ca-trust",
    "pki/tls/cert.pem", "pki/tls/certs", "pki/tls/openssl.cnf", "protocols", "services", "ssl/cert.pem", "ssl/certs",
    "ssl/openssl.cnf", "timezone",
)  # fmt: skip
"""What programs read in /etc, none of it secret."""

_PARTS = ("bin", "lib", "lib64", "ssl")
_MOST_LINKS = 40

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def system() -> list[Path]:
    """Return the folders of the system's programs and libraries that this machine has, links among them."""
    return [path for path in map(Path, SYSTEM) if path.exists()]


def settings() -> list[Path]:
    """Return what a program may read in /etc, as far as this machine has it."""
    return [path for path in (Path("/etc", name) for name in SETTINGS) if path.exists()]


def own_interpreter() -> Path:
    """Return the interpreter under the grader's own virtual environment: the one that needs none of its packages."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Path(base).resolve()


def prefixes(python: Path) -> list[Path]:
    """Return what the interpreter `python` has to read: its virtual environment, and what that stands on.

    Of an installation only the parts with programs and libraries: it may have been put into somebody's home.

    Args:
        python: path of an interpreter, in a virtual environment or not.
    """
    environment, installation = python.parent.parent, python.resolve().parent.parent
    found = [python, *(installation / part for part in _PARTS)]
    if (environment / "pyvenv.cfg").is_file():
        found.insert(0, environment)
    return [path for path in found if path.exists()]


def hidden() -> Path:
    """Return the folder that no program may see: the one that the grader lies in, with all that lies beside it."""
    return Path(grader.__file__).resolve().parents[1]


def shown(paths: Iterable[Path], secret: Path) -> list[Path]:
    """Return the real places of `paths`, so that `secret` cannot be seen through them, and nothing twice.

    A path that has `secret` somewhere in it is replaced by all that lies beside the way there. A path inside `secret`
    stays, because somebody has named it on purpose.
    """
    found: dict[Path, None] = {}
    for real in dict.fromkeys(path.resolve() for path in paths if path.exists()):
        found |= dict.fromkeys(_beside(real, secret) if secret.is_relative_to(real) else [real])
    return [path for path in found if not any(parent in found for parent in path.parents)]


def links(paths: Iterable[Path]) -> list[Path]:
    """Return the links that are met on the way to `paths`, the outermost first."""
    return list(dict.fromkeys(link for path in paths for link in _links_to(path, _MOST_LINKS)))


def _links_to(path: Path, most: int) -> Iterator[Path]:
    for place in (*reversed(path.parents), path):
        if most and place.is_symlink():
            yield place
            onward = place.parent / place.readlink() / path.relative_to(place)
            yield from _links_to(Path(os.path.normpath(onward)), most - 1)
            return


def _beside(folder: Path, secret: Path) -> Iterator[Path]:
    while folder != secret:
        onward = folder / secret.relative_to(folder).parts[0]
        places = (path.resolve() for path in sorted(folder.iterdir()))
        yield from (path for path in places if not path.is_relative_to(onward) and not onward.is_relative_to(path))
        folder = onward
