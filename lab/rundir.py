"""The private run directory of a running lab: the back doors' sockets, and the token that opens them."""

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

_LONGEST_SOCKET_NAME = len("/correspondence.sock")
_LONGEST_SOCKET_PATH = 100
"""A socket's path may have 104 bytes on macOS and 108 on Linux."""


def make(folders: Iterable[str]) -> Path:
    """Makes a run directory that only this user may enter, with a fresh token in it.

    Args:
        folders: where it may be, best first; the first that is short enough and can be written is taken.

    Raises:
        OSError: when none can be written.
    """
    for folder in (*folders, tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a private folder there
        if folder and Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK) and _is_short(folder):
            return _filled(Path(tempfile.mkdtemp(prefix="lab-", dir=folder)))
    return _filled(Path(tempfile.mkdtemp(prefix="lab-")))


def _is_short(folder: str) -> bool:
    name = len("/lab-12345678") + _LONGEST_SOCKET_NAME
    return len(os.fsencode(folder)) + name <= _LONGEST_SOCKET_PATH


def _filled(run: Path) -> Path:
    token = run / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_urlsafe(32), encoding="ascii")
    return run
