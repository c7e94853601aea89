"""The engine that is missing, silent, closed or full: each said in its own words, provoked for real."""

import errno
import socket
from dataclasses import replace

import pytest

from lab.docker import words
from lab.docker.engine import Engine, where
from lab.outcomes import LabFailedError


def refused(settings, **changes):
    """What is said when an engine is connected with `settings`."""
    with pytest.raises(LabFailedError) as caught:
        Engine(replace(settings, **changes))
    return caught.value.problem.render("en"), caught.value.advice.render("en")


def test_no_docker_on_this_machine(contained, tmp_path):
    """Without the docker command and without a socket, Docker is not installed, and the lab works without it."""
    problem, advice = refused(
        contained, engine={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}, passed_on={"PATH": str(tmp_path)}
    )
    assert problem == "Docker is not installed on this computer."
    assert "unset LAB_MODE" in advice


def test_docker_that_does_not_run(contained, tmp_path):
    """With the command but with nobody behind the socket, it has to be started."""
    (tmp_path / "docker").touch(mode=0o755)
    where_it_was = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(where_it_was))
    problem, advice = refused(
        contained, engine={"DOCKER_HOST": f"unix://{where_it_was}"}, passed_on={"PATH": str(tmp_path)}
    )
    assert problem == f"Docker is installed, but does not answer at unix://{where_it_was}."
    assert "systemctl start docker" in advice


def test_an_engine_elsewhere_that_does_not_answer(contained, tmp_path):
    """Over TCP it is the same."""
    (tmp_path / "docker").touch(mode=0o755)
    problem, _advice = refused(
        contained, engine={"DOCKER_HOST": "tcp://127.0.0.1:1"}, passed_on={"PATH": str(tmp_path)}
    )
    assert problem == "Docker is installed, but does not answer at tcp://127.0.0.1:1."


def test_a_socket_that_is_closed_to_this_user():
    """The group docker is named; root is never refused, so the error is made here."""
    denied = PermissionError(errno.EACCES, "Permission denied")
    said = words.not_connected(denied, "unix:///var/run/docker.sock", installed=True)
    assert "This user may not use Docker" in said.problem.render("en")
    assert "usermod -aG docker" in said.advice.render("en")


def test_a_full_disk_is_said_as_such(contained, fake_engine):
    """What the engine says of its disk reaches people in words."""
    message = "write /var/lib/docker/tmp/x: no space left on device"
    host = fake_engine({"/info": (500, {"message": message})})
    with Engine(replace(contained, engine={"DOCKER_HOST": host})) as engine, pytest.raises(LabFailedError) as caught:
        engine.facts()
    assert caught.value.problem.render("en") == "The disk that Docker keeps its data on is full."
    assert message in caught.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        (404, {"message": "manifest for postgres:17 not found"}),
        (500, {"message": "Get https://registry.example/v2/: dial tcp: lookup registry.example: no such host"}),
        (200, b'{"status": "Pulling"}\r\n{"error": "net/http: TLS handshake timeout"}\r\n'),
    ],
)
def test_an_image_that_cannot_be_fetched_names_the_kit(contained, fake_engine, answer):
    """Offline, or with a wrong name, the kit's images are the way on."""
    host = fake_engine({"/images/create": answer})
    with Engine(replace(contained, engine={"DOCKER_HOST": host})) as engine, pytest.raises(LabFailedError) as caught:
        list(engine.pull("postgres:17"))
    assert "postgres:17 is not on this computer" in caught.value.problem.render("en")
    assert "docker load -i" in caught.value.advice.render("en")


def test_the_engine_is_where_the_command_line_finds_it(contained, tmp_path):
    """What DOCKER_HOST says comes first; without any word it is the usual socket."""
    assert where(replace(contained, engine={"DOCKER_HOST": "tcp://x:1"}))["DOCKER_HOST"] == "tcp://x:1"
    assert where(replace(contained, engine={}))["DOCKER_HOST"].startswith(("unix://", "npipe://"))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Bind for 127.0.0.1:8101 failed: port is already allocated", "Port 8101 is already used by"),
        ("listen tcp4 127.0.0.1:8102: bind: address already in use", "Port 8102 is already used by"),
        ("failed to write: no space left on device", "The disk that Docker keeps its data on is full."),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "does not answer"),
        ("pull access denied for spbe-lab/services, repository does not exist", "The image spbe-lab/services is not"),
        (
            "failed to resolve source metadata for docker.io/library/python:3.13-slim: x",
            "The image python:3.13-slim is",
        ),
        ("something nobody has seen before", "Docker Compose could not start the lab."),
    ],
)
def test_what_compose_says_is_put_into_words(said, problem):
    """Each known failure has a sentence of its own; an unknown one is shown as it is."""
    failed = words.compose_failed(["", said])
    assert problem in failed.problem.render("en")
    assert failed.advice.render("en")
