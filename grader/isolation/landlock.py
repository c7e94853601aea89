"""The rung `landlock`: the machine's own files, processes and network, of which the kernel lets the program use little.

For Linux without user namespaces, such as Ubuntu from 24.04 on. It needs no root and installs nothing. Landlock
confines files, and with newer kernels TCP ports and signals; a seccomp filter closes what Landlock has no word for.
"""

from functools import cache, cached_property
from pathlib import Path

from grader.isolation import visibility, warden
from grader.isolation.contract import Door, Finished, Limits, Program
from grader.isolation.keeper import kernel, landlock, seccomp
from grader.isolation.keeper.order import Paths
from grader.isolation.rung import Rung, on_linux
from grader.language import Text, catalogue

_ = catalogue(__file__)

_ALWAYS = frozenset({Door.RUNAWAY, Door.DAEMONS, Door.MEMORY, Door.FILES, Door.SOCKETS})

_MORE_SETTINGS = ("/etc/group", "/etc/hosts", "/etc/passwd", "/etc/resolv.conf")
"""What a sandbox with files of its own has its own of."""

_ABOUT_ITSELF = (
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
)  # fmt: skip
"""What runtimes ask about the machine and about their own first process; nothing about other processes."""


class Landlock(Rung):
    """See the module."""

    name = "landlock"

    @property
    def closes(self) -> frozenset[Door]:
        """All doors with Linux 6.12; before that signals only for root's grader, and ports since 6.7."""
        closed = set(_ALWAYS)
        if self._version >= landlock.NETWORK_SINCE:
            closed.add(Door.PORTS)
        if self._version >= landlock.SIGNALS_SINCE or kernel.is_root():
            closed.add(Door.SIGNALS)
        return frozenset(closed)

    def lacks(self) -> Text | None:
        """Linux with Landlock, on a processor whose system calls the filter knows."""
        lacking = on_linux()
        if lacking is not None:
            return lacking
        if not self._version:
            return _("the kernel has no Landlock, or it is switched off; it needs Linux 5.13 or newer")
        if kernel.machine() not in seccomp.ARCHITECTURES:
            return _("there is no filter of system calls for the processor {machine}", machine=kernel.machine())
        return None

    def prepare(self, limits: Limits, program: Program | None = None) -> None:
        """Have a keeper start."""
        warden.warm()

    def run(self, program: Program, limits: Limits) -> Finished:
        """See `Rung.run`."""
        paths: Paths = {
            "read": [*_shown(tuple(program.readable)), *_ABOUT_ITSELF],
            "devices": list(visibility.DEVICES),
            "shared_memory": "/dev/shm",  # noqa: S108 - named to allow it
        }
        return warden.run_here(program, limits, landlock=paths)

    @cached_property
    def _version(self) -> int:
        return landlock.version()


@cache
def _shown(readable: tuple[Path, ...]) -> list[str]:
    """Return the places that a program may read: the system's and `readable`."""
    paths = [*visibility.system(), *visibility.settings(), *map(Path, _MORE_SETTINGS), *readable]
    return [str(path) for path in visibility.shown(paths, visibility.hidden())]
