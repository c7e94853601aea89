"""The words in which a run is asked for and told: plain values, the same on every rung."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from grader.language import Text
from grader.verdicts import LabFault

MIB = 1 << 20


class Limit(StrEnum):
    """What a program can run into."""

    WALL = "wall"
    CPU = "cpu"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    FILE = "file"


class Door(StrEnum):
    """A way out of an isolation. A rung says which of them it closes."""

    RUNAWAY = "runaway"
    """Time, memory, tasks, output or disk without end."""
    DAEMONS = "daemons"
    """A process that outlives the run."""
    MEMORY = "memory"
    """Reading or changing the memory or environment of the grader or of a service."""
    SIGNALS = "signals"
    """Stopping, killing or slowing a process that is not the program's own."""
    FILES = "files"
    """Reading or changing files other than the submission and the interpreter's."""
    PORTS = "ports"
    """TCP connections to other ports than the agencies'; on the lower rungs those ports on other machines stay open."""
    SOCKETS = "sockets"
    """Socket files, abstract sockets and datagrams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use. The defaults suit an exercise on a weak laptop.

    Attributes:
        wall_seconds: by the clock, from the program's first instruction.
        cpu_seconds: of processors, all its processes together.
        memory_bytes: all its processes together, shared pages counted once.
        processes: processes and threads together.
        open_files: of one process.
        file_bytes: of one file.
        work_bytes: of all files in its folder, its temporary folder and shared memory together, each file counting at
            least 1 KiB; the submission itself is among them.
        output_bytes: of its output and of its error output that are kept each; beyond that the middle is cut.
    """

    wall_seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 512 * MIB
    processes: int = 128
    open_files: int = 512
    file_bytes: int = 32 * MIB
    work_bytes: int = 128 * MIB
    output_bytes: int = 1 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to run.

    Attributes:
        argv: the first word is the absolute path of an interpreter, or the path of a file in `work_dir` relative to it;
            the program starts in its own copy of `work_dir`.
        work_dir: the submission. Every run has a fresh copy of it, so nothing that a program writes stays: files and
            folders are copied, anything else is left out.
        environment: variables beside those that every program gets (see `surroundings`); they win over these.
        readable: folders that the program may read beside the system's own, such as its interpreter's.
        ports: of 127.0.0.1, to which it may connect.
    """

    argv: Sequence[str]
    work_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: Sequence[Path] = ()
    ports: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a run went. Nothing that the program started is alive any more.

    Attributes:
        exit_code: None where a signal ended the program; 126 or 127 where it could not be started.
        signal: the number of the signal that ended it; None where none did.
        stdout: what it printed, read as UTF-8 (what is none shows as U+FFFD); at most `Limits.output_bytes`, and in
            place of a missing middle a line that says so. Not cleaned: see `grader.plaintext` before showing it.
        stderr: likewise for its error output.
        seconds: by the clock.
        cut: something is missing from the output.
        limit: the limit it ran into; None where it ended by itself.
    """

    exit_code: int | None
    signal: int | None
    stdout: str
    stderr: str
    seconds: float
    cut: bool
    limit: Limit | None


class IsolationFailed(LabFault):
    """A program could not be run as it should have been, and the lab is to blame.

    Attributes:
        detail: for maintainers, in the machine's words; may be empty.
    """

    def __init__(self, message: Text, *, detail: str = "") -> None:
        """Say it in `message`."""
        super().__init__(message)
        self.detail = detail
        if detail:
            self.add_note(detail)
