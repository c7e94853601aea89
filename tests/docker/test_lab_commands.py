"""What a trainer types on a room's server, one after the other: the lab's own commands with LAB_MODE=docker."""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stacks import ROOT, docker, free_base

from lab.__main__ import run
from lab.docker.town import project
from lab.settings import read

VERSION = "labtest"


@pytest.fixture(scope="module")
def server(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a lab of this module's own; it is removed with its volumes in the end."""
    home = tmp_path_factory.mktemp("server")
    environment = {
        "LAB_HOME": str(home),
        "LAB_PORT_BASE": str(free_base()),
        "LAB_LANG": "en",
        "LAB_VERSION": VERSION,
        "PATH": os.defpath,
        "HOME": str(Path.home()),
    }
    yield environment
    run(["down"], environment)
    for volume in docker("volume", "ls", "--quiet", "--filter", f"name={project(read(environment))}").split():
        docker("volume", "rm", volume)


def lab(server: dict[str, str], *words: str, **more: str) -> str:
    """Call lab; return what it printed where it ended well."""
    environment = {**server, **more}
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "lab", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"lab {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_day_on_the_server(server: dict[str, str], tmp_path: Path) -> None:
    """Up, status, the city by its client, an exercise, a group's grades, logs, reset, doctor, down and up again."""
    assert "The lab is running." in lab(server, "up", LAB_MODE="docker")
    facts = json.loads(lab(server, "status", "--json"))
    assert facts["state"] == "running"
    assert {part["name"] for part in facts["containers"]} >= {"gateway", "postgres", *facts["services"]}
    sandbox, services = facts["sandbox"], facts["services"]
    asked = {"grant_type": "client_credentials"}
    token = httpx.post(
        services["identity"]["url"] + "/oauth2/token",
        auth=(sandbox["client_id"], sandbox["client_secret"]),
        data=asked,
        timeout=30,
    )
    assert token.status_code == 200
    solution = ROOT / "exercises" / "01_first_api" / "solution"
    results = json.loads(lab(server, "exercise", "1", "--submission", str(solution), "--json"))
    assert (results["score"], results["extra_data"]["isolation"]) == (100, "container")

    for name in ("ani", "budi"):
        shutil.copytree(solution, tmp_path / "in" / name)
    (tmp_path / "in" / "citra").mkdir()
    (tmp_path / "in" / "citra" / "main.mjs").write_text("")
    lab(server, "grade", str(tmp_path / "in"), "--exercise", "1", "--out", str(tmp_path / "out"))
    with (tmp_path / "out" / "grades.csv").open(encoding="utf-8") as file:
        grades = {row["participant"]: (row["status"], row["score"]) for row in csv.DictReader(file)}
    assert {name: status for name, (status, _score) in grades.items()} == {
        "ani": "passed",
        "budi": "passed",
        "citra": "rejected",
    }
    assert "population | " in lab(server, "logs", "population")
    assert "as on its first day again" in lab(server, "reset")
    assert "container" in lab(server, "doctor")
    lab(server, "down")
    assert docker("ps", "--all", "--quiet", "--filter", f"name={project(read(server))}") == ""
    lab(server, "up", LAB_MODE="docker")
    assert json.loads(lab(server, "status", "--json"))["sandbox"] == sandbox
