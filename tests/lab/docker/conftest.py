"""A small clone whose agencies are containers of a few lines, and an engine of our own that goes wrong as told."""

import json
import os
import secrets
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lab.docker.town import Town, project
from lab.ports import is_free
from lab.settings import Settings

AGENCY = """
import http.server, sys, urllib.request
if sys.argv[1:]:
    sys.exit(urllib.request.urlopen("http://127.0.0.1:8000/readyz").status != 200)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *words):
        pass
print("alpha is open", flush=True)
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""

COMPOSE = """
x-agency: &agency
  image: spbe-lab/services:${LAB_VERSION:-dev}
  command: [python, /agency.py]
  init: true
  stop_grace_period: 1s
  healthcheck: {test: [CMD, python, /agency.py, well], interval: 1s, start_period: 1s}
  volumes: ["kept:/kept"]
services:
  alpha: {<<: *agency, ports: ["127.0.0.1:ALPHA:8000"]}
  beta: {<<: *agency, ports: ["127.0.0.1:BETA:8000"]}
  gateway: {<<: *agency}
  postgres: {<<: *agency, image: "python:3.13-slim", command: [sleep, infinity], healthcheck: {test: [CMD, "true"]}}
volumes:
  kept: {}
"""

DOCKERFILE = """
FROM python:3.13-slim AS services
COPY services/agency.py /agency.py
FROM python:3.13-slim AS learner
"""


@pytest.fixture(scope="session")
def engine_there() -> None:
    """A container engine, which these tests need."""
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False) if _has_docker() else None
    there = done is not None and done.returncode == 0
    if there:
        there = subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    if not there:
        assert os.environ.get("LAB_REQUIRE_DOCKER") != "1", "there is no engine, and LAB_REQUIRE_DOCKER is 1"
        pytest.skip("there is no container engine with Compose here")


def _has_docker() -> bool:
    return shutil.which("docker") is not None


@pytest.fixture
def contained(settings: Settings) -> Settings:
    """Settings of a clone in docker mode, with images of its own name."""
    while not all(is_free(settings.port_base + offset + 50) for offset in range(10)):
        settings = replace(settings, port_base=settings.port_base + 200)
    root, base = settings.root, settings.port_base
    files = {
        "Dockerfile": DOCKERFILE,
        "docker-compose.yml": COMPOSE.replace("ALPHA", str(base + 1)).replace("BETA", str(base + 2)),
        "services/agency.py": AGENCY,
        "requirements/image.lock": "",
        "requirements/learner.lock": "",
        "deploy/gateway/haproxy.cfg": "",
        "deploy/image/environment.sh": "",
        "grader/isolation/keeper/keeper.py": "",
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    names = ("PATH", "HOME")
    passed_on = {name: os.environ[name] for name in names if name in os.environ}
    return replace(settings, mode="docker", version=f"t{secrets.token_hex(4)}", passed_on=passed_on)


@pytest.fixture
def town(contained: Settings, engine_there: None) -> Iterator[Town]:
    """The containers of that clone; removed with their volumes and images afterwards."""
    said: list[str] = []
    made = Town(contained, lambda text: said.append(str(text)))
    made.said = said  # type: ignore[attr-defined]  # for the tests to look at
    yield made
    names = ["docker", "compose", "--project-name", project(contained)]
    subprocess.run([*names, "down", "--volumes", "--timeout", "1"], cwd=contained.root, capture_output=True, check=True)
    for target in ("services", "learner"):
        image = f"spbe-lab/{target}:{contained.version}"
        subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)


class FakeEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An engine on a socket file that answers what it is told to, by path."""

    daemon_threads = True
    answers: dict[str, tuple[int, object]]


class FakeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "-"

    def log_message(self, *_words: object) -> None:
        """Nothing is logged."""

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        path = path.removeprefix("/v" + path.split("/")[1].removeprefix("v")) if path.startswith("/v1.") else path
        status, content = self.server.answers.get(path, (404, {"message": f"no such page {path}"}))  # type: ignore[attr-defined]
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names


@pytest.fixture
def fake_engine(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts an engine with these answers beside those that every engine gives; returns where it is."""
    servers = []

    def start(answers: dict[str, tuple[int, object]]) -> str:
        path = tmp_path / f"engine{len(servers)}.sock"
        server = FakeEngine(str(path), FakeHandler)
        server.answers = {"/version": (200, {"ApiVersion": "1.41", "Version": "99"}), **answers}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"unix://{path}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
