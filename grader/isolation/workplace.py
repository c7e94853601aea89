"""A folder for one run, and its removal whatever a program has done to it."""

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a new empty folder that nobody else can open, and remove it with all that is in it then."""
    place = Path(tempfile.mkdtemp(prefix="spbe-lab-")).resolve()
    try:
        yield place
    finally:
        remove(place)


def remove(folder: Path) -> None:
    """Remove `folder` and everything in it, also what is closed to its owner or nested without end.

    Nothing may be running in it any more. Links are removed, not followed.

    Raises:
        OSError: something in it could not be removed.
    """
    if os.unlink in os.supports_dir_fd and sys.platform != "win32":
        _Removal(folder).run()
    else:
        folder.chmod(stat.S_IRWXU)
        for path in folder.rglob("*"):
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
        shutil.rmtree(folder)


class _Removal:
    """Removal by moving every inner folder up to the top first, so that no path and no recursion ever grows long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._top = -1
        self._count = 0
        self._unguessable = secrets.token_hex(16)  # so that no folder of the program's has such a name

    def run(self) -> None:
        self._folder.chmod(stat.S_IRWXU)
        self._top = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            waiting = self._empty(self._top)
            for name in waiting:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._top)
                try:
                    waiting += self._empty(inner)
                finally:
                    os.close(inner)
                os.rmdir(name, dir_fd=self._top)
        finally:
            os.close(self._top)
        self._folder.rmdir()

    def _empty(self, folder: int) -> list[str]:
        """Remove the files of an open folder and move its folders to the top; return the names they have there."""
        moved = []
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in found:
            if is_folder:
                os.chmod(name, stat.S_IRWXU, dir_fd=folder)
                self._count += 1
                moved.append(f"{self._unguessable}{self._count}")
                os.rename(name, moved[-1], src_dir_fd=folder, dst_dir_fd=self._top)
            else:
                os.unlink(name, dir_fd=folder)
        return moved
