"""Several replicas are one agency: whichever is asked, a city behaves as if one process served it."""

import secrets
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from fleet import Fleet
from sample.lab import read_answer, spec


def test_every_replica_lists_every_sandbox_and_shows_the_same_home(fleet: Fleet) -> None:
    names = {fleet.made(at) for at in fleet.replicas}
    for replica in fleet.replicas:
        assert names <= {row["id"] for row in fleet.back("GET", at=replica).json()["data"]}
    for name in names:
        shown = [fleet.back("GET", name, replica).json() for replica in fleet.replicas]
        assert len({one["instance"] for one in shown}) == 1
    assert len({fleet.back("GET", name).json()["instance"] for name in names}) == 3


def test_a_sandbox_is_made_once_whoever_is_asked(fleet: Fleet) -> None:
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(fleet.back, "PUT", "madeonce", json=spec()) for _ in range(12)]
        codes = Counter(answer.result().status_code for answer in asked)
    assert codes == {201: 1, 200: 11}
    assert fleet.back("PUT", "madeonce", json=spec(seed=8)).status_code == 409


def test_pages_and_etags_hold_over_replicas(fleet: Fleet) -> None:
    city = fleet.made()
    ids, path = [], "/v1/letters?limit=4"
    while path:
        page = fleet.call("GET", path, city)
        ids += [row["id"] for row in page.json()["data"]]
        path = page.links["next"]["url"] if "next" in page.links else ""
    assert ids == [f"s{number:04}" for number in range(45)]
    tag = fleet.call("GET", "/v1/letters/s0001", city).headers["etag"]
    for replica in fleet.replicas:
        same = fleet.call("GET", "/v1/letters/s0001", city, replica, headers={"if-none-match": tag})
        assert (same.status_code, same.content) == (304, b"")
    codes = [
        fleet.call("PUT", "/v1/letters/s0001", city, at, headers={"if-match": tag}, json={"text": "t"}).status_code
        for at in fleet.replicas
    ]
    assert codes == [200, 412, 412]


