"""Copies a submission to where it runs, or packs it for the way there, and gives it to whom it runs as."""

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


def pack(source: str) -> list[tuple[str, int, bytes | None]]:
    """Return what `copy` would copy: relative path, mode and content of each, None for a folder, which comes first."""
    packed: list[tuple[str, int, bytes | None]] = []
    waiting = [""]
    for inner in waiting:
        for entry in os.scandir(f"{source}/{inner}"):
            path = f"{inner}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                packed.append((path, 0o755, None))
                waiting.append(f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                with open(os.open(entry.path, os.O_RDONLY | _PLAIN), "rb") as file:  # noqa: PTH123 - a descriptor
                    packed.append((path, entry.stat(follow_symlinks=False).st_mode & 0o777 | 0o600, file.read()))
    return packed


def unpack(packed: list[tuple[str, int, bytes | None]], folder: str) -> None:
    """Lay what `pack` gave into the empty `folder`."""
    for path, mode, content in packed:
        if content is None:
            os.mkdir(f"{folder}/{path}", mode)  # noqa: PTH102 - as in landlock.py
            continue
        descriptor = os.open(f"{folder}/{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)


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
