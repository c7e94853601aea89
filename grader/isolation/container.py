"""The rung `container`: a container of its own for every run, which sees the agencies' public ports and nothing else.

It has no network at all. The keeper inside, its first process, listens on the agencies' ports and carries connections
to the agencies' socket files. The submission comes in, and the answer goes out, over the container's standard streams;
when the grader dies, these end, and the container with them. It removes itself.
"""

import marshal
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from pathlib import Path

from grader.isolation import warden
from grader.isolation.contract import Door, Finished, IsolationFailed, Limits, Program
from grader.isolation.engine import FOLDER, GATES, SHARED_MEMORY, TEMPORARY, Cell, Engine, Place
from grader.isolation.keeper import copying
from grader.isolation.rung import Rung
from grader.language import Text, catalogue

_ = catalogue(__file__)


class Container(Rung):
    """See the module.

    Args:
        place: where the containers are made; they belong to this object, so `close` it.
    """

    name = "container"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._engine = Engine(place)
        self._lock = threading.Lock()
        self._next: tuple[Limits, Future[Cell]] | None = None
        self._swept = False

    @property
    def closes(self) -> frozenset[Door]:
        """All doors."""
        return frozenset(Door)

    def lacks(self) -> Text | None:
        """Nothing that could be seen without trying."""
        return None

    def obstacle(self) -> Text | None:
        """Return why this rung does not work here, None if it does: its keeper looks at the walls before every run."""
        try:
            self.prepare(Limits())
            self.interpreters()
        except IsolationFailed as error:
            return _("it could not run a program: {detail}", detail=error.detail or error.message)
        return None

    def prepare(self, limits: Limits, program: Program | None = None) -> None:
        """Have a container start for a run with these limits, while there is other work to do."""
        with self._lock:
            if self._next is not None and self._next[0] == limits:
                return
            dismissed, self._next = self._next, (limits, self._begin(limits))
        _dismiss(dismissed)

    def interpreters(self) -> Mapping[str, str]:
        """Return which languages programs can be written in here, and the path of each one's interpreter inside.

        Raises:
            IsolationFailed: no container could be started.
        """
        with self._lock:
            if self._next is None:
                self._next = (Limits(), self._begin(Limits()))
            begun = self._next[1]
        return begun.result().hello

    def run(self, program: Program, limits: Limits) -> Finished:
        """See `Rung.run`. The program's `readable` is not needed: it reads the container's own files."""
        order = warden.order(program, limits, folder=Path(FOLDER), temporary=Path(TEMPORARY))
        order["contained"] = {
            "files": copying.pack(str(program.work_dir)),
            "measured": [FOLDER, TEMPORARY, SHARED_MEMORY],
            "gates": [f"{GATES}/{self._place.sockets[port]}" for port in order["ports"]],
        }
        since = self._engine.gateway_since()
        cell = self._take(limits)
        try:
            answer = cell.ask(marshal.dumps(order), limits.wall_seconds)  # type: ignore[arg-type]  # a TypedDict of plain values
        except BaseException:
            cell.kill()
            raise
        if not answer:
            cell.kill()
            raise IsolationFailed(_("The container of the program has died."), detail=cell.complaint)
        cell.close()
        if self._engine.gateway_since() != since:
            raise IsolationFailed(_("The way to the agencies was interrupted while the program ran."))
        return warden.understood(order, answer)

    def close(self) -> None:
        """End the container that waits for a run that never came."""
        with self._lock:
            dismissed, self._next = self._next, None
        _dismiss(dismissed)
        if dismissed is not None:
            wait([dismissed[1]])
        self._engine.close()

    def _take(self, limits: Limits) -> Cell:
        """Return a container that is ready, and have the next one start meanwhile."""
        self.prepare(limits)
        with self._lock:
            assert self._next is not None  # noqa: S101 - for the type checker: it was just prepared
            begun = self._next[1]
            self._next = (limits, self._begin(limits))
        return begun.result()

    def _begin(self, limits: Limits) -> Future[Cell]:
        begun: Future[Cell] = Future()
        threading.Thread(target=self._start, args=(limits, begun), daemon=True, name="container").start()
        return begun

    def _start(self, limits: Limits, begun: Future[Cell]) -> None:
        try:
            cell = self._engine.start(limits)
            problem = cell.hello.get("problem")
            if problem is not None or not cell.hello:
                detail = problem or cell.complaint
                cell.kill()
                raise IsolationFailed(_("The container is not as closed as it has to be."), detail=detail)  # noqa: TRY301 - told like the engine's own failures
        except BaseException as error:  # noqa: BLE001 - whoever waits for it has to hear of it
            begun.set_exception(error)
        else:
            begun.set_result(cell)
            if not self._swept:
                self._swept = True
                self._engine.sweep()


def _dismiss(waiting: tuple[Limits, Future[Cell]] | None) -> None:
    if waiting is not None:
        waiting[1].add_done_callback(_close)


def _close(begun: Future[Cell]) -> None:
    if begun.exception() is None:
        begun.result().close()
