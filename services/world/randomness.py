"""Chance that can be asked for in any order: a stream of numbers per entity, and shuffles that need no list.

Only `random()` of a seeded `random.Random` is used, because Python promises that exactly this method gives the same
numbers in every version; `choice`, `shuffle` and the like carry no such promise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A one-to-one mapping of 0 … size-1 onto itself, computed, not stored: `(multiplier * i + shift) mod size`."""

    size: int
    multiplier: int
    shift: int
    inverse: int

    def rank(self, index: int) -> int:
        """Where `index` stands after shuffling."""
        return (index * self.multiplier + self.shift) % self.size

    def index(self, rank: int) -> int:
        """The opposite of `rank`."""
        return (rank - self.shift) * self.inverse % self.size


def shuffle(key: int, size: int) -> Shuffle:
    """The shuffle of 0 … size-1 that belongs to `key`. Multipliers near the golden ratio spread neighbours widely."""
    shift = key % size
    multiplier = max(1, round(size * 0.6180339887) - 2 * (key // size % (size // 20 + 1))) | 1
    while True:
        try:
            return Shuffle(size, multiplier, shift, pow(multiplier, -1, size))
        except ValueError:  # shares a factor with size
            multiplier += 2
