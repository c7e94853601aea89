"""Real PostgreSQL servers for whoever's store is one; without the binaries those tests are skipped, or fail if told."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from postgresql_cluster import Cluster, binaries


def _cluster(*, safe: bool) -> Cluster:
    folder = binaries()
    if folder is None:
        message = "PostgreSQL's server (postgres, initdb) is not installed on this machine"
        if os.environ.get("LAB_REQUIRE_POSTGRESQL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    found = Cluster(folder, safe=safe)
    found.start()
    return found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A server for all tests that leave it running; each makes a database of its own in it."""
    found = _cluster(safe=False)
    yield found
    found.remove()


@pytest.fixture
def mortal_postgresql() -> Iterator[Cluster]:
    """A server of a test's own, which waits for the disk and may be stopped."""
    found = _cluster(safe=True)
    yield found
    found.remove()
