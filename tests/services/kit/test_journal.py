"""The journal: every call, in order, without secrets, bounded, and never lost."""

import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from entries import entry
from hypothesis import given
from hypothesis import strategies as st
from sample.lab import InProcess, Served

from services.kit import journal as journals
from services.kit.answers import Answer
from services.kit.journal import BATCH, MAX_BODY, Entry, Journal, _row
from services.kit.tables import journal


def test_an_entry_tells_the_whole_call(lab: InProcess) -> None:
    lab.made()
    headers = {"idempotency-key": "k", "x-request-id": "r", "authorization": f"Bearer {lab.token(jti='the-id')}"}
    answer = lab.call("POST", "/v1/letters?", json={"id": "a", "text": "b"}, headers=headers)
    (entry,) = lab.journal()
    assert list(entry) == [
        *["seq", "at", "started", "ended", "method", "path", "query", "request_headers", "request_body"],
        *["response_headers", "response_body", "status", "client_id", "token_id", "scopes", "request_id", "trace_id"],
        *["idempotency_key", "fault", "committed", "service"],
    ]
    assert (entry["method"], entry["path"], entry["query"], entry["status"]) == ("POST", "/v1/letters", "", 201)
    assert json.loads(entry["request_body"]) == {"id": "a", "text": "b"}
    assert json.loads(entry["response_body"]) == answer.json()
    assert (entry["client_id"], entry["token_id"], entry["request_id"]) == ("city-app", "the-id", "r")
    assert (entry["scopes"], entry["idempotency_key"]) == (["letters:read", "letters:write"], "k")
    assert (entry["fault"], entry["committed"], entry["service"]) == (None, True, "sample")
    assert entry["at"] == "2026-11-02T08:00:00.000+08:00"
    assert (entry["started"], entry["ended"]) == (lab.clock(), lab.clock())


def test_entries_stand_in_the_order_in_which_the_calls_ended(lab: InProcess) -> None:
    lab.made()
    paths = [f"/v1/letters/s{number:04}" for number in range(10)]
    for number, path in enumerate(paths):
        if number == 5:
            lab.call("DELETE", "/v1/letters/s0040")
        lab.call("GET", path)
    entries = lab.journal()
    assert [entry["seq"] for entry in entries] == list(range(1, 12))
    assert [entry["path"] for entry in entries] == [*paths[:5], "/v1/letters/s0040", *paths[5:]]


def test_the_journal_is_read_in_pages(lab: InProcess) -> None:
    lab.made()
    for _ in range(7):
        lab.call("GET", "/v1/letters/s0001")
    first = lab.back("GET", "city/journal?limit=5").json()
    rest = lab.back("GET", "city/journal?limit=5&after=5").json()
    assert ([entry["seq"] for entry in first["data"]], first["meta"]) == (
        [1, 2, 3, 4, 5],
        {"has_more": True, "last": 7},
    )
    assert ([entry["seq"] for entry in rest["data"]], rest["meta"]) == ([6, 7], {"has_more": False, "last": 7})


def test_what_is_refused_before_a_route_is_found_is_journaled_too(lab: InProcess) -> None:
    lab.made()
    lab.call("GET", "/nothing")
    lab.call("PATCH", "/v1/letters")
    lab.call("GET", "/v1/letters/a%00b")
    lab.call("POST", "/v1/letters", content=b'{"id": "\\ud800"}')
    assert [entry["status"] for entry in lab.journal()] == [404, 405, 400, 400]


def test_reads_wait_for_a_batch_and_are_written_before_the_journal_is_read(lab: InProcess) -> None:
    lab.made()
    sandbox = lab.run(lab.agency.sandboxes.get("city"))
    for number in range(3):
        lab.call("GET", "/v1/letters/s0001")
        assert len(sandbox.journal._waiting) == number + 1
    assert len(lab.journal()) == 3
    assert not sandbox.journal.waiting


def test_a_change_takes_what_waits_into_its_own_transaction(lab: InProcess) -> None:
    lab.made()
    sandbox = lab.run(lab.agency.sandboxes.get("city"))
    lab.call("GET", "/v1/letters/s0001")
    lab.call("DELETE", "/v1/letters/s0001")
    assert not sandbox.journal.waiting
    assert [entry["committed"] for entry in lab.journal()] == [False, True]


def test_a_full_batch_is_written_without_being_asked_for(served: Served) -> None:
    sandbox = served.made()
    for _ in range(BATCH + 5):
        served.call("GET", "/v1/letters/s0001", sandbox)
    assert [entry["seq"] for entry in served.journal(sandbox)] == list(range(1, BATCH + 6))


