"""What the computer must offer before the set-up may begin."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.installation.sentences import sentence

DOWNLOAD_MB = {"lab": 30, "dev": 90}
"""Size of the wheels in MB, as people are told it."""

_SPACE_MB = {"lab": 300, "dev": 700}
_MEGABYTE = 1024 * 1024


class SetupFailedError(Exception):
    """The set-up cannot go on; the message is a sentence for people."""


def base_python() -> str:
    """Returns the interpreter outside of any virtual environment, so that ours never stands on another one."""
    return getattr(sys, "_base_executable", None) or sys.executable


def works(command: Sequence[str]) -> bool:
    """Tells whether a command can be started and ends well."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - our own
    except OSError:
        return False
    return done.returncode == 0


def check(root: Path, size: str, language: str) -> None:
    """Refuses early what cannot succeed: `size` ("lab" or "dev") of an installation at `root`.

    Raises:
        SetupFailedError: when a part of Python, disk space or a usable folder is missing.
    """
    for module in ("venv", "ensurepip"):
        if not works([base_python(), "-c", "import " + module]):
            found, minor = (".".join(map(str, sys.version_info[:parts])) for parts in (3, 2))
            raise SetupFailedError(sentence("need_venv", language, found=found, module=module, minor=minor))
    if os.pathsep in str(root):
        raise SetupFailedError(sentence("separator_in_path", language, path=root, separator=os.pathsep))
    if shutil.disk_usage(root).free < _SPACE_MB[size] * _MEGABYTE:
        raise SetupFailedError(no_space(root, size, language))


def no_space(root: Path, size: str, language: str) -> str:
    """Returns the sentence about a full disk: what is needed and what is left."""
    free = shutil.disk_usage(root).free // _MEGABYTE
    return sentence("disk_full", language, needed=_SPACE_MB[size], free=free, path=root)
