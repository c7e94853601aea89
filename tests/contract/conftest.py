"""Every service folder there is, and a town in the real agencies to try them in; a new service needs nothing here."""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.city import City

sys.path.insert(0, str(Path(__file__).parent))

from towns import SERVICES, Guide, Town

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a `service` once for each."""
    if "service" in metafunc.fixturenames:
        metafunc.parametrize("service", SERVICES)


@pytest.fixture
def new_town(city: City) -> Iterator[Callable[..., Town]]:
    """Makes towns, and removes them afterwards."""
    made: list[Town] = []

    def make(**spec: object) -> Town:
        made.append(Town(city, f"t{secrets.token_hex(6)}", **spec))
        return made[-1]

    yield make
    for town in made:
        city.delete(town.name)


@pytest.fixture(scope="module")
def town(agencies) -> Iterator[Town]:
    """One town for the tests of a module that leave it as it was."""
    with City(agencies.addresses, agencies.token) as city:
        made = Town(city, f"t{secrets.token_hex(6)}")
        yield made
        city.delete(made.name)


@pytest.fixture(scope="module")
def _guides() -> dict[str, Guide]:
    return {}


@pytest.fixture
def guide(town: Town, service: str, _guides: dict[str, Guide]) -> Guide:
    """The way to every answer of a service in that town, found once."""
    if service not in _guides:
        _guides[service] = Guide(town, service)
    return _guides[service]


@pytest.fixture(scope="session")
def browser() -> str:
    """The browser there is; without one its tests are skipped, but never in CI."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        missing = f"no browser is installed, none of {', '.join(BROWSERS)}"
        assert os.environ.get("CI") != "true", missing
        pytest.skip(missing)
    return found
