"""The commands with the real agencies: what a participant types, one after the other, in a home of their own."""

import json
import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from grader.language import verbatim
from grader.verdicts import LabFault
from lab.__main__ import run
from lab.ports import is_free


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home for the lab, shared by the tests of this module, whose lab is stopped at the end."""
    folder = tmp_path_factory.mktemp("rumah é")
    base = next(base for base in range(31_000, 32_700, 10) if all(is_free(base + offset) for offset in range(10)))
    yield {"LAB_HOME": str(folder), "LAB_PORT_BASE": str(base), "LAB_LANG": "en", "PATH": os.defpath}
    run(["down"], {"LAB_HOME": str(folder)})


@pytest.fixture
def lab(home, capsys):
    """Calls lab; returns the exit code and what was printed."""

    def call(*words, **variables):
        code = run(words, {**home, **variables})
        return code, capsys.readouterr()

    return call


@pytest.fixture
def status(lab):
    """Starts the lab and returns what `lab status --json` says."""
    assert lab("up")[0] == 0
    code, said = lab("status", "--json")
    assert code == 0
    return json.loads(said.out)


def token(status, scope=None):
    sandbox = status["sandbox"]
    answer = httpx.post(
        status["services"]["identity"]["url"] + "/oauth2/token",
        auth=(sandbox["client_id"], sandbox["client_secret"]),
        data={"grant_type": "client_credentials", **({"scope": scope} if scope else {})},
    )
    return answer.raise_for_status().json()


def bearer(status):
    return {"authorization": f"Bearer {token(status)['access_token']}"}


def test_up_says_where_everything_is_and_can_be_repeated(lab):
    """The second time it only says that the lab is running already."""
    code, said = lab("up")
    assert code == 0
    assert said.out.count("http://127.0.0.1:") == 5
    code, said = lab("up")
    assert code == 0
    assert "running already" in said.out


def test_status_gives_programs_what_they_need_to_explore(status):
    """Every agency is ready, and the client of the sandbox gets a token with every scope of every agency."""
    assert status["state"] == "running"
    assert {service["health"] for service in status["services"].values()} == {"ready"}
    assert set(token(status)["scope"].split()) == set(status["sandbox"]["scopes"])
    answer = httpx.get(status["services"]["identity"]["docs"])
    assert answer.status_code == 200


def test_status_for_people_shows_the_client(lab, status):
    """Ready to be copied."""
    _, said = lab("status")
    assert f"CLIENT_ID={status['sandbox']['client_id']}" in said.out
    assert f"CLIENT_SECRET={status['sandbox']['client_secret']}" in said.out


def test_a_stopped_lab_is_no_failure_and_comes_back_as_it_was(lab, status):
    """Down, down again, and up: the same sandbox with the same secret."""
    assert lab("down")[0] == 0
    code, said = lab("down")
    assert code == 0
    assert "was not running" in said.out
    code, said = lab("status")
    assert code == 0
    assert "not running" in said.out
    lab("up")
    assert json.loads(lab("status", "--json")[1].out)["sandbox"] == status["sandbox"]


def test_a_killed_lab_is_told_and_mended(lab, status):
    """Status ends with 3 and shows the end of the log; up starts it again, and the sandbox is still there."""
    os.kill(status["pid"], signal.SIGKILL)
    psutil.Process(status["pid"]).wait(10)
    code, said = lab("status")
    assert code == 3
    assert "stopped by itself" in said.err
    code, said = lab("up")
    assert code == 0
    assert "nothing saved was lost" in said.out
    assert token(status)["token_type"] == "Bearer"


def test_reset_puts_the_city_back_and_keeps_the_client(lab, status):
    """A bill that was paid stays paid over a stop, and is unpaid again after a reset; the client is the same."""
    assert lab("reset")[0] == 0
    bills = f"{status['services']['finance']['url']}/v1/bills"
    bill = httpx.get(f"{bills}?status=unpaid", headers=bearer(status)).json()["content"][0]
    payment = {"amount_idr": bill["total_idr"], "reference": "LAB-0001"}
    headers = {**bearer(status), "idempotency-key": "pay-once"}
    assert httpx.post(f"{bills}/{bill['id']}/payments", headers=headers, json=payment).status_code == 201
    assert lab("down")[0] == lab("up")[0] == 0
    assert httpx.get(f"{bills}/{bill['id']}", headers=bearer(status)).json() != bill
    assert lab("reset")[0] == 0
    assert httpx.get(f"{bills}/{bill['id']}", headers=bearer(status)).json() == bill
    assert json.loads(lab("status", "--json")[1].out)["sandbox"] == status["sandbox"]


def test_a_reset_that_was_cut_short_is_finished_by_the_next_command(lab, status, home, monkeypatch):
    """The intent is on the disk, and up rolls it forward."""
    intent = Path(home["LAB_HOME"]) / ".lab" / "reset.json"

    def broken(_self, _sandbox):
        raise LabFault(verbatim("The power failed."))

    with monkeypatch.context() as patch:
        patch.setattr("grader.city.City.restore", broken)
        assert lab("reset")[0] == 3
    assert intent.exists()
    assert lab("up")[0] == 0
    assert not intent.exists()


def test_a_running_lab_satisfies_the_doctor(lab, status):
    """The ports it holds are its own."""
    _, said = lab("doctor", "--json")
    ports = next(check for check in json.loads(said.out)["checks"] if check["name"] == "ports")
    assert ports["state"] == "good"
