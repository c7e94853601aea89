"""The rung `bubblewrap`: a sandbox with files, processes, users and network of its own, which needs no root.

Inside there is the system read-only, the interpreter, the submission on a file system in memory whose size is limited,
and nothing else. The network has only a loopback of its own, with the agencies' ports and nothing behind them but the
keeper's relay. Where the grader is root, the program gets a user of its own instead of a user namespace: the kernel
never limits the number of root's processes, not even in a namespace.
"""

import shutil
import subprocess
from functools import cache, cached_property
from pathlib import Path

from grader.isolation import visibility, warden
from grader.isolation.contract import Door, Finished, Limits, Program
from grader.isolation.keeper import kernel
from grader.isolation.keeper.order import Sandbox
from grader.isolation.nursery import KEEPER
from grader.isolation.rung import Rung, on_linux
from grader.language import Text, catalogue

_ = catalogue(__file__)

_FOLDER = Path("/submission")
_TEMPORARY = Path("/tmp")  # noqa: S108 - the sandbox's own
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - likewise
_SOURCE = Path("/source")
_STAGE = Path("/grader/isolation/keeper")

_MARGIN = 64 << 20
"""Bytes beyond the limit at which a file system is full: by then the keeper has looked, and can say what it was."""

_FILES = {
    "/etc/passwd": "peserta:x:{user}:{user}::/submission:/bin/sh\n",
    "/etc/group": "peserta:x:{user}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}
_FOR_THE_STAGE = ("CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_READ_SEARCH")
"""What the stage needs to copy the submission and to become another user, where the grader is root."""


class Bubblewrap(Rung):
    """See the module."""

    name = "bubblewrap"

    @property
    def closes(self) -> frozenset[Door]:
        """All doors."""
        return frozenset(Door)

    def lacks(self) -> Text | None:
        """Linux, or the program itself."""
        lacking = on_linux()
        if lacking is None and self._bwrap is None:
            return _("the program bwrap is not installed; on Debian and Ubuntu: sudo apt install bubblewrap")
        return lacking

    def prepare(self, limits: Limits, program: Program | None = None) -> None:
        """Have the sandbox built in which the program will start: half of the time that a start takes."""
        warden.warm(None if program is None else self._sandbox(program, limits))

    def run(self, program: Program, limits: Limits) -> Finished:
        """See `Rung.run`."""
        order = warden.order(program, limits, folder=_FOLDER, temporary=_TEMPORARY)
        order["sandbox"] = self._sandbox(program, limits)
        return warden.carry_out(order)

    @cached_property
    def _bwrap(self) -> str | None:
        return shutil.which("bwrap")

    @cached_property
    def _options(self) -> str:
        """What bwrap says of itself: which options it has depends on its age and on what was mended in it."""
        return subprocess.run([str(self._bwrap), "--help"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - found in the PATH, as everything else

    def _sandbox(self, program: Program, limits: Limits) -> Sandbox:
        python = visibility.own_interpreter()
        room = str(limits.work_bytes + _MARGIN)
        measured = [_FOLDER, _TEMPORARY, _SHARED_MEMORY]
        own = [word for path in measured for word in ("--size", room, "--perms", "1777", "--tmpfs", str(path))]
        command = [
            str(self._bwrap), *self._namespaces(), "--hostname", "lab", "--die-with-parent", "--new-session",
            "--proc", "/proc", "--dev", "/dev", *own, "--dir", "/var", "--symlink", str(_TEMPORARY), "/var/tmp",  # noqa: S108 - its own
            *_shown(tuple(program.readable)),
            "--ro-bind", str(KEEPER.parent), str(_STAGE), "--ro-bind", str(program.work_dir.resolve()), str(_SOURCE),
        ]  # fmt: skip
        return {
            "command": command,
            "after": ["--remount-ro", "/dev", "--remount-ro", "/"],
            "files": _FILES,
            "stage": [str(python), "-I", "-S", str(_STAGE / "__main__.py"), "stage"],
            "source": str(_SOURCE),
            "measured": [str(path) for path in measured],
        }

    def _namespaces(self) -> list[str]:
        every = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        if kernel.is_root():
            return [*every, "--cap-drop", "ALL", *(word for name in _FOR_THE_STAGE for word in ("--cap-add", name))]
        # Before 0.8 bwrap cannot forbid further user namespaces by itself; the keeper's filter does, too.
        return [*every, "--unshare-user", *(["--disable-userns"] if "--disable-userns" in self._options else [])]


@cache
def _shown(readable: tuple[Path, ...]) -> list[str]:
    """Return the options that show the system, `readable` and the stage's interpreter under their own names."""
    python = visibility.own_interpreter()
    paths = [*visibility.system(), *visibility.settings(), *readable, *visibility.prefixes(python)]
    places = visibility.shown(paths, visibility.hidden())
    links = [link for link in visibility.links(paths) if not any(link.is_relative_to(place) for place in places)]
    words: list[str] = []
    for folder in dict.fromkeys(parent for path in (*places, *links) for parent in reversed(path.parents[:-1])):
        if folder not in links:
            words += ["--perms", "0755", "--dir", str(folder)]  # what bwrap makes by itself is open to its owner only
    for place in places:
        words += ["--ro-bind", str(place), str(place)]
    for link in links:
        words += ["--symlink", str(link.readlink()), str(link)]
    return words
