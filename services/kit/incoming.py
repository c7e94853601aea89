"""A request, read whole, before anyone knows whose it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from services.kit.language import preferred
from services.kit.problems import Problem
from services.kit.tokens import Caller


@dataclass(slots=True)
class Incoming:
    """A request, read whole.

    Attributes:
        headers: by lower-case name; `header_list` has them as they came.
        trouble: why it cannot be carried out whoever calls, if so; told once the call is counted.
        route: template of the route that it met.
        fault: kind of the fault that struck it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    header_list: list[tuple[bytes, bytes]]
    body: bytes
    request_id: str
    trace_id: str
    started: float
    trouble: Problem | None = None
    route: str = "-"
    fault: str = ""

    @property
    def language(self) -> str:
        """The language the caller asked for."""
        return preferred(self.headers.get(b"accept-language", b"").decode("latin-1"))


Identify = Callable[[Incoming], Awaitable[Caller]]
"""Tells who calls, or raises a 401 `Problem`."""
