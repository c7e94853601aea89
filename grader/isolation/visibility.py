"""Which parts of the machine's files a program is shown: the system and its interpreter, and nothing of people's."""

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
    """Return the folders that the interpreter `python` has to read: its virtual environment, and what that stands on.

    Args:
        python: path of an interpreter, in a virtual environment or not.
    """
    found = [python.parent.parent]
    settings_of_environment = python.parent.parent / "pyvenv.cfg"
    if settings_of_environment.is_file():
        for line in settings_of_environment.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                found.append(Path(value.strip()).parent)
    found.append(python.resolve().parent.parent)
    return list(dict.fromkeys(found))


def hidden() -> Path:
    """Return the folder that no program may see: the one that the grader lies in, with all that lies beside it."""
    return Path(grader.__file__).resolve().parents[1]


def shown(paths: Iterable[Path], secret: Path) -> list[Path]:
    """Return `paths` so that `secret` cannot be seen through them, without what they hold twice.

    A path that has `secret` somewhere in it is replaced by all that lies beside the way there. A path inside `secret`
    stays, because somebody has named it on purpose.
    """
    found: list[Path] = []
    for path in paths:
        real = path.resolve()
        found += _beside(real, secret) if secret.is_relative_to(real) else [path]
    return [path for path in dict.fromkeys(found) if not any(_inside(path, other) for other in found)]


def _beside(folder: Path, secret: Path) -> Iterator[Path]:
    while folder != secret:
        onward = folder / secret.relative_to(folder).parts[0]
        yield from (path for path in sorted(folder.iterdir()) if not path.resolve().is_relative_to(onward))
        folder = onward


def _inside(path: Path, other: Path) -> bool:
    return path != other and not path.is_symlink() and path.is_relative_to(other)
