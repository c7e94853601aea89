"""The finance agency for its tests."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from finance_city import City, tiny_rows
from finance_process import Process

from services.finance.app import SERVICE


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The tiny city, shared by tests that only read."""
    with City(tmp_path_factory.mktemp("quiet"), replace(SERVICE, seed=tiny_rows)) as city:
        yield city


@pytest.fixture(scope="session")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The tiny city that tests change; see `tiny`."""
    with City(tmp_path_factory.mktemp("changing"), replace(SERVICE, seed=tiny_rows)) as city:
        yield city


@pytest.fixture
def tiny(changing: City) -> City:
    """The tiny city as it was seeded."""
    changing.reset()
    return changing


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A generated small city that tests only read."""
    with City(tmp_path_factory.mktemp("generated"), SERVICE) as city:
        yield city


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Identity and finance over real HTTP, with a generated city."""
    with Process(tmp_path_factory.mktemp("served")) as process:
        process.create()
        yield process


@pytest.fixture
def restored(served: Process) -> Process:
    """The served city as it was seeded."""
    assert served.back("POST", "/reset").status_code == 204
    return served
