"""Replicas over a real PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

sys.path.insert(0, str(Path(__file__).parents[1] / "kit"))
sys.path.insert(0, str(Path(__file__).parent))

from fleet import Fleet
from postgresql_cluster import Cluster


@pytest.fixture(scope="session")
def key() -> RSAKey:
    """The key that signs the tests' tokens."""
    return RSAKey.generate_key(2048, {"kid": "tests", "use": "sig"})


@pytest.fixture(scope="session")
def _fleet(postgresql: Cluster, key: RSAKey) -> Iterator[Fleet]:
    with Fleet(postgresql.made(), key, 3) as started:
        yield started


@pytest.fixture
def fleet(_fleet: Fleet) -> Fleet:
    """Three replicas, all running; a test may kill them, and makes sandboxes of its own."""
    return _fleet.healed()
