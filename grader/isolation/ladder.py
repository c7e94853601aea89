"""The ladder: the ways to keep a learner's program apart, the best first, and the best one that works here."""

from functools import cache

from grader.isolation.bubblewrap import Bubblewrap
from grader.isolation.contract import IsolationFailed
from grader.isolation.landlock import Landlock
from grader.isolation.process import Process
from grader.isolation.rung import Rung
from grader.language import catalogue

_ = catalogue(__file__)


@cache
def rungs() -> tuple[Rung, ...]:
    """Return all rungs, the best first, whether they work here or not."""
    return Bubblewrap(), Landlock(), Process()


def best(forced: str | None = None) -> Rung:
    """Return the best rung that really works on this machine.

    Args:
        forced: the name of the one to use instead, which then has to work.

    Raises:
        IsolationFailed: `forced` is no rung's name or does not work here, or none works.
    """
    wanted = [rung for rung in rungs() if forced in (None, rung.name)]
    if not wanted:
        names = ", ".join(rung.name for rung in rungs())
        raise IsolationFailed(
            _("There is no isolation named {name}. Choose one of: {names}.", name=forced, names=names)
        )
    for rung in wanted:
        obstacle = rung.obstacle()
        if obstacle is None:
            return rung
    raise IsolationFailed(
        _("The isolation {name} does not work on this computer: {reason}", name=wanted[-1].name, reason=obstacle)
    )
