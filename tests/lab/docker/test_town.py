"""A lab of containers, started and stopped for real on a small clone."""

import json
import socket
import stat
import subprocess
from dataclasses import replace

import pytest

from lab.docker import images, keys
from lab.docker.town import Town, project
from lab.outcomes import LabFailedError, WrongUsageError
from lab.running import Begun, Condition, running


def start(town):
    return town.start(lambda ready, total: None, lambda: None)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_the_life_of_a_lab(town, contained):
    """It is built, started, found again, looked at, stopped; what its volumes hold is there after it starts again."""
    assert town.condition() is Condition.STOPPED
    assert town.stop(lambda: None) is False
    seen = []
    started = town.start(lambda ready, total: seen.append((ready, total)), lambda: None)
    assert started.how is Begun.STARTED
    assert seen[0] == (0, 2)
    assert any("Building spbe-lab/services" in line for line in town.said)
    assert dict(started.record.services) == {
        "alpha": f"http://127.0.0.1:{contained.port_base + 1}",
        "beta": f"http://127.0.0.1:{contained.port_base + 2}",
    }
    assert started.record.backdoor("beta") == f"http://127.0.0.1:{contained.port_base + 52}"
    assert start(town).how is Begun.ALREADY
    assert town.condition() is Condition.RUNNING
    parts = {part.name: part for part in town.parts()}
    assert parts.keys() == {"alpha", "beta", "gateway", "postgres"}
    assert (parts["alpha"].state, parts["alpha"].restarts) == ("healthy", 0)
    assert parts["alpha"].memory_bytes > 1_000_000
    assert "alpha | alpha is open" in list(town.log_lines("alpha", lines=5, follow=False))
    with pytest.raises(WrongUsageError, match="gamma"):
        list(town.log_lines("gamma", lines=5, follow=False))

    container = docker("ps", "--quiet", "--filter", f"name={project(contained)}-alpha")
    docker("exec", container, "sh", "-c", "echo here > /kept/word")
    docker("kill", container)
    assert town.condition() is Condition.CRASHED
    assert start(town).how is Begun.MENDED
    assert town.stop(lambda: None) is True
    assert town.record() is None
    assert docker("ps", "--all", "--quiet", "--filter", f"name={project(contained)}") == ""
    assert start(town).how is Begun.STARTED
    container = docker("ps", "--quiet", "--filter", f"name={project(contained)}-alpha")
    assert docker("exec", container, "cat", "/kept/word") == "here"


def test_new_code_makes_new_images(town, contained):
    """Unchanged code is not built again; changed code is, and the lab is started with it."""
    start(town)
    town.said.clear()
    town._file.unlink()
    start(town)
    assert town.said == []
    source = contained.root / "services" / "agency.py"
    source.write_text(source.read_text().replace("alpha is open", "alpha is open anew"))
    assert start(town).how is Begun.RENEWED
    assert any("Building spbe-lab/services" in line for line in town.said)
    assert not any("learner" in line for line in town.said)
    assert "alpha | alpha is open anew" in list(town.log_lines("alpha", lines=5, follow=False))


def test_logs_are_followed_until_the_containers_end(town, contained):
    """Following gives lines as they come and ends with the containers."""
    start(town)
    followed = town.log_lines("alpha", lines=5, follow=True)
    assert next(followed) == "alpha | alpha is open"
    docker("kill", docker("ps", "--quiet", "--filter", f"name={project(contained)}-alpha"))
    assert list(followed) == []


def test_a_taken_port_is_told_by_who_has_it(town, contained):
    """A port of an agency or of a back door that a program has is named before anything starts."""
    taken = ("127.0.0.1", contained.port_base + 52)
    with socket.create_server(taken), pytest.raises(LabFailedError) as caught:
        start(town)
    assert f"Port {contained.port_base + 52} is already used by" in caught.value.problem.render("en")
    assert "process" in caught.value.problem.render("en")


def test_a_port_that_a_container_has_is_told_by_its_name(town, contained):
    """A neighbour's container is named, not the engine's own process."""
    port = f"127.0.0.1:{contained.port_base + 1}:80"
    other = docker("run", "--rm", "--detach", "--publish", port, "python:3.13-slim", "sleep", "60")
    name = docker("inspect", "--format", "{{.Name}}", other).lstrip("/")
    try:
        with pytest.raises(LabFailedError, match=name):
            start(town)
    finally:
        docker("kill", other)


