"""The sample agency for the kit's tests: in this process through ASGI, or served by a process of its own."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from joserfc.jwk import RSAKey

sys.path.insert(0, str(Path(__file__).parent))

from census import ROWS, TABLES, people
from postgresql_cluster import Cluster
from sample.lab import InProcess, Served
from shelves import Make, Shelf
from sqlalchemy import MetaData

from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.sqlite import SqliteStore
from services.kit.store import Database

# A laptop may be busy with something else: how long an example takes says nothing.
settings.register_profile("lab", deadline=None, derandomize=True)
settings.load_profile("lab")


@pytest.fixture(scope="session")
def key() -> RSAKey:
    """The key that signs the tests' tokens."""
    return RSAKey.generate_key(2048, {"kid": "tests", "use": "sig"})


ON_EACH_STORE = frozenset({"test_faults", "test_idempotency", "test_journal"})
"""Modules whose tests of the sample agency are held against both stores."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give those tests the sample agency on each store."""
    if "lab" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_EACH_STORE:
        metafunc.parametrize("lab", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path, key: RSAKey) -> Iterator[InProcess]:
    """The sample agency in this process, with a clock that the test moves."""
    on_files = getattr(request, "param", "sqlite") == "sqlite"
    database = None if on_files else request.getfixturevalue("postgresql").made()
    with InProcess(tmp_path / "data", key, database=database) as opened:
        yield opened


@pytest.fixture
def room(tmp_path: Path, key: RSAKey, postgresql: Cluster) -> Iterator[InProcess]:
    """The sample agency in this process, over PostgreSQL."""
    with InProcess(tmp_path / "data", key, database=postgresql.made()) as opened:
        yield opened


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, key: RSAKey) -> Iterator[Served]:
    """The sample agency in a process of its own, over real HTTP; a test makes its own sandboxes in it."""
    with Served(tmp_path_factory.mktemp("served"), key) as started:
        started.start()
        yield started


@pytest.fixture
def own(tmp_path: Path, key: RSAKey) -> Iterator[Served]:
    """The sample agency in a process that the test starts, kills and starts again."""
    with Served(tmp_path, key) as prepared:
        yield prepared


@pytest.fixture(params=["sqlite", "postgresql"])
def mortal(request: pytest.FixtureRequest, tmp_path: Path, key: RSAKey) -> Iterator[Served]:
    """The same, on each store."""
    database = None if request.param == "sqlite" else request.getfixturevalue("postgresql").made()
    with Served(tmp_path, key, database) as prepared:
        yield prepared


@pytest.fixture(params=["sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Each store in turn, empty."""
    if request.param == "sqlite":
        make: Make = partial(SqliteStore, tmp_path / "store")
    else:
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.made()

        def make(tables: MetaData, worker: Any, **told: Any) -> PostgreSqlStore:
            return PostgreSqlStore(Connections(url, 4), "sample", tables, worker, **told)

    with Shelf(make, TABLES) as opened:
        yield opened


@pytest.fixture
def database(shelf: Shelf) -> Database:
    """A sandbox with three people in it."""
    shelf.create("city", [(people, ROWS), (people, [])])
    return shelf.open("city")
