"""The finance agency for its tests."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from finance_city import City, tiny_rows

from services.finance.app import SERVICE


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The tiny city, shared by tests that only read."""
    with City(tmp_path_factory.mktemp("quiet"), replace(SERVICE, seed=tiny_rows)) as city:
        yield city


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[City]:
    """The tiny city, fresh."""
    with City(tmp_path, replace(SERVICE, seed=tiny_rows)) as city:
        yield city


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A generated small city that tests only read."""
    with City(tmp_path_factory.mktemp("generated"), SERVICE) as city:
        yield city