def test_a_build_that_fails_shows_its_last_lines(town, contained):
    """What the failing step said is shown."""
    (contained.root / "Dockerfile").write_text("FROM python:3.13-slim AS services\nRUN echo sayang sekali; exit 7\n")
    with pytest.raises(LabFailedError) as caught:
        start(town)
    assert caught.value.problem.render("en") == "The image spbe-lab/services could not be built."
    assert "sayang sekali" in caught.value.detail or "exit code: 7" in caught.value.detail
    assert "docker load" in caught.value.advice.render("en")


def test_a_base_image_that_cannot_be_had_names_the_kit(town, contained):
    """Without internet the build's own base may be missing."""
    (contained.root / "Dockerfile").write_text("FROM 127.0.0.1:1/nowhere:1 AS services\n")
    with pytest.raises(LabFailedError) as caught:
        start(town)
    assert "docker load -i" in caught.value.advice.render("en")


def test_an_agency_that_is_never_well_fails_the_start(town, contained):
    """Compose says which container it was, and its words are shown."""
    compose = contained.root / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("command: [python, /agency.py]", 'command: [sh, -c, "exit 3"]'))
    with pytest.raises(LabFailedError) as caught:
        start(town)
    assert caught.value.problem.render("en") == "Docker Compose could not start the lab."
    assert "exited (3)" in caught.value.detail


def test_compose_must_be_there_and_new_enough(contained, town, tmp_path):
    """A docker command without Compose, or with an old one, is told apart from a broken lab."""
    for version, sentence in (("", "is not known"), ("2.5.1", "is too old")):
        fake = tmp_path / f"bin{version}" / "docker"
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\n[ -n '{version}' ] && echo {version} || exit 1\n")
        fake.chmod(0o755)
        path = {"PATH": f"{fake.parent}:{contained.passed_on['PATH']}"}
        with pytest.raises(LabFailedError, match=sentence):
            start(Town(replace(contained, passed_on={**contained.passed_on, **path}), lambda _text: None))


def test_secrets_are_made_once_and_kept_private(contained):
    """Nobody else gets into the folder; a second start finds the same; the signing key is one."""
    place = keys.make(contained)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    before = {file.name: file.read_text() for file in place.iterdir()}
    assert before.keys() == {"backdoor_token", "database_password", "signing_key"}
    assert before["signing_key"].startswith("-----BEGIN PRIVATE KEY-----")
    keys.make(contained)
    assert {file.name: file.read_text() for file in place.iterdir()} == before


def test_sources_are_told_by_content_alone(contained):
    """The same files have the same hash on every machine; any change in what goes into an image changes it."""
    first = images.sources(contained.root, "services")
    (contained.root / "services" / "agency.py").touch()
    (contained.root / "services" / "README.md").write_text("x")
    assert images.sources(contained.root, "services") == first
    (contained.root / "services" / "alpha" / "data.csv").write_text("x")
    assert images.sources(contained.root, "services") != first


def test_labs_side_by_side_have_projects_of_their_own(contained, tmp_path):
    """Two homes never share containers or volumes."""
    assert project(contained) != project(replace(contained, home=tmp_path))


def test_a_lab_is_found_in_the_mode_it_runs_in(contained):
    """Without LAB_MODE a lab of containers is found as such; with another LAB_MODE the way out is named."""
    contained.state.mkdir()
    record = {"format_version": 1, "mode": "docker", "project": "p", "port_base": 8100, "fingerprint": "f",
              "services": {}, "offsets": {}, "secrets": "/nowhere", "engine": {}}  # fmt: skip
    (contained.state / "lab.json").write_text(json.dumps(record))
    found = running(replace(contained, mode=None))
    assert isinstance(found, Town)
    assert found.record().project == "p"
    with pytest.raises(WrongUsageError) as caught:
        running(replace(contained, mode="embedded"))
    assert "LAB_MODE=docker make down" in caught.value.advice.render("en")
