"""The images: small, closed, without tools that only building needs, and the learners' one without any answer."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from stacks import ROOT, TARGETS, docker

BASE = "python:3.13-slim"
MOST_BYTES = 250_000_000
OURS = ("/opt/", "/app/")
BUILD_TOOLS = ("gcc", "cc", "g++", "clang", "ld", "make", "cmake", "cargo", "rustc", "git")
LISTING = r"find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f -print"


def described(image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", image))[0]
    return found


def inside(image: str, *command: str) -> str:
    """What a command prints in a fresh container of the image, which has no network."""
    return docker("run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:])


@cache
def files(image: str) -> frozenset[str]:
    listed = docker("run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", image, "-c", LISTING)
    return frozenset(listed.splitlines())


def added(image: str) -> frozenset[str]:
    """The files that the image has and its base has not."""
    return files(image) - files(BASE)


@pytest.fixture(params=TARGETS)
def image(request: pytest.FixtureRequest, images: Mapping[str, str]) -> str:
    return images[request.param]


def test_size(image: str) -> None:
    """An image is at most 250 MB larger than its base, on whose layers it stands."""
    base, mine = described(BASE), described(image)
    layers = base["RootFS"]["Layers"]
    assert mine["RootFS"]["Layers"][: len(layers)] == layers
    assert mine["Size"] - base["Size"] <= MOST_BYTES


def test_user(image: str) -> None:
    """An image runs as a user told by number, who is not root and can change no file of it."""
    user, _colon, group = described(image)["Config"]["User"].partition(":")
    assert user.isdigit()
    assert group.isdigit()
    assert int(user) > 0
    assert int(group) > 0
    assert inside(image, "id", "-u").strip() == user
    writable = inside(image, "sh", "-c", "find /opt /app /usr /etc -xdev ! -type l -writable 2>/dev/null; true")
    assert writable == ""


def test_nothing_of_building(image: str) -> None:
    """No compiler, no pip of its own, no cache of pip, no sources of compiled modules were added by building."""
    assert all(file.startswith(OURS) for file in added(image)), sorted(added(image))[:20]
    found = inside(image, "sh", "-c", f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; true")
    assert found == ""
    assert not [file for file in added(image) if "/site-packages/pip/" in file or file.endswith((".c", ".pyx", ".whl"))]


def test_bytecode(image: str) -> None:
    """Every module lies there compiled, so that starting neither compiles nor writes."""
    there = added(image)
    sources = [file for file in there if file.endswith(".py") and "/exercises/" not in file]
    assert len(sources) > 20
    assert [source for source in sources if compiled(source) not in there] == []
    assert "PYTHONDONTWRITEBYTECODE=1" in described(image)["Config"]["Env"]


def compiled(source: str) -> str:
    """Where the bytecode of a module belongs."""
    folder, _slash, name = source.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.cpython-313.pyc"


def test_health_of_services(images: Mapping[str, str]) -> None:
    """The services' image knows how to tell whether its service is ready, without curl."""
    check = described(images["services"])["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    assert "curl" not in " ".join(check)


def test_learner_image_holds_no_answer(images: Mapping[str, str]) -> None:
    """Beside the interpreter and its packages, a learner's program meets the keeper, and nothing else of ours."""
    there = added(images["learner"])
    keeper = "/opt/keeper/grader/isolation/keeper/"
    others = [file for file in there if not file.startswith(("/opt/learner/", keeper))]
    assert others == []
    assert f"{keeper}__main__.py" in there

    secret = {
        hashlib.sha256(file.read_bytes()).hexdigest(): file
        for part in ("exercises", "grader", "lab", "services", "tests")
        for file in (ROOT / part).rglob("*")
        if file.is_file() and file.stat().st_size and "keeper" not in file.parts and "__pycache__" not in file.parts
    }
    listed = inside(images["learner"], "sh", "-c", "find /opt -type f -exec sha256sum {} +")
    shown = {line.split(maxsplit=1)[0] for line in listed.splitlines()}
    assert len(shown) > 100
    assert [secret[digest] for digest in shown & secret.keys()] == []


def test_learner_interpreter(images: Mapping[str, str]) -> None:
    """A learner's program finds httpx, and neither the grader nor the services nor pip."""
    program = (
        "import httpx, importlib.util as u; print([n for n in ('grader', 'services', 'lab', 'pip') if u.find_spec(n)])"
    )
    assert inside(images["learner"], "python", "-c", program).strip() == "[]"


@pytest.mark.parametrize("target", ["services", "grader"])
def test_no_solutions(images: Mapping[str, str], target: str) -> None:
    """No image holds a reference solution or what else only authors need."""
    parts = {part for file in added(images[target]) for part in file.split("/")}
    assert not parts & {"solution", "right", "wrong", "tests", ".lab", ".git"}
