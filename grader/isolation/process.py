"""The rung `process`: a plain child process with limits. The last resort, and the only one on macOS and Windows.

It keeps a program from running away, not from looking around: whoever grades with it trusts the participant. Where the
grader is root the program at least gets a user of its own, who changes nothing of anybody's; but if its interpreter
lies in root's closed home, it needs the right to read everywhere in order to start at all.
"""

import sys

from grader.isolation import warden
from grader.isolation.contract import Door, Finished, Limits, Program
from grader.isolation.keeper import kernel
from grader.isolation.rung import Rung
from grader.language import Text


class Process(Rung):
    """See the module."""

    name = "process"

    @property
    def closes(self) -> frozenset[Door]:
        """Programs that run away, everywhere; on Linux also what outlives the run, and the grader's memory."""
        if sys.platform != "linux":
            return frozenset({Door.RUNAWAY})
        own_user = {Door.SIGNALS} if kernel.is_root() else set()
        return frozenset({Door.RUNAWAY, Door.DAEMONS, Door.MEMORY} | own_user)

    def lacks(self) -> Text | None:
        """Nothing that any machine does not have."""
        return None

    def prepare(self, limits: Limits, program: Program | None = None) -> None:
        """Have a keeper start, where there are keepers."""
        if sys.platform == "linux":
            warden.warm()

    def run(self, program: Program, limits: Limits) -> Finished:
        """See `Rung.run`."""
        if sys.platform != "linux":
            from grader.isolation import portable  # noqa: PLC0415 - with psutil, a third of the time that this package takes

            return portable.run(program, limits)
        return warden.run_here(program, limits, landlock=None)
