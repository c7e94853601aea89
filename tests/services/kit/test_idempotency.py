"""`Idempotency-Key`: a retry gets the first answer, never a second change."""

import asyncio
import secrets
from collections import Counter

import httpx
import pytest
from sample.lab import InProcess, Served, bearer

LETTER = {"id": "a", "text": "one"}


def send(lab: InProcess, key: str | bytes, letter: object = LETTER, **headers: str) -> httpx.Response:
    return lab.call("POST", "/v1/letters", json=letter, headers={"idempotency-key": key, **headers})


def test_a_post_that_needs_a_key_is_refused_without_one(lab: InProcess) -> None:
    lab.made()
    answer = lab.run(lab.front.post("/v1/letters", json=LETTER, headers=bearer(lab.token())))
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert len(lab.letters()) == 45


@pytest.mark.parametrize("offered", ["", " ", "a b", "x" * 256, "kunci-é", '""', "tab\tbed"])
def test_a_key_must_be_short_and_printable(lab: InProcess, offered: str) -> None:
    lab.made()
    answer = send(lab, offered.encode("latin-1"))
    assert answer.status_code == 400
    assert answer.json()["code"] in {"idempotency_key_missing", "idempotency_key_invalid"}
    assert len(lab.letters()) == 45


def test_a_repeated_call_gets_the_first_answer_and_changes_nothing_more(lab: InProcess) -> None:
    lab.made()
    first, again = send(lab, "k"), send(lab, "k")
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert [entry["committed"] for entry in lab.journal()] == [True, False]
    assert len(lab.letters()) == 46


def test_a_key_in_quotes_is_the_same_key(lab: InProcess) -> None:
    """The draft spells the key as a quoted string; most clients do not."""
    lab.made()
    send(lab, "k")
    assert "idempotent-replayed" in send(lab, '"k"').headers


def test_a_key_that_comes_with_another_payload_is_refused(lab: InProcess) -> None:
    lab.made()
    send(lab, "k")
    answer = send(lab, "k", {"id": "b", "text": "one"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(lab.letters()) == 46


def test_a_key_belongs_to_its_client(lab: InProcess) -> None:
    lab.made()
    send(lab, "k")
    other = send(lab, "k", {"id": "b", "text": "one"}, authorization=f"Bearer {lab.token(client_id='city-other')}")
    assert other.status_code == 201


def test_a_stored_answer_is_not_given_to_a_token_without_the_scope(lab: InProcess) -> None:
    lab.made()
    first = send(lab, "k")
    lesser = f"Bearer {lab.token(scope='letters:read')}"
    for letter in (LETTER, {"id": "b", "text": "one"}):
        answer = send(lab, "k", letter, authorization=lesser)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert 'scope="letters:write"' in answer.headers["www-authenticate"]
    assert send(lab, "k").content == first.content


def test_a_new_token_of_the_client_keeps_its_keys(lab: InProcess) -> None:
    lab.made()
    send(lab, "k", authorization=f"Bearer {lab.token()}")
    assert "idempotent-replayed" in send(lab, "k", authorization=f"Bearer {lab.token()}").headers


def test_a_call_that_failed_may_be_made_again_with_its_key(lab: InProcess) -> None:
    lab.made()
    assert send(lab, "k", {"id": "a", "text": "refuse me"}).status_code == 409
    assert send(lab, "k").status_code == 201


def test_a_key_outlives_a_restart(lab: InProcess) -> None:
    lab.made(durable=True)
    first = send(lab, "k")
    lab.restarted()
    again = send(lab, "k")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


def test_a_reset_forgets_the_keys(lab: InProcess) -> None:
    lab.made()
    send(lab, "k")
    lab.back("POST", "city/reset")
    assert "idempotent-replayed" not in send(lab, "k").headers
    assert len(lab.letters()) == 46


def test_a_key_on_another_post_is_honoured_as_well(lab: InProcess) -> None:
    """Nothing is kept of a call that changed nothing, so its key stays free."""
    lab.made()
    for wanted in ("s0001", "s0002"):
        answer = lab.call("POST", "/v1/lookups", json={"id": wanted}, headers={"idempotency-key": "k"})
        assert (answer.status_code, answer.json()["id"]) == (200, wanted)
    assert [entry["committed"] for entry in lab.journal()] == [False, False]


def test_a_second_call_while_the_first_is_running_is_told_to_wait(lab: InProcess) -> None:
    lab.made()

    async def both() -> list[httpx.Response]:
        slow = {"id": "a", "text": "slow", "pause_ms": 50}
        headers = {"idempotency-key": "k"}
        calls = (lab.calling("POST", "/v1/letters", json=slow, headers=headers) for _ in range(2))
        return await asyncio.gather(*calls)

    first, second = lab.run(both())
    assert (first.status_code, second.status_code) == (201, 409)
    assert (second.json()["code"], second.headers["retry-after"]) == ("idempotency_key_in_use", "1")
    assert send(lab, "k", {"id": "a", "text": "slow", "pause_ms": 50}).headers["idempotent-replayed"] == "true"


async def stormed(served: Served, sandbox: str, keys: list[str], each: int) -> list[tuple[str, httpx.Response]]:
    """Every key sent several times at once, each time over a connection of its own."""
    headers = bearer(served.token(sandbox))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", trust_env=False, timeout=20) as client:

        async def one(key: str) -> tuple[str, httpx.Response]:
            letter = {"id": key, "text": "storm", "pause_ms": 2}
            return key, await client.post("/v1/letters", json=letter, headers={**headers, "idempotency-key": key})

        return list(await asyncio.gather(*(one(key) for key in keys for _ in range(each))))


def test_many_retries_at_once_make_one_change_each_over_real_http(served: Served) -> None:
    sandbox = served.made(durable=True)
    keys = [secrets.token_hex(8) for _ in range(8)]
    answers = asyncio.run(stormed(served, sandbox, keys, 6))
    fresh = Counter(
        key for key, answer in answers if answer.status_code == 201 and "idempotent-replayed" not in answer.headers
    )
    assert fresh == Counter(keys)
    assert {answer.status_code for _key, answer in answers} <= {201, 409}
    assert sorted(letter["id"] for letter in served.letters(sandbox) if letter["text"] == "storm") == sorted(keys)
    committed = [entry for entry in served.journal(sandbox) if entry["committed"]]
    assert sorted(entry["idempotency_key"] for entry in committed) == sorted(keys)
