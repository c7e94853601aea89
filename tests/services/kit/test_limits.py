"""Rate limits per client and minute, told in headers."""

import re

from hypothesis import given
from hypothesis import strategies as st
from sample.lab import InProcess, bearer

from services.kit.limits import WINDOW_SECONDS, RateLimit
from services.kit.problems import Problem


def test_every_answer_tells_what_is_left_of_the_quota(lab: InProcess) -> None:
    lab.made(requests_per_minute=5)
    left = []
    for path in ["/v1/letters/s0001", "/v1/letters/none", "/nothing"]:
        answer = lab.call("GET", path)
        assert answer.headers["ratelimit-policy"] == '"default";q=5;w=60'
        left.append(answer.headers["ratelimit"])
    assert left == ['"default";r=4;t=60', '"default";r=3;t=60', '"default";r=2;t=60']


def test_beyond_the_quota_a_call_is_asked_to_wait_and_then_let_in_again(lab: InProcess) -> None:
    lab.made(requests_per_minute=2)
    lab.call("GET", "/v1/letters/s0001")
    lab.clock.seconds += 20
    lab.call("GET", "/v1/letters/s0001")
    refused = lab.call("GET", "/v1/letters/s0001")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["ratelimit"] == '"default";r=0;t=40'
    lab.clock.seconds += int(refused.headers["retry-after"])
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_a_refused_call_is_journaled_and_changes_nothing(lab: InProcess) -> None:
    lab.made(requests_per_minute=1)
    lab.call("GET", "/v1/letters/s0001")
    assert lab.call("POST", "/v1/letters", json={"id": "a", "text": "b"}).status_code == 429
    assert [(entry["status"], entry["committed"]) for entry in lab.journal()] == [(200, False), (429, False)]
    assert len(lab.letters()) == 45


def test_one_client_does_not_use_up_what_another_may(lab: InProcess) -> None:
    lab.made(requests_per_minute=1)
    one, other = lab.token(client_id="city-one"), lab.token(client_id="city-other")
    statuses = [
        lab.call("GET", "/v1/letters/s0001", headers=bearer(who)).status_code for who in (one, one, other, other)
    ]
    assert statuses == [200, 429, 200, 429]


def test_a_second_token_of_a_client_buys_no_second_quota(lab: InProcess) -> None:
    lab.made(requests_per_minute=1)
    statuses = [lab.call("GET", "/v1/letters/s0001", headers=bearer(lab.token())).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_a_reset_gives_the_whole_quota_back(lab: InProcess) -> None:
    lab.made(requests_per_minute=1)
    lab.call("GET", "/v1/letters/s0001")
    lab.back("POST", "city/reset")
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def taken(limit: RateLimit, now: float) -> tuple[int | None, int]:
    """What is left (None: refused) and how long the window still lasts."""
    try:
        told = re.fullmatch(r'"default";r=(\d+);t=(\d+)', limit.take("client", now))
    except Problem as problem:
        return None, int(problem.headers["retry-after"])
    assert told is not None
    return int(told[1]), int(told[2])


@given(st.integers(1, 20), st.floats(0, 2e9), st.lists(st.floats(0, 50), max_size=60))
def test_exactly_the_quota_passes_in_each_window(quota: int, start: float, waits: list[float]) -> None:
    limit = RateLimit(quota)
    now, ends, passed = start, start, 0
    for wait in waits:
        now += wait
        if now >= ends:
            ends, passed = now + WINDOW_SECONDS, 0
        left, lasts = taken(limit, now)
        assert 1 <= lasts <= WINDOW_SECONDS
        assert left == (quota - passed - 1 if passed < quota else None)
        passed += left is not None
