"""Cities that the tests look at. Small ones are remembered by the world itself."""

from datetime import date

import pytest
from hypothesis import settings

from services.world import World, build

settings.register_profile("lab", deadline=None, derandomize=True)
settings.load_profile("lab")

REFERENCE = date(2026, 11, 22)


@pytest.fixture(params=[1, 20_261_122, 2**63 - 1])
def world(request: pytest.FixtureRequest) -> World:
    return build(request.param, "small", REFERENCE)


@pytest.fixture
def one_world() -> World:
    return build(7, "small", REFERENCE)
