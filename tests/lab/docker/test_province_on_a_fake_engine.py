"""What a lab on a Swarm remembers and forgets, on an engine of our own."""

import json
from dataclasses import replace

import pytest

from lab.docker import keys
from lab.outcomes import LabFailedError
from lab.running import Begun
from lab.swarm.province import _FILES, Province, _fingerprint
from lab.swarm.record import SwarmRecord

TOML = "exercises/01_first/exercise.toml"


@pytest.fixture
def swarm_settings(contained, tmp_path):
    """A clone for a Swarm whose engine does not exist, with an exercise."""
    for name in (*_FILES, "lab/swarm/job.py", TOML):
        file = contained.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    engine = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    return replace(contained, mode="swarm", version=None, engine=engine, passed_on={"PATH": str(tmp_path)})


@pytest.fixture
def started(swarm_settings):
    """A lab that was started with three replicas of version t1."""
    asked = replace(swarm_settings, replicas=3, version="t1")
    record = SwarmRecord(
        stack="spbe-lab-x", port_base=asked.port_base, fingerprint=_fingerprint(asked), services={}, offsets={},
        secrets=keys.make(asked), run=asked.state / "run", images={}, version="t1", replicas=3,
    )  # fmt: skip
    record.write(asked.state / "lab.json")
    return record


def province(settings):
    return Province(settings, lambda _text: None)


def start(settings):
    return province(settings).start(lambda ready, total: None, lambda: None)


def test_replicas_and_a_version_that_were_asked_for_once_stay(swarm_settings, started):
    """The next command does not deploy the stack anew with the usual ones."""
    assert start(swarm_settings).how is Begun.ALREADY
    filled = started.filled(swarm_settings)
    assert (filled.replicas, filled.version) == (3, "t1")
    assert started.filled(replace(swarm_settings, replicas=2)).replicas == 2


def test_a_record_from_before_they_were_kept_is_read(swarm_settings, started):
    """It says nothing of them, so the usual ones count."""
    file = swarm_settings.state / "lab.json"
    content = {name: one for name, one in json.loads(file.read_text()).items() if name not in {"version", "replicas"}}
    file.write_text(json.dumps(content))
    filled = province(swarm_settings).record().filled(swarm_settings)
    assert (filled.replicas, filled.version) == (None, None)


def test_an_edited_exercise_needs_a_new_image(swarm_settings, started):
    """What a grading job has in its image must be what is graded here."""
    (swarm_settings.root / TOML).write_text("minutes = 60\n")
    with pytest.raises(LabFailedError):  # it is to be deployed anew, for which there is no engine here
        start(swarm_settings)


def test_a_lab_whose_engine_is_gone_can_be_left(swarm_settings, started):
    """It is forgotten, and what may be left is said; where there is nothing to forget, the engine is asked for."""
    said = province(swarm_settings).stop(lambda: None)
    assert "LAB_MODE=swarm make down" in str(said)
    assert province(swarm_settings).record() is None
    with pytest.raises(LabFailedError):
        province(swarm_settings).stop(lambda: None)


def test_a_lab_whose_swarm_is_gone_can_be_left(swarm_settings, started, fake_engine):
    """The same where the engine answers but has left its Swarm."""
    answers = {"/info": (200, {"Swarm": {"LocalNodeState": "inactive"}}), "/containers/json": (200, [])}
    left = replace(swarm_settings, engine={"DOCKER_HOST": fake_engine(answers)})
    assert "docker stack rm spbe-lab-" in str(province(left).stop(lambda: None))
    assert province(left).record() is None
    assert province(left).stop(lambda: None) is False
