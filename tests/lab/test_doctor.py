"""What the doctor finds, on a computer that lacks one thing at a time."""

import json
import os
import shutil
import socket
from collections import namedtuple
from dataclasses import replace

import psutil
import pytest

from lab import doctor
from lab.commands import doctor as doctor_command
from lab.console import Console
from lab.doctor import State, examine
from lab.session import Session
from lab.settings import ROOT, Settings


@pytest.fixture
def here(settings):
    """This clone, with the ports and the home of a test."""
    return Settings(root=ROOT, home=settings.home, port_base=settings.port_base, language="en", passed_on={})


def finding(settings, name):
    return next(one for one in examine(settings) if one.name == name)


def test_everything_is_looked_at_once(here):
    """Each thing has a name of its own, a sentence, and advice where it is not good."""
    found = list(examine(here))
    names = [one.name for one in found]
    assert len(names) == len(set(names))
    expected = {"python", "installation", "learner", "ports", "disk", "memory", "clock", "encoding", "node"}
    assert expected <= set(names)
    assert all(str(one.found) for one in found)
    assert [one.name for one in found if one.state is State.BAD and not one.mend and one.name != "isolation"] == []


def test_a_taken_port_is_bad_and_names_its_holder(here):
    """With ports that are free instead."""
    offset = 2
    with socket.create_server(("127.0.0.1", here.port_base + offset)):
        found = finding(here, "ports")
    assert found.state is State.BAD
    assert str(os.getpid()) in str(found.found)
    assert "LAB_PORT_BASE=" in str(found.mend)
    assert finding(here, "ports").state is State.GOOD


def test_a_running_lab_may_hold_its_ports(settings, background):
    """They are its own."""
    background().start(lambda ready, total: None, lambda: None)
    (settings.root / "pyproject.toml").write_text("", encoding="utf-8")
    (settings.root / "requirements").mkdir()
    (settings.root / "requirements" / "lab.lock").write_text("", encoding="utf-8")
    assert finding(settings, "ports").state is State.GOOD


@pytest.mark.parametrize(("free", "state"), [(10**8, State.BAD), (5 * 10**8, State.WARN), (10**10, State.GOOD)])
def test_a_full_disk_is_noticed_before_it_hurts(here, monkeypatch, free, state):
    """Bad where the lab cannot work, a warning where it will not for long."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 0, free))
    assert finding(here, "disk").state is state


def test_a_home_that_does_not_exist_yet_is_looked_at_all_the_same(here, tmp_path):
    """LAB_HOME may name a folder that the lab has yet to make: what counts is the disk that it will be on."""
    found = finding(replace(here, home=tmp_path / "new" / "folder"), "disk")
    assert "free on the disk" in str(found.found)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("free", "state"), [(10**8, State.BAD), (5 * 10**8, State.WARN), (10**10, State.GOOD)])
def test_scarce_memory_is_noticed(here, monkeypatch, free, state):
    """What counts is what is available, not what there is."""
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(free))
    assert finding(here, "memory").state is state


def test_a_missing_learner_environment_is_bad(settings, here):
    """Nothing can be graded without it, and make setup mends it."""
    lost = Settings(root=settings.root, home=settings.home, port_base=1, language="en", passed_on={})
    found = doctor._learner(lost)
    assert found.state is State.BAD
    assert "make setup" in str(found.mend)


def test_a_clock_behind_the_labs_own_files_is_slow(settings):
    """Without a network there is no other proof."""
    file = settings.root / "pyproject.toml"
    file.write_text("", encoding="utf-8")
    assert doctor._clock(settings).state is not State.BAD
    os.utime(file, (4e9, 4e9))
    assert doctor._clock(settings).state is State.BAD


def test_a_lab_outside_its_environment_is_warned(settings):
    """Somebody may have started it with another Python."""
    (settings.root / "requirements").mkdir()
    (settings.root / "requirements" / "lab.lock").write_text("", encoding="utf-8")
    assert doctor._python(settings).state is State.WARN
    assert doctor._installation(settings).state is State.WARN


def test_the_command_prints_json_for_programs(here, capsys):
    """Valid JSON and nothing else, with the same verdict as the exit code."""
    code = doctor_command.run(Session(here, Console(colour=False)), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["format_version"] == 1
    assert said["ok"] is (code == 0)
    assert {"name", "state", "found", "mend"} == set(said["checks"][0])


def test_the_command_says_how_many_things_must_be_mended(here, monkeypatch, capsys):
    """And ends with 3, because the lab cannot work."""
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(0))
    assert doctor_command.run(Session(here, Console(colour=False)), as_json=False) == 3
    said = capsys.readouterr()
    assert "Close other programs" in said.out
    assert "must be mended" in said.err


def test_an_isolation_that_does_not_work_is_a_warning_only_above_the_best_that_does(here, monkeypatch):
    """What lies below the best working rung is never used; none at all means that nothing can be graded."""

    class Rung:
        def __init__(self, name, why):
            self.name, self._why = name, why

        def obstacle(self):
            return self._why

    monkeypatch.setattr(
        doctor, "rungs", lambda: (Rung("bubblewrap", "no"), Rung("landlock", None), Rung("process", "no"))
    )
    states = {one.name: one.state for one in doctor._isolations()}
    assert states == {
        "isolation_bubblewrap": State.WARN,
        "isolation_landlock": State.GOOD,
        "isolation_process": State.GOOD,
    }
    monkeypatch.setattr(doctor, "rungs", lambda: (Rung("process", "no"),))
    assert [one.state for one in doctor._isolations()] == [State.WARN, State.BAD]
