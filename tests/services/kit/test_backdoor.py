"""The lab's own door: guarded by its token, on a listener of its own."""

import secrets
import stat

import httpx
import pytest
from sample.lab import InProcess, Served, bearer

from services.kit.backdoor import router

CALLS = [
    ("GET", "/_lab"),
    ("GET", "/_lab/sandboxes"),
    ("PUT", "/_lab/sandboxes/city"),
    ("GET", "/_lab/sandboxes/city"),
    ("DELETE", "/_lab/sandboxes/city"),
    ("POST", "/_lab/sandboxes/city/reset"),
    ("POST", "/_lab/sandboxes/city/checkpoints"),
    ("GET", "/_lab/sandboxes/city/checkpoints"),
    ("DELETE", "/_lab/sandboxes/city/checkpoints/x"),
    ("POST", "/_lab/sandboxes/city/checkpoints/x/restore"),
    ("POST", "/_lab/sandboxes/city/freeze"),
    ("POST", "/_lab/sandboxes/city/thaw"),
    ("GET", "/_lab/sandboxes/city/journal"),
    ("PUT", "/_lab/sandboxes/city/faults"),
    ("GET", "/_lab/sandboxes/city/faults"),
    ("DELETE", "/_lab/sandboxes/city/faults"),
    ("PATCH", "/_lab/sandboxes/city/clock"),
    ("GET", "/_lab/sandboxes/city/clock"),
    ("GET", "/_lab/sandboxes/city/truth/letters"),
]


def test_these_are_all_the_calls_there_are() -> None:
    """So that a new one is not forgotten below."""
    routes = [(method, route.path) for route in router.routes for method in route.methods]
    found = {(method, path.replace("{image}", "x").replace("{view}", "letters")) for method, path in routes}
    assert found == {(method, path.replace("city", "{name}")) for method, path in CALLS}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_no_call_is_answered_without_the_labs_token(lab: InProcess, method: str, path: str) -> None:
    lab.made()
    participant = lab.token()
    for headers in (
        {"authorization": ""},
        bearer(""),
        bearer("guess"),
        bearer(participant),
        {"cookie": "the-labs-own"},
    ):
        answer = lab.run(lab.back_client.request(method, path, headers={"authorization": "", **headers}))
        assert (answer.status_code, answer.json()["code"]) == (401, "lab_token_invalid")
    assert lab.back("GET", "city").json()["frozen"] is False


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_back_door_is_not_on_the_public_side(lab: InProcess, method: str, path: str) -> None:
    lab.made()
    assert lab.run(lab.front.request(method, path, headers=bearer("the-labs-own"))).status_code == 401
    assert lab.call(method, path).status_code == 404


def test_the_back_door_is_a_socket_that_only_its_owner_can_open(served: Served) -> None:
    path = served.rundir / "sample.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    answer = served.front.get("/_lab", headers=bearer("the-labs-own"))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_the_public_side_is_not_on_the_back_door(served: Served) -> None:
    city = served.made()
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(served.rundir / "sample.sock")), base_url="http://lab"
    ) as client:
        assert client.get("/v1/letters", headers=bearer(served.token(city))).status_code == 404
        assert client.get("/docs").status_code == 404


def test_it_says_which_service_this_is(lab: InProcess) -> None:
    described = lab.run(lab.back_client.get("/_lab")).json()
    assert (described["service"], described["views"]) == ("sample", ["letters"])


def test_an_unknown_view_and_an_unknown_sandbox_are_told_apart(lab: InProcess) -> None:
    lab.made()
    view = lab.back("GET", "city/truth/nothing")
    assert (view.status_code, view.json()["code"]) == (404, "view_not_found")
    for method, path in CALLS:
        if "/city" in path and method != "PUT":
            answer = lab.run(
                lab.back_client.request(
                    method, path.replace("city", "nowhere"), json={"name": "x", "now": "2026-11-02T08:00:00Z"}
                )
            )
            if answer.status_code not in {204, 422}:
                assert (answer.status_code, answer.json()["code"]) == (404, "sandbox_not_found"), path


@pytest.mark.parametrize("after", ["-1", "9223372036854775808", "x", "1e3"])
def test_absurd_places_in_the_journal_are_refused(lab: InProcess, after: str) -> None:
    lab.made()
    assert lab.back("GET", f"city/journal?after={after}").status_code == 422


def test_a_truth_view_shows_the_present_state(lab: InProcess) -> None:
    lab.made()
    lab.call("DELETE", "/v1/letters/s0000")
    assert lab.letters()[0]["id"] == "s0001"


def test_the_token_is_compared_whole(lab: InProcess) -> None:
    for token in ("the-labs-ow", "the-labs-own ", "THE-LABS-OWN", secrets.token_hex(300), "é"):
        headers = {"authorization": f"Bearer {token}".encode()}
        assert lab.run(lab.back_client.get("/_lab", headers=headers)).status_code == 401
