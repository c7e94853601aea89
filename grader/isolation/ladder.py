"""The ladder: the ways to keep a learner's program apart, the best first, and the best one that works here."""

from functools import cache
from pathlib import Path

from grader.isolation.bubblewrap import Bubblewrap
from grader.isolation.contract import IsolationFailed
from grader.isolation.landlock import Landlock
from grader.isolation.process import Process
from grader.isolation.proven import Proven
from grader.isolation.rung import Rung
from grader.language import catalogue

_ = catalogue(__file__)


@cache
def rungs() -> tuple[Rung, ...]:
    """Return all rungs, the best first, whether they work here or not."""
    return Bubblewrap(), Landlock(), Process()


def best(forced: str | None = None, proven: Path | None = None) -> Rung:
    """Return the best rung that really works on this machine.

    Args:
        forced: the name of the one to use instead, which then has to work.
        proven: a file that remembers that the best one works; None to try it out in any case.

    Raises:
        IsolationFailed: `forced` is no rung's name or does not work here, or none works.
    """
    wanted = [rung for rung in rungs() if forced in (None, rung.name)]
    if not wanted:
        names = ", ".join(rung.name for rung in rungs())
        raise IsolationFailed(
            _("There is no isolation named {name}. Choose one of: {names}.", name=forced, names=names)
        )
    memory = Proven(proven, wanted[0]) if proven is not None and forced is None else None
    if memory is not None and memory.holds():
        return wanted[0]
    for rung in wanted:
        obstacle = rung.obstacle()
        if obstacle is None:
            if memory is not None and rung is wanted[0]:
                memory.remember()
            return rung
    raise IsolationFailed(
        _("The isolation {name} does not work on this computer: {reason}", name=wanted[-1].name, reason=obstacle)
    )
