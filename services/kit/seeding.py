"""What a sandbox begins with: an agency's view of the world. A module of its own, for another process loads it too."""

from collections.abc import Callable

from services.kit.specs import SandboxSpec
from services.kit.store import Seed
from services.world import World, build

Seeder = Callable[[World, SandboxSpec], Seed]
"""An agency's `seed.rows`."""


def seeded(rows: Seeder, spec: SandboxSpec) -> Seed:
    """Give the rows of a new sandbox."""
    return rows(build(spec.seed, spec.size, spec.reference_date), spec)
