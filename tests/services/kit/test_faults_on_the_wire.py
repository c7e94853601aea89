"""Trouble that is only seen on a real line: closed connections, truncated bodies, delays."""

import json
import socket
from contextlib import closing

import httpx
import pytest
from sample.lab import PATIENCE, Served, bearer, read_answer


def test_a_connection_closed_before_the_change_changes_nothing(served: Served) -> None:
    city = served.made()
    served.fault("close_before", city)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        served.call("DELETE", "/v1/letters/s0001", city)
    assert len(served.letters(city)) == 45
    (entry,) = served.journal(city)
    assert (entry["status"], entry["fault"], entry["committed"], entry["response_body"]) == (
        *(None, "close_before", False),
        None,
    )
    assert served.call("DELETE", "/v1/letters/s0001", city).status_code == 204


def test_a_connection_closed_after_the_change_has_changed_it_and_a_retry_gets_the_answer(served: Served) -> None:
    city = served.made()
    served.fault("close_after_commit", city)
    letter, headers = {"id": "a", "text": "b"}, {"idempotency-key": "intent-1"}
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        served.call("POST", "/v1/letters", city, json=letter, headers=headers)
    assert len(served.letters(city)) == 46
    again = served.call("POST", "/v1/letters", city, json=letter, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert len(served.letters(city)) == 46
    first, second = served.journal(city)
    assert (first["status"], first["fault"], first["committed"]) == (None, "close_after_commit", True)
    assert (second["status"], second["fault"], second["committed"]) == (201, None, False)


def test_a_truncated_body_is_shorter_than_it_was_announced(served: Served) -> None:
    city = served.made()
    served.fault("truncate_body", city)
    whole = served.call("GET", "/v1/letters/s0002", served.made()).content
    with pytest.raises(httpx.RemoteProtocolError):
        served.call("GET", "/v1/letters/s0002", city)
    served.fault("truncate_body", city)
    request = f"GET /v1/letters/s0002 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token(city)}\r\n\r\n"
    head, _blank, body = served.raw(request.encode()).partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(whole) in head
    assert body == whole[: len(whole) // 2]
    assert served.call("GET", "/v1/letters/s0002", city).content == whole


def test_a_malformed_body_arrives_whole(served: Served) -> None:
    city = served.made()
    served.fault("malformed_body", city)
    answer = served.call("GET", "/v1/letters/s0002", city)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"\S"):
        json.loads(answer.content)


def test_a_late_answer_is_late(served: Served) -> None:
    city = served.made()
    served.fault("latency", city, median_ms=150, sigma=0)
    assert served.call("GET", "/v1/letters/s0002", city).elapsed.total_seconds() >= 0.15
    (entry,) = served.journal(city)
    assert entry["ended"] - entry["started"] >= 0.15


@pytest.mark.parametrize(
    ("kind", "status"), [("status", 503), ("expire_token", 401), ("exhaust_quota", 429), ("shift_page", 200)]
)
def test_faults_that_answer_leave_the_connection_open(served: Served, kind: str, status: int) -> None:
    city = served.made()
    served.fault(kind, city)
    headers = "".join(f"{name}: {text}\r\n" for name, text in bearer(served.token(city)).items())
    request = f"GET /v1/paged-letters?page=1 HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode()
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)) as line:
        line.sendall(request)
        assert read_answer(line).startswith(b"HTTP/1.1 %d " % status)
        line.sendall(request)
        assert read_answer(line).startswith(b"HTTP/1.1 %d " % (401 if kind == "expire_token" else 200))


def test_a_stale_read_is_shown_over_real_http(served: Served) -> None:
    city = served.made()
    served.fault("stale_read", city, seconds=60, times=1)
    served.call("DELETE", "/v1/letters/s0003", city)
    assert [served.call("GET", "/v1/letters/s0003", city).status_code for _ in range(2)] == [200, 404]


def test_a_closed_connection_is_not_logged_as_a_defect(served: Served) -> None:
    city = served.made()
    before = served.log.stat().st_size
    for kind in ("close_before", "close_after_commit", "truncate_body"):
        served.fault(kind, city)
        with pytest.raises(httpx.TransportError):
            served.call("GET", "/v1/letters/s0002", city)
    assert "Traceback" not in served.log.read_text()[before:]
    assert "ERROR" not in served.log.read_text()[before:]
