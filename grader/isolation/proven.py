"""Remembers that the best rung was tried and works, until this machine is started anew or something about it changes.

The trial costs a fifth of a second at every check of an exercise. Only the best rung is ever remembered: whoever forges
this file cannot get a weaker one, only an error of the lab, after which it is tried again.
"""

import hashlib
import platform
import shutil
import sys
from pathlib import Path

from grader import filing
from grader.isolation import visibility
from grader.isolation.keeper import kernel
from grader.isolation.nursery import KEEPER
from grader.isolation.rung import Rung

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SYSTEM = (
    Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    Path("/proc/sys/kernel/unprivileged_userns_clone"),
    Path("/proc/sys/user/max_user_namespaces"),
    Path("/proc/self/attr/current"),
)
"""Settings of the system that decide whether a user may make namespaces."""


class Proven:
    """What a file remembers of the best rung.

    Args:
        file: anywhere; missing until something is remembered.
        rung: the best one, proven or not.
    """

    def __init__(self, file: Path, rung: Rung) -> None:
        self._file = file
        self._circumstances = _circumstances(rung)

    def holds(self) -> bool:
        """Tell whether the rung was tried under the present circumstances."""
        return bool(self._circumstances) and _read(self._file).strip() == self._circumstances

    def remember(self) -> None:
        """The rung was tried, and works."""
        if self._circumstances:
            filing.replace(self._file, f"{self._circumstances}\n", durable=False)


def _circumstances(rung: Rung) -> str:
    """Give a word that changes when the trial might end otherwise; empty where that cannot be told."""
    boot = _read(_BOOT)
    if not boot:
        return ""
    facts: list[object] = [rung.name, boot, platform.release(), kernel.is_root(), sys.executable]
    facts += [_read(path) for path in _SYSTEM]
    for program in (shutil.which("bwrap"), visibility.own_interpreter(), *sorted(KEEPER.parent.glob("*.py"))):
        facts += [program, _stamp(Path(program)) if program else None]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
