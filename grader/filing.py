"""Files that are always whole: a reader sees the old one or the new one, never a part."""

import os
import secrets
from pathlib import Path


def replace(path: Path, data: bytes | str, *, durable: bool = True) -> None:
    """Put `data` at `path` in one step.

    It is written under another name in the same folder (made if missing), synced, and renamed over `path`. Whatever
    stood there, even a link, is replaced and not followed.

    Args:
        path: where it shall stand.
        data: the content; text is written as UTF-8, its line ends as they are.
        durable: also survive a power cut; files that can be made again need not wait for the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a folder be opened (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
