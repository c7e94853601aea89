"""The lab in real containers, built once and started once for all tests, whichever processes they run in."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from grader.city import City
from lab.filelock import held

sys.path.insert(0, str(Path(__file__).parent))

from stacks import ROOT, TARGETS, VERSION, Stack, borrowed, docker, lacking, started

REFERENCE_DATE = "2026-11-02"


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine; where there is none, these tests are left out, or fail under LAB_REQUIRE_DOCKER=1."""
    reason = lacking()
    if reason and os.environ.get("LAB_REQUIRE_DOCKER") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    tool = next((up / "shared/tools/docker-engine" for up in ROOT.parents if (up / "shared/tools").is_dir()), None)
    if tool is not None and tool.exists() and os.geteuid() == 0:
        subprocess.run([ROOT / "deploy/stand-ins.sh", tool], check=True, timeout=600, capture_output=True)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def images(engine: None, shared: Path) -> Mapping[str, str]:
    """The images by target, just built."""
    tags = {target: f"spbe-lab/{target}:{VERSION}" for target in TARGETS}
    built = shared / "images-built"
    with held(shared / "images.lock", 900):
        if not built.exists():
            for target, tag in tags.items():
                docker(
                    "buildx",
                    "build",
                    "--load",
                    "--progress",
                    "plain",
                    "--target",
                    target,
                    "--tag",
                    tag,
                    str(ROOT),
                    patience=900,
                )
            built.touch()
    return tags


@pytest.fixture(scope="session")
def stack(images: Mapping[str, str], shared: Path) -> Iterator[Stack]:
    """A running lab that all tests share: whoever comes first starts it, whoever goes last removes it."""
    facts, users = shared / "stack.json", shared / "stack-users"
    with held(shared / "stack.lock", 300):
        if borrowed(users, 1) == 1:
            try:
                found = started(lambda: shared / f"secrets-{secrets.token_hex(3)}")
            except BaseException:
                borrowed(users, -1)
                raise
            facts.write_text(json.dumps([found.project, found.base, str(found.secrets)]))
        project, base, folder = json.loads(facts.read_text())
    found = Stack(project, base, Path(folder))
    yield found
    with held(shared / "stack.lock", 300):
        if borrowed(users, -1) == 0:
            found.down()


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, shared: Path) -> Iterator[None]:
    """One test at a time has the shared lab, for some of them stop parts of it."""
    if "stack" not in request.fixturenames:
        yield
        return
    with held(shared / "turn.lock", 900):
        yield


@pytest.fixture
def stack_city(stack: Stack) -> Iterator[City]:
    with City(stack.addresses, stack.token) as found:
        yield found


@pytest.fixture
def participant(stack_city: City) -> Iterator[Callable[[], httpx.Client]]:
    """Makes sandboxes; gives a client for each, which carries the sandbox's token and connects anew for every call."""
    made: list[str] = []
    clients: list[httpx.Client] = []

    def make() -> httpx.Client:
        name = f"t{secrets.token_hex(6)}"
        made.append(name)
        account = {"client_id": f"{name}-app", "client_secret": "not-a-secret-at-all", "scopes": ["population:read"]}
        stack_city.create(name, {"seed": 5, "size": "small", "reference_date": REFERENCE_DATE, "clients": [account]})
        client = httpx.Client(headers={"connection": "close"}, timeout=30)
        clients.append(client)
        asked = {"grant_type": "client_credentials", "client_id": f"{name}-app", "client_secret": "not-a-secret-at-all"}
        answer = client.post(stack_city.services["identity"].url + "/oauth2/token", data=asked)
        client.headers["authorization"] = "Bearer " + answer.raise_for_status().json()["access_token"]
        client.headers["x-sandbox"] = name
        return client

    yield make
    for client in clients:
        client.close()
    for name in made:
        stack_city.delete(name)
