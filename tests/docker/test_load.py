"""The profile `load`: Locust's master and workers beside the gateway, over a room that `load` prepares."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from stacks import OFFSETS, Stack, docker

from grader.city import City
from load import rooms
from load.town import Room

PARTICIPANTS = 4


@pytest.fixture
def room(stack_city: City, tmp_path: Path) -> Iterator[Path]:
    """A folder with a room whose addresses are those beside the gateway."""
    made = rooms.prepare(stack_city, PARTICIPANTS, lambda _ready: None)
    folder = tmp_path / "room"
    Room({name: f"http://127.0.0.1:{8100 + offset}" for name, offset in OFFSETS.items()}, made.towns).write(
        folder / "room.json"
    )
    (folder / "room.json").chmod(0o444)
    folder.chmod(0o777)
    yield folder
    rooms.clear(stack_city, made.towns)


def test_load(stack: Stack, room: Path) -> None:
    """Two workers share the participants, every answer is right, and master writes the figures and the report."""
    told = room.with_name("load.env")
    told.write_text(f"LAB_LOAD={room}\nLAB_LOAD_PARTICIPANTS={PARTICIPANTS}\nLAB_LOAD_SECONDS=8\n")
    profile = ("--profile", "load")
    try:
        stack.compose(
            *profile, "up", "--detach", "--no-build", "--no-recreate", "load-master", "load-worker", more=told
        )
        (master,) = stack.containers("load-master")
        assert len(stack.containers("load-worker")) == 2
        assert docker("wait", master, patience=240).strip() == "0", docker("logs", master)
    finally:
        stack.compose(*profile, "rm", "--stop", "--force", "load-master", "load-worker", more=told)
    figures = json.loads((room / "summary.json").read_text())
    assert figures["errors"] == []
    assert figures["rows"][-1]["requests"] > PARTICIPANTS * 5
    assert (room / "report.html").stat().st_size > 10_000
