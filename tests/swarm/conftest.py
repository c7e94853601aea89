"""A lab on a Swarm of two machines, made once for all tests here, and removed with everything it consists of."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from machines import machines
from swarmlab import VERSION, SwarmLab

from lab import settings
from lab.docker import images
from lab.docker.engine import Engine
from lab.filelock import held

OTHERS = ("haproxy:3.0", "postgres:17")
TARGETS = ("services", "learner", "grader")


def lacking() -> str | None:
    """Why no Swarm can be made here, or None."""
    missing = [name for name in ("docker", "dockerd", "ip", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"these commands are missing here: {', '.join(missing)}"
    if os.geteuid() != 0:
        return "engines in network namespaces need root"
    done = subprocess.run(["docker", "info"], check=False, capture_output=True, timeout=60)
    return None if done.returncode == 0 else "`docker info` does not answer here"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def built(shared: Path) -> list[str]:
    """The lab's images, just built on the machine's own engine."""
    reason = lacking()
    if reason and os.environ.get("LAB_REQUIRE_DOCKER") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    chosen = settings.read({**os.environ, "LAB_VERSION": VERSION})
    with held(shared / "swarm-images.lock", 1800), Engine(chosen) as engine:
        images.ensure(chosen, engine, list(OTHERS), lambda _step: None, TARGETS)
    return [images.name(target, VERSION) for target in TARGETS]


@pytest.fixture(scope="module")
def swarm(built: list[str], shared: Path) -> Iterator[SwarmLab]:
    """Of all processes of this test run, one at a time has a Swarm."""
    folder = Path(tempfile.mkdtemp(prefix="swarm-"))
    try:
        with held(shared / "swarm.lock", 1800), machines(folder, 2, [*built, *OTHERS]) as found:
            made = SwarmLab(folder / "home", found, dict(os.environ))
            made.home.mkdir()
            made.lab("up")
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
