"""Copies a submission to where it runs, and gives it to whom it runs as."""

import os

_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""No links, and on Windows no changing of line ends."""


def copy(source: str, folder: str) -> None:
    """Copy the tree `source` into the empty `folder`: files and folders, nothing else, with their right to execute."""
    waiting = [(source, folder)]
    for inner, target in waiting:
        for entry in os.scandir(inner):
            beside = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                os.mkdir(beside, 0o755)  # noqa: PTH102 - as in landlock.py
                waiting.append((entry.path, beside))
            elif entry.is_file(follow_symlinks=False):
                _copy_file(entry.path, beside, entry.stat(follow_symlinks=False).st_mode & 0o777 | 0o600)


def own(folder: str, user: int) -> None:
    """Make `folder` and all in it belong to `user` and its group. Nothing hostile may run in it yet."""
    for _, names, files, descriptor in os.fwalk(folder):
        for name in (*names, *files):
            os.chown(name, user, user, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, user, user)


def _copy_file(source: str, target: str, mode: int) -> None:
    read = os.open(source, os.O_RDONLY | _PLAIN)
    write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, mode)
    try:
        while True:
            piece = os.read(read, 1 << 20)
            if not piece:
                return
            while piece:
                piece = piece[os.write(write, piece) :]
    finally:
        os.close(read)
        os.close(write)
