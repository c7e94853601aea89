"""The environment variables of every program: made, not inherited, so that nothing of the grader's is among them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath

TIME_ZONE = "Asia/Makassar"
"""Where Kota Digital Sejahtera lies."""

_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
_WINDOWS_NEEDS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT")


def surroundings(argv0: str, folder: PurePath, temporary: PurePath, given: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a program.

    Args:
        argv0: path of the interpreter; its folder comes first in `PATH`.
        folder: where the program starts; its home, too.
        temporary: for temporary files.
        given: what the exercise adds; it wins.
    """
    made = {
        "PATH": os.pathsep.join(dict.fromkeys([str(Path(argv0).parent), *_PATH])),
        "HOME": str(folder),
        "PWD": str(folder),
        "USER": "peserta",
        "LOGNAME": "peserta",
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": TIME_ZONE,
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",  # so that what it printed is there when it is stopped
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    if sys.platform == "win32":
        made |= {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}  # noqa: TID251 - Windows starts no program without these, and they are the machine's, not the user's
        made |= {"PATH": os.defpath, "TEMP": str(temporary), "TMP": str(temporary), "USERPROFILE": str(folder)}
    return {**made, **given}
