"""How fast a city is generated: `python bench/world.py`. Figures are of one core, best and middle of several runs."""

import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from services.world.city import World

REFERENCE = date(2026, 11, 22)
EVERYTHING = ("residents", "businesses", "applications", "civil_servants", "budget", "sp2ds", "bills")


def seconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Best and middle time of several runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times), median(times)


def whole_small_world(seed: int) -> None:
    world = World(seed, "small", REFERENCE)
    for section in EVERYTHING:
        getattr(world, section)
    _ = world.truth.applications


def main() -> None:
    start = time.perf_counter()
    whole_small_world(0)
    print(f"first small world of a process (imports Faker)    {1000 * (time.perf_counter() - start):8.1f} ms")
    seeds = iter(range(1, 1000))
    best, middle = seconds(lambda: whole_small_world(next(seeds)), 30)
    print(f"small world, all sections       best {1000 * best:8.1f} ms   middle {1000 * middle:8.1f} ms   (reach 60)")
    residents = len(World(1, "large", REFERENCE).residents)
    best, middle = (residents / time for time in seconds(lambda: World(1, "large", REFERENCE).residents, 5))
    print(f"large world, {residents:,} residents     best {best:8,.0f} /s   middle {middle:8,.0f} /s   (reach 50,000)")


if __name__ == "__main__":
    main()
