"""Trouble a sandbox is told to show: which calls it strikes, how often, and that it always ends by itself."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sample.lab import InProcess, bearer

from services.kit.clock import WITA
from services.kit.faults import Faults, Rule

NOON = datetime(2026, 11, 2, 12, tzinfo=WITA)


def statuses(lab: InProcess, count: int, path: str = "/v1/letters/s0001", method: str = "GET") -> list[int]:
    return [lab.call(method, path).status_code for _ in range(count)]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("retry_after", [None, 0, 7])
def test_a_status_is_answered_in_the_agencys_place(lab: InProcess, status: int, retry_after: int | None) -> None:
    lab.made()
    lab.fault("status", status=status, retry_after=retry_after)
    answer = lab.call("DELETE", "/v1/letters/s0001")
    assert (answer.status_code, answer.json()["code"]) == (status, "temporarily_unavailable")
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert len(lab.letters()) == 45
    assert statuses(lab, 2) == [200, 200]
    assert [entry["fault"] for entry in lab.journal()] == ["status", None, None]


def test_matching_calls_are_let_through_first_then_struck_a_number_of_times(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", skip=2, times=3)
    assert statuses(lab, 7) == [200, 200, 503, 503, 503, 200, 200]


def test_a_fault_until_a_moment_ends_with_the_sandboxs_clock(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", until="2026-11-02T08:10:00+08:00")
    assert statuses(lab, 3) == [503, 503, 503]
    lab.clock.seconds += 599
    assert statuses(lab, 1) == [503]
    lab.clock.seconds += 1
    assert statuses(lab, 1) == [200]


def test_a_fault_ends_when_the_lab_moves_the_clock(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", until="2026-11-02T08:10:00+08:00")
    lab.back("PATCH", "city/clock", json={"advance_seconds": 3600})
    assert statuses(lab, 1) == [200]


def test_whichever_comes_first_ends_a_fault_with_both_limits(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", times=2, until="2026-11-02T09:00:00+08:00")
    assert statuses(lab, 3) == [503, 503, 200]
    lab.fault("status", times=2, until="2026-11-02T08:01:00+08:00")
    assert statuses(lab, 1) == [503]
    lab.clock.seconds += 60
    assert statuses(lab, 1) == [200]


def test_only_calls_that_the_rule_describes_are_struck(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", method="GET", path="/v1/letters", query={"limit": "3"}, times=100)
    assert statuses(lab, 1, "/v1/letters?limit=3") == [503]
    assert statuses(lab, 1, "/v1/letters?topic=izin&limit=3") == [503]
    assert statuses(lab, 1, "/v1/letters?limit=4") == [200]
    assert statuses(lab, 1, "/v1/letters") == [200]
    assert statuses(lab, 1, "/v1/letters/s0001") == [200]
    assert statuses(lab, 1, "/v1/letters?limit=3", "DELETE") == [405]


def test_a_pattern_matches_the_concrete_path(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", path="/v1/letters/s000[2-4]", times=100)
    assert statuses(lab, 1, "/v1/letters/s0003") == [503]
    assert statuses(lab, 1, "/v1/letters/s0005") == [200]


def test_of_two_rules_the_first_that_strikes_is_shown(lab: InProcess) -> None:
    lab.made()
    rules = [
        {"id": "one", "path": "*", "kind": "status", "status": 502, "times": 1},
        {"id": "two", "path": "*", "kind": "status", "status": 504, "times": 2},
    ]
    lab.back("PUT", "city/faults", json={"rules": rules})
    assert statuses(lab, 4) == [502, 504, 504, 200]
    assert lab.back("GET", "city/faults").json()["struck"] == {"one": 1, "two": 2}


def test_new_rules_take_the_place_of_the_old_and_none_remain_when_removed(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", times=100)
    lab.fault("status", times=1, status=500)
    assert statuses(lab, 2) == [500, 200]
    lab.fault("status", times=100)
    assert lab.back("DELETE", "city/faults").json() == {"rules": [], "struck": {}}
    assert statuses(lab, 1) == [200]


def test_what_is_left_of_a_fault_outlives_a_restart(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.fault("status", skip=1, times=2)
    assert statuses(lab, 2) == [200, 503]
    lab.restarted()
    assert statuses(lab, 2) == [503, 200]


def test_a_reset_ends_all_trouble(lab: InProcess) -> None:
    lab.made()
    lab.fault("status", times=100)
    lab.back("POST", "city/reset")
    assert statuses(lab, 1) == [200]


def test_the_token_presented_is_dead_from_then_on_and_a_new_one_is_not(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.fault("expire_token")
    headers = bearer(lab.token())
    for _ in range(3):
        answer = lab.call("GET", "/v1/letters/s0001", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert statuses(lab, 1) == [200]
    lab.restarted()
    assert lab.call("GET", "/v1/letters/s0001", headers=headers).status_code == 401
    assert statuses(lab, 1) == [200]
    assert [entry["fault"] for entry in lab.journal()][:2] == ["expire_token", None]


def test_an_exhausted_quota_looks_like_one(lab: InProcess) -> None:
    lab.made()
    lab.fault("exhaust_quota", retry_after=9)
    answer = lab.call("GET", "/v1/letters/s0001")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "rate_limited", "9")
    assert answer.headers["ratelimit"] == '"default";r=0;t=9'
    assert statuses(lab, 1) == [200]


def test_a_shifted_page_repeats_the_last_row_of_the_page_before(lab: InProcess) -> None:
    lab.made()
    lab.fault("shift_page", query={"page": "1"})
    shifted = lab.call("GET", "/v1/paged-letters?page=1&size=10").json()["content"]
    plain = lab.call("GET", "/v1/paged-letters?page=1&size=10").json()["content"]
    assert [row["id"] for row in shifted] == [f"s{number:04}" for number in range(9, 19)]
    assert [row["id"] for row in plain] == [f"s{number:04}" for number in range(10, 20)]


def test_a_shift_waits_for_a_page_that_can_slip(lab: InProcess) -> None:
    """Neither the first page, nor what has no pages, nor a refusal uses it up."""
    lab.made()
    lab.fault("shift_page")
    paths = ("/v1/paged-letters?size=10", "/v1/letters/s0001", "/v1/paged-letters?page=x", "/v1/letters/none")
    for path in paths:
        lab.call("GET", path)
        assert lab.back("GET", "city/faults").json()["struck"] == {"shift_page": 0}
    assert lab.call("GET", "/v1/paged-letters?page=1&size=10").json()["content"][0]["id"] == "s0009"
    assert lab.call("GET", "/v1/paged-letters?page=2&size=10").json()["content"][0]["id"] == "s0020"
    assert [entry["fault"] for entry in lab.journal()] == [None, None, None, None, "shift_page", None]


def changed(lab: InProcess, text: str) -> None:
    tag = lab.call("GET", "/v1/letters/s0001").headers["etag"]
    answer = lab.call("PUT", "/v1/letters/s0001", json={"text": text}, headers={"if-match": tag})
    assert answer.status_code == 200


def test_after_a_write_the_past_is_shown_for_some_seconds(lab: InProcess) -> None:
    lab.made()
    lab.fault("stale_read", seconds=5, until="2026-11-03T08:00:00+08:00", method="GET", path="/v1/letters/s0001")
    assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "7/1"
    changed(lab, "new")
    for _ in range(3):
        assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "7/1"
    lab.clock.seconds += 5
    assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "new"
    assert [entry["fault"] for entry in lab.journal()] == [None, None, None, *["stale_read"] * 3, None]


def test_a_stale_read_is_not_used_up_before_there_is_a_past_to_show(lab: InProcess) -> None:
    lab.made()
    lab.fault("stale_read", times=1, seconds=60)
    assert statuses(lab, 3) == [200, 200, 200]
    changed(lab, "new")
    assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "7/1"
    assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "new"


def test_changes_are_made_to_the_present_while_the_past_is_shown(lab: InProcess) -> None:
    lab.made()
    lab.fault("stale_read", seconds=60, until="2026-11-03T08:00:00+08:00")
    lab.call("DELETE", "/v1/letters/s0001")
    assert statuses(lab, 1) == [200]
    assert statuses(lab, 1, method="DELETE") == [404]
    assert len(lab.letters()) == 44


def test_a_past_that_no_fault_will_show_again_is_let_go(lab: InProcess) -> None:
    lab.made()
    sandbox = lab.run(lab.agency.sandboxes.get("city"))
    lab.fault("stale_read", times=1, seconds=60)
    changed(lab, "new")
    assert sandbox.stale is not None
    lab.call("GET", "/v1/letters/s0001")
    lab.journal()
    assert sandbox.stale is None


@pytest.mark.parametrize("kind", ["close_after_commit", "truncate_body", "malformed_body"])
def test_a_spoiled_answer_waits_for_one_that_is_worth_it(lab: InProcess, kind: str) -> None:
    """A refused call commits nothing and is left alone; the fault is not used up by it."""
    lab.made()
    lab.fault(kind, path="/v1/letters")
    refused = lab.call("POST", "/v1/letters", json={"id": "a", "text": "refuse me"})
    assert (refused.status_code, refused.json()["code"]) == (409, "letter_refused")
    assert lab.back("GET", "city/faults").json()["struck"] == {kind: 0}
    assert [entry["fault"] for entry in lab.journal()] == [None]


@pytest.mark.parametrize("new", ["other", "truncate_body"])
def test_a_strike_is_not_taken_back_from_rules_that_came_later(lab: InProcess, new: str) -> None:
    """The rules are replaced, under another name or the same, while a call that was struck is on its way."""
    lab.made()
    lab.fault("truncate_body")
    rules = {"rules": [{"id": new, "path": "*", "kind": "truncate_body", "times": 1}]}

    async def play() -> int:
        letter = {"id": "a", "text": "refuse me", "pause_ms": 50}
        late = asyncio.create_task(lab.calling("POST", "/v1/letters", json=letter))
        sandbox = await lab.agency.sandboxes.get("city")
        while not sandbox.running_keys:  # noqa: ASYNC110 - nothing tells when a call was struck, and one turn is enough
            await asyncio.sleep(0)
        replaced = await lab.back_client.put("/_lab/sandboxes/city/faults", json=rules)
        assert replaced.status_code == 200
        return (await late).status_code

    assert lab.run(play()) == 409
    assert lab.back("GET", "city/faults").json()["struck"].get(new, 0) == 0


@pytest.mark.parametrize("kind", ["truncate_body", "malformed_body"])
def test_an_answer_without_a_body_cannot_be_spoiled(lab: InProcess, kind: str) -> None:
    lab.made()
    lab.fault(kind)
    assert lab.call("DELETE", "/v1/letters/s0001").status_code == 204
    answer = lab.call("GET", "/v1/letters/s0002", headers={"if-none-match": '"v1"'})
    assert answer.status_code == 304
    assert lab.back("GET", "city/faults").json()["struck"] == {kind: 0}


def test_a_malformed_body_is_no_json_and_the_change_is_made_all_the_same(lab: InProcess) -> None:
    lab.made()
    lab.fault("malformed_body")
    headers = {"idempotency-key": "k"}
    spoiled = lab.call("POST", "/v1/letters", json={"id": "a", "text": "b"}, headers=headers)
    assert spoiled.status_code == 201
    with pytest.raises(ValueError, match=r"\S"):
        spoiled.json()
    again = lab.call("POST", "/v1/letters", json={"id": "a", "text": "b"}, headers=headers)
    assert again.json()["id"] == "a"
    assert [(entry["fault"], entry["committed"]) for entry in lab.journal()] == [
        ("malformed_body", True),
        (None, False),
    ]


def test_latency_holds_a_call_up(lab: InProcess) -> None:
    lab.made()
    lab.fault("latency", median_ms=30, sigma=0)
    before = lab.loop.get_loop().time()
    assert statuses(lab, 1) == [200]
    assert lab.loop.get_loop().time() - before >= 0.03


def test_a_call_that_is_held_up_does_not_hold_up_a_freeze(lab: InProcess) -> None:
    lab.made()
    lab.fault("latency", median_ms=60_000, sigma=0)

    async def play() -> tuple[int, int, float]:
        begun = asyncio.get_running_loop().time()
        late = asyncio.create_task(lab.calling("DELETE", "/v1/letters/s0001"))
        sandbox = await lab.agency.sandboxes.get("city")
        while not sandbox.occupied:  # noqa: ASYNC110 - nothing tells when a call is inside, and one turn is enough
            await asyncio.sleep(0)
        frozen = await lab.back_client.post("/_lab/sandboxes/city/freeze")
        return frozen.status_code, (await late).status_code, asyncio.get_running_loop().time() - begun

    frozen, answered, took = lab.run(play())
    assert (frozen, answered) == (200, 204)
    assert took < 30
    assert [entry["committed"] for entry in lab.journal()] == [True]


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "status"},
        {"kind": "status", "times": 0},
        {"kind": "status", "until": "2026-11-02T09:00:00"},
        {"kind": "status", "times": 1, "status": 418},
        {"kind": "status", "times": 1, "status": 200},
        {"kind": "unknown", "times": 1},
        {"kind": "status", "times": 1, "probability": 0},
        {"kind": "status", "times": 1, "probability": 1.5},
        {"kind": "latency", "times": 1, "median_ms": 0},
        {"kind": "latency", "times": 1, "median_ms": 1e9},
        {"kind": "stale_read", "times": 1, "seconds": 0},
        {"kind": "status", "times": 1, "skip": -1},
        {"kind": "status", "times": 1, "whatever": 1},
        {"kind": "status", "times": 1, "id": ""},
    ],
)
def test_a_rule_that_would_not_end_or_makes_no_sense_is_refused(lab: InProcess, rule: dict[str, object]) -> None:
    lab.made()
    answer = lab.back("PUT", "city/faults", json={"rules": [{"id": "r", "path": "*", **rule}]})
    assert answer.status_code == 422
    assert lab.back("GET", "city/faults").json()["rules"] == []


def always(_rule: Rule) -> bool:
    return True


@given(st.integers(0, 2**63 - 1), st.floats(0.05, 1), st.integers(1, 5), st.integers(0, 5))
def test_chance_is_a_function_of_the_seed_and_a_counted_fault_ends(
    seed: int, probability: float, times: int, skip: int
) -> None:
    rule = Rule(id="r", path="*", kind="status", probability=probability, times=times, skip=skip)

    def shown(faults: Faults) -> list[bool]:
        return [faults.strike("GET", "/x", {}, NOON, always) is not None for _ in range(400)]

    first = shown(Faults([rule], seed, {}, {}))
    assert first == shown(Faults([rule], seed, {}, {}))
    assert sum(first) <= times
    assert not any(first[:skip])
    if probability == 1:
        assert first == [skip <= turn < skip + times for turn in range(400)]


@given(st.integers(0, 2**63 - 1))
def test_a_probability_is_about_as_often_as_it_says(seed: int) -> None:
    rule = Rule(id="r", path="*", kind="status", probability=0.3, times=10_000)
    faults = Faults([rule], seed, {}, {})
    shown = sum(faults.strike("GET", "/x", {}, NOON, always) is not None for _ in range(1000))
    assert 200 < shown < 400


@given(
    st.lists(
        st.builds(
            Rule,
            id=st.sampled_from(["a", "b", "c"]),
            path=st.just("*"),
            kind=st.sampled_from(["status", "latency", "close_before"]),
            times=st.integers(1, 5),
            until=st.none() | st.just(NOON + timedelta(hours=1)),
            skip=st.integers(0, 3),
            probability=st.floats(0.1, 1),
        ),
        max_size=3,
        unique_by=lambda rule: rule.id,
    ),
    st.integers(0, 30),
    st.integers(0, 2**32),
)
def test_faults_go_on_after_being_stored_as_if_nothing_had_been(rules: list[Rule], calls: int, seed: int) -> None:
    faults = Faults(rules, seed, {}, {})
    for _ in range(calls):
        faults.strike("GET", "/x", {}, NOON, always)
    restored = Faults.restored(faults.stored(), seed)
    for _ in range(40):
        assert faults.strike("GET", "/x", {}, NOON, always) == restored.strike("GET", "/x", {}, NOON, always)
    assert faults.stored() == restored.stored()


@given(st.integers(0, 2**32), st.floats(0.1, 60_000), st.floats(0, 3))
def test_no_call_is_held_up_for_more_than_a_minute(seed: int, median: float, sigma: float) -> None:
    rule = Rule(id="r", path="*", kind="latency", times=1, median_ms=median, sigma=sigma)
    assert 0 <= Faults([rule], seed, {}, {}).delay(rule) <= 60


def test_a_rule_needs_an_end() -> None:
    with pytest.raises(ValidationError, match="ends by itself"):
        Rule(id="r", path="*", kind="status")
