"""How quickly the lab answered while a program ran: one that a busy machine kept waiting has not been tried fairly."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_EVERY_SECONDS = 0.5


class Pulse:
    """Asks something small again and again for the time of a block, in a thread of its own.

    Args:
        asking: what to ask, in turn; one that fails counts for nothing, whoever noticed will say so.
    """

    def __init__(self, *asking: Callable[[], object]) -> None:
        self._asking = asking
        self._over = threading.Event()
        self._beats: list[float] = []
        self._due = time.perf_counter()

    def __enter__(self) -> Self:
        """Begin with the first question."""
        self._due = time.perf_counter()
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more. A question that was not answered by now counts with the time that it has taken so far."""
        self._over.set()
        late = time.perf_counter() - self._due
        if late > 0:
            self._beats.append(late)

    @property
    def longest(self) -> float:
        """Seconds from the moment when the slowest question was due to its answer."""
        return max(self._beats, default=0.0)

    @property
    def mean(self) -> float:
        """The same for all of them, on the average."""
        return sum(self._beats) / len(self._beats) if self._beats else 0.0

    def _beat(self) -> None:
        turn = 0
        while not self._over.is_set():
            try:
                self._asking[turn % len(self._asking)]()
            except Exception:  # noqa: BLE001 - another question of the grader meets the same, and ends the run
                answered = False
            else:
                answered = True
            now = time.perf_counter()
            if self._over.is_set():
                return
            if answered:
                self._beats.append(now - self._due)
            self._due = now + _EVERY_SECONDS
            turn += 1
            self._over.wait(_EVERY_SECONDS)
