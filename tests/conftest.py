"""Real agencies for tests: the services' own process, on free ports, in folders of the test run."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from free_ports import free_base

from grader.city import Address, City
from grader.isolation import prefixes
from grader.run import Learner
from grader.workers import Room

ROOT = Path(__file__).resolve().parents[1]
OFFSETS = {
    file.parent.name: int(tomllib.loads(file.read_text(encoding="utf-8"))["port_offset"])
    for file in sorted((ROOT / "services").glob("*/service.toml"))
}
"""Every service that exists, and its port's place after the base."""


def _passed_on() -> dict[str, str]:
    """What the services' process needs of ours; with coverage's word, so that what it runs is counted."""
    return {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}


@dataclass
class Agencies:
    """The services' process; it can be killed and started again on the same ports and data."""

    folder: Path
    base: int = field(default_factory=lambda: free_base(OFFSETS.values()))
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        (run / "token").write_text(self.token)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", *OFFSETS, "--data", self.folder / "data", "--run", run],
                cwd=ROOT,
                env={"LAB_PORT_BASE": str(self.base), **_passed_on()},
                stdout=log,
                stderr=log,
            )
        while not self._is_ready():
            assert self.process.poll() is None, (self.folder / "log").read_text()

    def _is_ready(self) -> bool:
        """Whether every agency answers; asking again and again is the waiting."""
        try:
            return all(
                httpx.get(f"{address.url}/readyz", timeout=1.0).is_success for address in self.addresses.values()
            )
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    @property
    def addresses(self) -> dict[str, Address]:
        run = self.folder / "run"
        return {
            name: Address(f"http://127.0.0.1:{self.base + offset}", f"unix:{run / name}.sock")
            for name, offset in OFFSETS.items()
        }


@pytest.fixture(scope="session")
def agencies() -> Iterator[Agencies]:
    """Agencies shared by the tests that leave them running."""
    folder = Path(tempfile.mkdtemp(prefix="lab-t-"))
    found = Agencies(folder)
    found.start()
    yield found
    found.stop()
    shutil.rmtree(folder)


@pytest.fixture
def mortal_agencies() -> Iterator[Agencies]:
    """Agencies of a test's own, which it may kill."""
    folder = Path(tempfile.mkdtemp(prefix="lab-t-"))
    found = Agencies(folder)
    found.start()
    yield found
    found.stop()
    shutil.rmtree(folder)


@pytest.fixture
def city(agencies: Agencies) -> Iterator[City]:
    with City(agencies.addresses, agencies.token) as found:
        yield found


@pytest.fixture(scope="session")
def learner() -> Learner:
    """The participants' own interpreter, which the set-up made."""
    python = ROOT / ".lab" / "learner" / "bin" / "python"
    return Learner(python, tuple(prefixes(python)))


@pytest.fixture
def room(agencies: Agencies, learner: Learner) -> Room:
    return Room(agencies.addresses, agencies.token, learner, "test")


@pytest.fixture
def new_sandbox(city: City) -> Iterator[Callable[..., str]]:
    """Makes sandboxes, and removes them afterwards."""
    made: list[str] = []

    def make(**spec: object) -> str:
        name = f"t{secrets.token_hex(6)}"
        client = {"client_id": f"{name}-app", "client_secret": "not-a-secret-at-all", "scopes": ["population:read"]}
        city.create(name, {"seed": 5, "reference_date": "2026-11-02", "clients": [client], "durable": False, **spec})
        made.append(name)
        return name

    yield make
    for name in made:
        city.delete(name)
