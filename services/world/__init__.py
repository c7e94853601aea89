"""Kota Digital Sejahtera: a fictitious city as a pure function of a seed, a size and a reference date.

`build` gives a `World`, whose sections are generated when they are first asked for; the values it consists of are in
`services.world.entities`, the parsers of Indonesian identifiers in `services.world.identifiers`, and Faker providers
that can be used on their own in `services.world.providers`. Nobody real can be in it: see `README.md`.
"""

from datetime import date
from functools import lru_cache

from services.world.city import World
from services.world.digest import digest
from services.world.entities import Size

__all__ = ["Size", "World", "build", "digest"]

_REMEMBERED = 4


@lru_cache(maxsize=_REMEMBERED)
def _small(seed: int, reference_date: date) -> World:
    return World(seed, "small", reference_date)


def build(seed: int, size: Size, reference_date: date) -> World:
    """The city for these inputs.

    The last few small ones are remembered, because the agencies of one process ask for the same at the same moment;
    larger ones are made anew at each call, so their memory is freed with them.

    Args:
        seed: Any whole number from 0.
        size: "small" (about 1,000 residents), "medium" (10,000) or "large" (100,000).
        reference_date: The city's today, in 2015 to 2089; no date in it comes from a clock.

    Raises:
        ValueError: For a reference date outside those years.
    """
    return _small(seed, reference_date) if size == "small" else World(seed, size, reference_date)
