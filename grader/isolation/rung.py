"""What every rung of the ladder has in common: trying itself out, and running a program through a keeper."""

import socket
import sys
import tempfile
from abc import ABC, abstractmethod
from contextlib import closing
from functools import cached_property
from pathlib import Path

from grader.isolation import visibility
from grader.isolation.contract import Door, Finished, IsolationFailed, Limits, Program
from grader.isolation.workplace import workplace
from grader.language import Text, catalogue

_ = catalogue(__file__)

_TRIAL = """
import socket, sys
try:
    open(sys.argv[1]).close()
    print("files")
except OSError:
    pass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2).close()
    print("ports")
except OSError:
    pass
"""
_TRIAL_LIMITS = Limits(wall_seconds=20)


class Rung(ABC):
    """One way to keep a program apart.

    Attributes:
        name: as reports and settings call it.
    """

    name: str

    @property
    @abstractmethod
    def closes(self) -> frozenset[Door]:
        """The doors that are shut on this machine, with this kernel and this user."""

    @abstractmethod
    def run(self, program: Program, limits: Limits) -> Finished:
        """Run `program` to its end, or to a limit, and stop everything it started.

        Can be called from several threads at a time. An exception that interrupts it stops the program first.

        Raises:
            IsolationFailed: the lab could not do its part; nothing is known about the program then.
        """

    @abstractmethod
    def prepare(self, limits: Limits, program: Program | None = None) -> None:
        """Begin to do what can be done before the next run, and do not wait for it.

        Args:
            limits: those of the run.
            program: its folder and what it may read, if they are known; what else it is, and files in the folder, may
                be settled later.
        """

    @abstractmethod
    def lacks(self) -> Text | None:
        """Return what this machine lacks for this rung, as far as can be seen without trying; None if nothing."""

    def obstacle(self) -> Text | None:
        """Return why this rung does not work here, None if it does: found out once, by running a program on it."""
        return self._obstacle

    @cached_property
    def _obstacle(self) -> Text | None:
        lacking = self.lacks()
        if lacking is not None:
            return lacking
        try:
            return self._try()
        except IsolationFailed as error:
            return _("it could not run a program: {detail}", detail=error.detail or error.message)

    def _try(self) -> Text | None:
        """Run a program that tries two doors, a file and a port, and compare what it finds with what is promised."""
        python = visibility.own_interpreter()
        with workplace() as place, closing(socket.create_server(("127.0.0.1", 0))) as server:
            (place / "main.py").write_text(_TRIAL, encoding="utf-8")
            with tempfile.NamedTemporaryFile(mode="w") as canary:
                Path(canary.name).chmod(0o644)
                words = [str(python), "-I", "-S", "main.py", canary.name, str(server.getsockname()[1])]
                program = Program(argv=words, work_dir=place, readable=visibility.prefixes(python))
                finished = self.run(program, _TRIAL_LIMITS)
        if finished.exit_code != 0:
            raise IsolationFailed(_("The trial program failed."), detail=finished.stderr[-400:])
        leaks = {Door(word) for word in finished.stdout.split()} & self.closes
        if leaks:
            return _("it does not close what it should: {doors}", doors=", ".join(sorted(leaks)))
        return None


def on_linux() -> Text | None:
    """Return what is lacking where this is not Linux."""
    return None if sys.platform == "linux" else _("it needs Linux")
