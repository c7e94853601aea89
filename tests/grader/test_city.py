"""The grader's way to the services, over real back doors."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from grader.city import Address, City, CityRefusal
from grader.verdicts import LabFault

NewSandbox = Callable[..., str]


def token(city: City, sandbox: str) -> str:
    answer = httpx.post(
        f"{city.services['identity'].url}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(f"{sandbox}-app", "not-a-secret-at-all"),
    )
    return str(answer.raise_for_status().json()["access_token"])


def read(city: City, sandbox: str, path: str = "/v1/residents?limit=1") -> httpx.Response:
    headers = {"authorization": f"Bearer {token(city, sandbox)}"}
    return httpx.get(city.services["population"].url + path, headers=headers)


def test_every_service_says_what_it_is(city: City) -> None:
    for name in city.services:
        assert city.describe(name)["service"] == name
        assert city.describe(name)["views"] or name == "identity"


def test_making_the_same_sandbox_again_changes_nothing_and_another_is_refused(
    city: City, new_sandbox: NewSandbox
) -> None:
    name = new_sandbox()
    spec: dict[str, Any] = dict((city.show(name) or {})["spec"])
    assert spec["seed"] == 5
    with pytest.raises(CityRefusal) as refused:
        city.create(name, {"seed": 6, "reference_date": "2026-11-02"})
    assert (refused.value.status, refused.value.code) == (409, "sandbox_differs")
    assert name in city.names()


def test_a_deleted_sandbox_is_gone_everywhere_and_may_be_deleted_again(city: City, new_sandbox: NewSandbox) -> None:
    name = new_sandbox()
    city.delete(name)
    assert all(city.show(name, service) is None for service in city.services)
    city.delete(name)


def test_some_services_of_a_city_are_a_city(city: City, new_sandbox: NewSandbox) -> None:
    """What is done with them reaches no other service, and one that is not there is the lab's fault."""
    some = city.only({"identity", "population"})
    name = new_sandbox()
    some.delete(name)
    assert {service for service in city.services if city.show(name, service) is None} == {"identity", "population"}
    some.create(name, {"seed": 6, "reference_date": "2026-11-02", "durable": False})
    assert set(some.instances(name)) == {"identity", "population"}
    with pytest.raises(LabFault, match="weather"):
        city.only({"identity", "weather"})


def test_the_journal_gathers_the_calls_of_all_services_in_order(city: City, new_sandbox: NewSandbox) -> None:
    name = new_sandbox()
    read(city, name)
    entries = city.journal(name)
    assert [(entry["service"], entry["method"], entry["status"]) for entry in entries] == [
        ("identity", "POST", 200),
        ("population", "GET", 200),
    ]
    assert city.journal(name, {entry["service"]: entry["seq"] for entry in entries}) == []


def test_a_frozen_city_answers_nobody_until_it_is_thawed(city: City, new_sandbox: NewSandbox) -> None:
    name = new_sandbox()
    headers = {"authorization": f"Bearer {token(city, name)}"}
    url = city.services["population"].url + "/v1/residents?limit=1"
    assert city.freeze(name) == city.instances(name)
    before = city.journal(name)
    assert httpx.get(url, headers=headers).json()["code"] == "sandbox_frozen"
    assert city.journal(name) == before
    city.thaw(name)
    assert httpx.get(url, headers=headers).is_success


def test_a_reset_takes_back_journal_faults_and_clock_and_keeps_checkpoints(city: City, new_sandbox: NewSandbox) -> None:
    name = new_sandbox()
    residents = city.truth(name, "population", "residents")
    read(city, name)
    city.set_faults(name, {"population": [{"id": "x", "path": "*", "kind": "status", "times": 9}]})
    city.advance(name, 86_400)
    city.save(name, "later")
    city.restore(name)
    assert city.journal(name) == []
    assert (city.show(name) or {})["now"].startswith("2026-11-02T08:0")
    assert read(city, name).is_success
    assert city.truth(name, "population", "residents") == residents
    city.restore(name, "later")
    assert (city.show(name) or {})["now"].startswith("2026-11-03T08:0")
    assert read(city, name).status_code == 503


def test_a_restore_that_one_service_cannot_do_is_done_by_none(city: City, new_sandbox: NewSandbox) -> None:
    name = new_sandbox()
    read(city, name)
    with pytest.raises(CityRefusal, match="checkpoint_not_found"):
        city.restore(name, "never_saved")
    assert len(city.journal(name)) == 2
    assert read(city, name).is_success


def test_a_service_that_does_not_answer_is_the_labs_fault() -> None:
    nowhere = {"identity": Address("http://127.0.0.1:9", "http://127.0.0.1:9")}
    with City(nowhere, "token") as city, pytest.raises(LabFault, match="identity does not answer"):
        city.describe("identity")


def test_a_wrong_token_opens_no_back_door(city: City) -> None:
    with City(city.services, "guess") as stranger, pytest.raises(CityRefusal) as refused:
        stranger.names()
    assert refused.value.status == 401
