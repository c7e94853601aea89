"""Making frozen, slotted dataclasses in bulk.

The `__init__` of a frozen dataclass sets each field through `object.__setattr__`, which for a record of 28 fields costs
more than everything else about a resident. A minter fills an unfrozen twin with the same slots by plain assignment and
then turns it into the frozen class, which Python allows between classes of equal layout. What comes out is an ordinary
instance: of the same type, equal to and hashed like one that was made the usual way, and just as frozen.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def minter(cls: Callable[P, T]) -> Callable[P, T]:
    """A function with the signature of a frozen, slotted dataclass without defaults, and five times as fast."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # a Callable that is a dataclass
    twin = type(f"_{cls.__name__}Twin", (), {"__slots__": tuple(names)})
    lines = [
        f"def mint({', '.join(names)}):",
        "    record = new(twin)",
        *(f"    record.{name} = {name}" for name in names),
        "    record.__class__ = cls",
        "    return record",
    ]
    scope: dict[str, Any] = {"new": object.__new__, "twin": twin, "cls": cls}
    exec("\n".join(lines), scope)  # noqa: S102 -- only names of our own fields go in, as in dataclasses itself
    minted: Callable[P, T] = scope["mint"]
    return minted


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cycle collector from looking through thousands of new records, none of which is part of a cycle.

    It takes a seventh of the time otherwise. When threads overlap, the first to leave lets it run again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