def test_an_intent_is_carried_out_once_whoever_is_asked_again(fleet: Fleet) -> None:
    city = fleet.made()
    body, headers = {"id": "once", "text": "once"}, {"idempotency-key": "k-once"}
    answers = [fleet.call("POST", "/v1/letters", city, at, json=body, headers=headers) for at in fleet.replicas]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]
    other = fleet.call("POST", "/v1/letters", city, json={**body, "text": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    slow = {"id": "slow", "text": "slow", "pause_ms": 600}
    with ThreadPoolExecutor(3) as threads:
        asked = [
            threads.submit(fleet.call, "POST", "/v1/letters", city, at, json=slow, headers={"idempotency-key": "k-s"})
            for at in fleet.replicas
        ]
        codes = sorted(answer.result().status_code for answer in asked)
    assert codes == [201, 409, 409]


def test_a_call_that_no_agency_can_mean_is_refused_alike_by_every_replica(fleet: Fleet) -> None:
    """It was once looked at where it came in only, and was a mistake of the lab's own at the sandbox's home."""
    city = fleet.made()
    for at in fleet.replicas:
        headers = {"idempotency-key": secrets.token_hex(4), "content-type": "application/json"}
        nul = fleet.call("POST", "/v1/letters", city, at, content=rb'{"id": "n", "text": "\u0000"}', headers=headers)
        half = fleet.call("POST", "/v1/letters", city, at, content=rb'{"id": "n", "text": "\ud800"}', headers=headers)
        assert [(nul.status_code, nul.json()["code"]), (half.status_code, half.json()["code"])] == [
            (400, "nul_character"),
            (400, "broken_unicode"),
        ]


def test_the_journal_numbers_every_call_once_without_a_gap(fleet: Fleet) -> None:
    city = fleet.made()

    def visit(number: int) -> int:
        if number % 3:
            return fleet.call("GET", f"/v1/letters/s{number % 45:04}", city).status_code
        body = {"id": f"n{number}", "text": "n"}
        return fleet.call("POST", "/v1/letters", city, json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        codes = Counter(threads.map(visit, range(120)))
    assert codes == {200: 80, 201: 40}
    entries = fleet.journal(city)
    assert [entry["seq"] for entry in entries] == list(range(1, 121))
    assert Counter(entry["status"] for entry in entries) == codes
    assert sum(entry["committed"] for entry in entries) == 40
    for entry in entries:
        assert "authorization" not in entry["request_headers"] or "***" in entry["request_headers"]["authorization"]
        assert "x-lab-passed" not in entry["request_headers"]
    assert fleet.back("GET", city).json()["requests"] == 120


def test_a_quota_is_one_for_all_replicas(fleet: Fleet) -> None:
    city = fleet.made(requests_per_minute=20)
    answers = [fleet.call("GET", "/v1/letters/s0001", city) for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    left = [int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]) for answer in answers[:20]]
    assert left == list(range(19, -1, -1))


def test_a_fault_strikes_as_often_as_it_was_told_to(fleet: Fleet) -> None:
    city = fleet.made()
    fleet.fault("status", city, times=4, skip=2)
    codes = [fleet.call("GET", "/v1/letters/s0001", city).status_code for _ in range(9)]
    assert codes == [200, 200, 503, 503, 503, 503, 200, 200, 200]
    shown = fleet.back("GET", f"{city}/faults").json()
    assert shown["struck"] == {"status": 4}


def test_a_token_that_a_fault_killed_is_dead_everywhere(fleet: Fleet) -> None:
    city = fleet.made()
    fleet.fault("expire_token", city)
    headers = fleet.headers(city)
    codes = [fleet.call("GET", "/v1/letters/s0001", city, at, headers=headers).status_code for at in fleet.replicas * 2]
    assert codes == [401] * 6
    assert fleet.call("GET", "/v1/letters/s0001", city).status_code == 200


def raw(fleet: Fleet, at: int, city: str) -> bytes:
    """What comes over the line for one read, byte for byte but for what changes each time."""
    replica = fleet.replicas[at]
    address = urlsplit(replica.front)
    headers = "".join(f"{name}: {text}\r\n" for name, text in {**fleet.headers(city), "x-request-id": "same"}.items())
    request = f"GET /v1/letters/s0001 HTTP/1.1\r\nhost: lab\r\n{headers}\r\n"
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as line:
        line.sendall(request.encode())
        answer = read_answer(line)
        # What was broken off is closed too, and what was not stays open.
        line.settimeout(0.3)
        try:
            answer += b"|closed" if line.recv(1) == b"" else b"|more"
        except TimeoutError:
            answer += b"|open"
        except ConnectionResetError:
            answer += b"|closed"
    return answer


@pytest.mark.parametrize("kind", ["close_before", "truncate_body", "malformed_body", "close_after_commit", "status"])
def test_trouble_looks_the_same_wherever_the_home_is(fleet: Fleet, kind: str) -> None:
    city = fleet.made(fleet.replicas[0])
    seen = []
    for at in range(3):
        fleet.fault(kind, city, path="/v1/letters/s0001")
        lines = raw(fleet, at, city).splitlines()
        seen.append(b"\n".join(line for line in lines if not line.startswith((b"ratelimit: ", b'{"type"'))))
    assert len(set(seen)) == 1, seen
    if kind in {"close_before", "close_after_commit"}:
        assert seen[0] == b"|closed"
    assert seen[0].endswith(b"|closed" if kind == "truncate_body" else seen[0][-7:])


def test_a_delay_of_the_home_is_a_delay_everywhere(fleet: Fleet) -> None:
    city = fleet.made(fleet.replicas[0])
    fleet.fault("latency", city, times=3, median_ms=400, sigma=0)
    for at in fleet.replicas:
        assert fleet.call("GET", "/v1/letters/s0001", city, at).elapsed.total_seconds() > 0.39
    assert fleet.call("GET", "/v1/letters/s0001", city).elapsed.total_seconds() < 0.39


def test_a_frozen_city_is_frozen_at_every_door(fleet: Fleet) -> None:
    city = fleet.made()
    assert fleet.back("POST", f"{city}/freeze").status_code == 200
    answers = [fleet.call("GET", "/v1/letters/s0001", city, at) for at in fleet.replicas]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "sandbox_frozen")] * 3
    assert fleet.back("POST", f"{city}/thaw").status_code == 204
    assert [fleet.call("GET", "/v1/letters/s0001", city, at).status_code for at in fleet.replicas] == [200] * 3


def test_a_reset_in_two_phases_through_different_replicas_is_one_reset(fleet: Fleet) -> None:
    city = fleet.made()
    assert fleet.call("DELETE", "/v1/letters/s0001", city).status_code == 204
    one, two, three = fleet.replicas
    assert fleet.back("POST", f"{city}/reset", one, json={"phase": "prepare"}).status_code == 204
    busy = fleet.call("GET", "/v1/letters/s0002", city, two)
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (503, "sandbox_busy", "1")
    assert fleet.back("POST", f"{city}/reset", two, json={"phase": "commit"}).status_code == 204
    assert fleet.call("GET", "/v1/letters/s0001", city, three).status_code == 200
    assert fleet.back("POST", f"{city}/reset", three, json={"phase": "commit"}).status_code == 409
    assert len(fleet.letters(city)) == 45