def test_a_restart_loses_no_entry_and_goes_on_counting(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.call("GET", "/v1/letters/s0001")
    lab.call("DELETE", "/v1/letters/s0001")
    lab.call("GET", "/v1/letters/s0001")
    lab.restarted()
    lab.call("GET", "/v1/letters/s0002")
    assert [(entry["seq"], entry["status"]) for entry in lab.journal()] == [(1, 200), (2, 204), (3, 404), (4, 200)]


def test_no_more_than_the_most_is_kept_and_the_rest_is_counted(lab: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_ENTRIES", 5)
    lab.made()
    for _ in range(9):
        lab.call("GET", "/v1/letters/s0001")
    page = lab.back("GET", "city/journal").json()
    assert ([entry["seq"] for entry in page["data"]], page["meta"]["last"]) == ([1, 2, 3, 4, 5], 9)
    assert lab.back("GET", "city").json()["requests"] == 9


def test_long_bodies_are_cut_in_memory_and_in_the_journal(lab: InProcess) -> None:
    lab.made()
    sandbox = lab.run(lab.agency.sandboxes.get("city"))
    lab.call("POST", "/v1/letters", content=b"x" * 500_000)
    _seq, waiting = sandbox.journal._waiting[0]
    assert len(waiting.body) == MAX_BODY
    (entry,) = lab.journal()
    assert entry["request_body"] == "x" * MAX_BODY


def test_a_body_cut_in_the_middle_of_a_letter_is_still_text(lab: InProcess) -> None:
    lab.made()
    lab.call("POST", "/v1/letters", content=b"x" + "é".encode() * MAX_BODY)
    (entry,) = lab.journal()
    assert re.fullmatch("xé*\ufffd", entry["request_body"])


def test_long_paths_and_headers_are_cut(lab: InProcess) -> None:
    lab.made()
    lab.call("GET", f"/v1/{'p' * 9000}?{'q' * 9000}", headers={"x-long": "h" * 9000})
    (entry,) = lab.journal()
    assert len(entry["path"]) == len(entry["query"]) == len(entry["request_headers"]["x-long"]) == 2048


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_never_in_the_journal(lab: InProcess, scheme: str) -> None:
    lab.made()
    token = lab.token()
    lab.call("GET", f"/v1/letters?access_token={token}", headers={"authorization": f"{scheme} {token}"})
    lab.call("POST", "/v1/letters", json={"access_token": token}, headers={"cookie": f"t={token}"})
    everything = json.dumps(lab.journal())
    assert token not in everything
    assert token.split(".")[2] not in everything
    assert f"{scheme} ***" in everything


@pytest.mark.parametrize("header", ["s3cret-without-a-scheme", "Secret s3cret-without-a-scheme", "s3cret-without a b"])
def test_an_authorization_without_a_known_scheme_is_masked_whole(header: str) -> None:
    row = kept(entry(headers=[(b"authorization", header.encode()), (b"proxy-authorization", header.encode())]))
    assert "s3cret" not in row["request_headers"]


secrets_of_all_kinds = st.text(
    st.characters(codec="utf-8", min_codepoint=33, exclude_categories=["Z"]), min_size=6, max_size=40
).map(lambda text: f"s3cr{text}ret")


def kept(noted: Entry) -> dict[str, Any]:
    """An entry as the database gets it."""
    return dict(zip(journal.columns.keys(), _row(1, noted), strict=True))


@given(
    secrets_of_all_kinds,
    st.sampled_from(["client_secret", "Client_Secret", "access_token", "password", "PASSWORD"]),
    st.sampled_from(["json", "indented", "form", "cut"]),
)
def test_secrets_are_masked_however_they_are_spelled(secret: str, name: str, how: str) -> None:
    members = {"grant_type": "client_credentials", name: secret, "scope": "a"}
    body = {
        "json": json.dumps(members, ensure_ascii=False),
        "indented": json.dumps(members, indent=4),
        "form": urlencode(members),
        "cut": json.dumps(members, ensure_ascii=False).partition('", "scope"')[0],
    }[how].encode()
    query = urlencode(members)
    row = kept(entry(body=body, query=query, answer=Answer(200, {}, body)))
    for shown in (row["request_body"], row["response_body"], row["query"]):
        spelled = {secret, json.dumps(secret)[1:-1], urlencode({"": secret})[1:]}
        assert not any(word in shown for word in spelled), shown
        assert "s3cr" not in shown
        assert "***" in shown
        assert "client_credentials" in shown


def test_basic_credentials_are_masked() -> None:
    credentials = base64.b64encode(b"city-app:s3cret").decode()
    row = kept(entry(headers=[(b"authorization", f"Basic {credentials}".encode())]))
    assert json.loads(row["request_headers"]) == {"authorization": "Basic ***"}


def test_a_journal_forgets_only_what_was_committed() -> None:
    """What comes in between the writing and the commit waits for the next batch."""
    noted = Journal(0)
    for number in range(3):
        noted.note(entry(path=str(number)))
    noted._in_transaction = len(noted._waiting)
    noted.note(entry(path="3"))
    for _again in range(2):
        noted.written()
        assert [waiting.path for _seq, waiting in noted._waiting] == ["3"]
