"""Chance that can be asked for in any order: a stream of numbers per entity, and orders that belong to a key.

Only `random()` of a seeded `random.Random` is used, because Python promises that exactly this method gives the same
numbers in every version; `choice`, `shuffle` and the like carry no such promise.
"""

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")
Draw = Callable[[], float]
"""Gives the next number of a stream, at least 0 and below 1."""


def section_key(seed: int, reference_date: date, section: str) -> int:
    """A large number that belongs to one section ("families", "businesses") of one city."""
    digest = blake2b(f"{seed}/{reference_date.isoformat()}/{section}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def stream(key: int, index: int) -> Draw:
    """The numbers of one entity: equal for equal `key` and `index`, whatever was drawn before for others."""
    return Random(key + index).random  # noqa: S311 -- a fictitious city, not a secret


def pick(draw: Draw, items: Sequence[T]) -> T:
    """One of `items`, which must not be empty."""
    return items[int(draw() * len(items))]


def between(draw: Draw, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included; `low` when the range is empty."""
    return low + int(draw() * (high - low + 1)) if high > low else low


class Shuffle:
    """A random order of 0 … size-1, and where each of them stands in it."""

    __slots__ = ("order", "ranks")

    def __init__(self, key: int, size: int) -> None:
        draw = stream(key, 0)
        order = list(range(size))
        for last in range(size - 1, 0, -1):  # Fisher and Yates
            other = int(draw() * (last + 1))
            order[last], order[other] = order[other], order[last]
        ranks = [0] * size
        for rank, index in enumerate(order):
            ranks[index] = rank
        self.order = order
        self.ranks = ranks