def test_checkpoints_are_kept_listed_and_put_back_through_different_replicas(fleet: Fleet) -> None:
    city = fleet.made()
    one, two, three = fleet.replicas
    fleet.call("DELETE", "/v1/letters/s0001", city)
    assert fleet.back("POST", f"{city}/checkpoints", one, json={"name": "less"}).status_code == 201
    fleet.call("DELETE", "/v1/letters/s0002", city)
    assert fleet.back("GET", f"{city}/checkpoints", two).json() == {"data": [{"name": "less"}]}
    assert fleet.back("POST", f"{city}/checkpoints/less/restore", three).status_code == 204
    assert len(fleet.letters(city)) == 44
    assert fleet.back("DELETE", f"{city}/checkpoints/less", two).status_code == 204
    assert fleet.back("DELETE", f"{city}/checkpoints/less", one).status_code == 404


def test_a_clock_that_is_moved_at_one_door_has_moved_at_all(fleet: Fleet) -> None:
    city = fleet.made()
    for at in fleet.replicas:
        assert fleet.back("PATCH", f"{city}/clock", at, json={"advance_seconds": 86_400}).status_code == 200
    for at in fleet.replicas:
        assert fleet.back("GET", f"{city}/clock", at).json()["now"].startswith("2026-11-05T08:0")


def test_a_removed_city_is_gone_everywhere_and_can_be_made_elsewhere(fleet: Fleet) -> None:
    one, two, _three = fleet.replicas
    city = fleet.made(one)
    assert fleet.call("DELETE", "/v1/letters/s0001", city, two).status_code == 204
    assert fleet.back("DELETE", city, two).status_code == 204
    for at in fleet.replicas:
        assert fleet.back("GET", city, at).status_code == 404
        assert fleet.call("GET", "/v1/letters/s0002", city, at).status_code == 401
    assert fleet.back("PUT", city, two, json=spec()).status_code == 201
    assert fleet.call("GET", "/v1/letters/s0001", city, two).status_code == 200
    assert fleet.back("GET", city, one).json()["instance"] != fleet.back("GET", fleet.made(one)).json()["instance"]
    assert len(fleet.letters(city)) == 45


def test_a_back_door_opens_with_its_token_only(fleet: Fleet) -> None:
    city = fleet.made()
    for replica in fleet.replicas:
        door = f"http://127.0.0.1:{replica.door}"
        for method, path in (("POST", "/_lab/visits"), ("GET", f"/_lab/sandboxes/{city}"), ("GET", "/_lab/sandboxes")):
            for headers in ({}, {"authorization": "Bearer wrong"}, {"x-lab-passed": "1"}):
                answer = httpx.request(method, door + path, headers=headers, content=b"{}", trust_env=False)
                assert answer.status_code == 401


def test_a_call_that_was_passed_on_is_not_passed_on_again(fleet: Fleet) -> None:
    one, two, _three = fleet.replicas
    city = fleet.made(one)
    there = fleet.back("GET", city, two, headers={"x-lab-passed": "1"})
    assert (there.status_code, there.headers["x-lab-home"]) == (421, f"127.0.0.1:{one.door}")
    assert fleet.back("GET", city, one, headers={"x-lab-passed": "1"}).status_code == 200


def test_figures_tell_calls_once_and_what_was_passed_on(fleet: Fleet) -> None:
    one, two, _three = fleet.replicas
    city = fleet.made(one)

    def figure(replica: object, name: str) -> float:
        text = httpx.get(f"{replica.front}/metrics", trust_env=False).text  # type: ignore[attr-defined] # a Replica
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    calls = 'lab_requests_total{fault="",interface="v1",method="GET",route="/v1/letters/{letter}"'
    names = (calls, "lab_passed_on_total")
    before = [[figure(replica, name) for name in names] for replica in (one, two)]
    for at in (one, one, two):
        assert fleet.call("GET", "/v1/letters/s0001", city, at).status_code == 200
    after = [[figure(replica, name) for name in names] for replica in (one, two)]
    assert [[now - then for now, then in zip(*pair, strict=True)] for pair in zip(after, before, strict=True)] == [
        [2, 0],
        [1, 1],
    ]
    assert figure(one, "lab_store_up") == 1
    assert figure(two, "lab_sandboxes{") >= figure(two, "lab_sandboxes_open")
