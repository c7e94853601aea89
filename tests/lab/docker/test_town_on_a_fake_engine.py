"""What a lab of containers remembers and forgets, on an engine and with a `docker` command of our own."""

import json
import stat
from dataclasses import replace

import pytest

from lab.commands import down
from lab.console import Console
from lab.docker import images, keys, town
from lab.docker.record import ContainersRecord
from lab.docker.town import Town, project
from lab.outcomes import LabFailedError
from lab.running import Begun, running
from lab.session import Session

DOCKER = """#!/bin/sh
echo "$* bind=$LAB_BIND version=$LAB_VERSION" >> "CALLS"
case "$*" in
  "compose version"*) echo 2.30.0 ;;
  *"config --format json") echo '{"services": {"alpha": {"image": "spbe-lab/services:t1"}}}' ;;
esac
"""
ALPHA = {
    "Id": "a1",
    "Name": "/alpha",
    "State": {"Status": "running", "Running": True},
    "Config": {"Labels": {"com.docker.compose.service": "alpha"}},
}


class Fake:
    """A clone, with an engine that has its images of version t1 and of the usual one."""

    def __init__(self, contained, fake_engine, folder):
        self._calls = folder / "calls"
        command = folder / "bin" / "docker"
        command.parent.mkdir()
        command.write_text(DOCKER.replace("CALLS", str(self._calls)))
        command.chmod(0o755)
        self.answers = {"/containers/json": (200, [])}
        for target in images.TARGETS:
            labels = {images.SOURCES: images.sources(contained.root, target)}
            for version in ("t1", "dev"):
                facts = {"Id": target, "Config": {"Labels": labels}}
                self.answers[f"/images/spbe-lab/{target}:{version}/json"] = (200, facts)
        self.fake_engine = fake_engine
        self._settings = replace(contained, passed_on={"PATH": str(command.parent)}, version=None, bind=None)

    def settings(self, **changes):
        """The clone's settings, with an engine that gives the answers of now."""
        engine = {"DOCKER_HOST": self.fake_engine(self.answers)}
        return replace(self._settings, **{"engine": engine, **changes})

    def town(self, **changes):
        return Town(self.settings(**changes), lambda _text: None)

    def calls(self, word):
        """What the docker command was called with, where `word` is among it."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [line for line in lines if f" {word} " in line]


@pytest.fixture
def fake(contained, fake_engine, tmp_path, monkeypatch):
    """A clone on a fake engine, whose agencies count as ready."""
    monkeypatch.setattr(town, "is_ready", lambda _url: True)
    return Fake(contained, fake_engine, tmp_path)


def start(one):
    return one.start(lambda ready, total: None, lambda: None)


def test_an_address_and_a_version_that_were_asked_for_once_stay(fake):
    """A room is not cut off by the next command of its trainer, who does not say LAB_BIND again."""
    start(fake.town(bind="0.0.0.0", version="t1"))  # noqa: S104 - a room's server
    assert start(fake.town()).how is Begun.ALREADY
    (fake.settings().root / "docker-compose.yml").touch()
    start(fake.town())
    ups = fake.calls("up")
    assert len(ups) == 2
    assert all("bind=0.0.0.0 version=t1" in line for line in ups)
    start(fake.town(bind="127.0.0.1"))
    assert "bind=127.0.0.1 version=t1" in fake.calls("up")[-1]


def test_a_record_from_before_they_were_kept_is_read_and_means_the_defaults(fake):
    """An update of the lab does not lose sight of the one that runs."""
    start(fake.town())
    file = fake.settings().state / "lab.json"
    content = {name: value for name, value in json.loads(file.read_text()).items() if name not in {"version", "bind"}}
    file.write_text(json.dumps(content))
    assert start(fake.town()).how is Begun.ALREADY
    assert "bind=127.0.0.1 version=dev" in fake.calls("up")[-1]


def test_configurations_that_a_strict_umask_closed_are_opened(fake):
    """The gateway reads its own as another user."""
    config = fake.settings().root / "deploy" / "gateway" / "haproxy.cfg"
    config.chmod(0o640)
    start(fake.town())
    assert stat.S_IMODE(config.stat().st_mode) == 0o644


def test_a_lab_whose_engine_is_gone_can_be_left(fake, tmp_path, capsys):
    """It is forgotten, what may be left is said, the command ends well, and another mode can be used."""
    gone = fake.settings(engine={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    start(fake.town())
    down.run(Session(replace(gone, mode=None), Console(colour=False)))
    said = capsys.readouterr().out
    assert "may be there still" in said
    assert "LAB_MODE=docker make down" in said
    assert running(replace(gone, mode="embedded")).record() is None
    with pytest.raises(LabFailedError):
        Town(gone, lambda _text: None).stop(lambda: None)


def test_a_lost_password_of_a_database_that_is_there_is_told_with_the_way_out(fake):
    """With a new one the database would stay closed for ever, without a word."""
    volume = f"{project(fake.settings())}_database"
    fake.answers[f"/volumes/{volume}"] = (200, {"Name": volume})
    with pytest.raises(LabFailedError) as caught:
        start(fake.town())
    assert str(keys.folder(fake.settings()) / keys.PASSWORD) in caught.value.problem.render("en")
    assert f"docker volume rm {volume}" in caught.value.advice.render("en")
    assert not keys.folder(fake.settings()).exists()
    keys.make(fake.settings())
    assert start(fake.town()).how is Begun.STARTED


def test_a_lab_that_was_moved_is_not_taken_for_the_one_here(fake, tmp_path):
    """Its containers have the name of the old place: they are the ones that are stopped."""
    start(fake.town())
    file = fake.settings().state / "lab.json"
    here = ContainersRecord.read(file)
    moved = replace(here, project="spbe-lab-elsewhere", secrets=tmp_path / "elsewhere" / "secrets")
    moved.write(file)
    assert start(fake.town()).how is not Begun.ALREADY
    assert "--project-name spbe-lab-elsewhere" in fake.calls("down")[-1]

    moved.write(file)
    fake.answers |= {"/containers/json": (200, [{"Id": "a1"}]), "/containers/a1/json": (200, ALPHA)}
    assert fake.town().stop(lambda: None) is True
    assert len(fake.calls("down")) == 2
    assert "--project-name spbe-lab-elsewhere" in fake.calls("down")[-1]


def test_a_copy_of_a_lab_leaves_the_other_one_alone(fake, tmp_path):
    """Its record came along, but the lab of that record is where its secrets are."""
    start(fake.town())
    file = fake.settings().state / "lab.json"
    replace(ContainersRecord.read(file), project="spbe-lab-elsewhere", secrets=tmp_path).write(file)
    assert start(fake.town()).how is Begun.STARTED
    assert fake.calls("down") == []
    assert ContainersRecord.read(file).project == project(fake.settings())


def test_a_lab_whose_secrets_are_gone_is_not_current(fake):
    """Nobody could reach its back doors."""
    start(fake.town())
    (keys.folder(fake.settings()) / keys.TOKEN).unlink()
    assert start(fake.town()).how is not Begun.ALREADY
