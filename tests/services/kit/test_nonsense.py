"""A service that is asked nonsense answers a problem with a status from 400 to 499, and changes nothing."""

import asyncio
import hashlib
import json
import socket
import sqlite3
from contextlib import closing
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample.lab import PATIENCE, InProcess, Served, bearer, read_answer

from services.kit.problems import PROBLEM_SCHEMA
from services.kit.settings import MAX_BODY_BYTES

MEGABYTE = 1024 * 1024


def digest(lab: InProcess) -> str:
    """What the agency's tables and the kit's hold, the journal left out."""
    sandbox = lab.run(lab.agency.sandboxes.get("city"))
    lab.run(sandbox.flush())
    whole = hashlib.sha256()
    with closing(sqlite3.connect(f"file:{lab.data}/city/state-0.db?mode=ro", uri=True)) as state:
        for line in state.iterdump():
            if "kit_journal" not in line:
                whole.update(line.encode())
    return whole.hexdigest()


def refuses(lab: InProcess, method: str, path: str, **more: object) -> str:
    """Ask nonsense; gives the problem's code."""
    before = digest(lab)
    answer = lab.call(method, path, **more)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    jsonschema.validate(answer.json(), PROBLEM_SCHEMA)
    assert digest(lab) == before
    return str(answer.json()["code"])


BODIES = {
    "empty": b"",
    "no json": b"{id: a}",
    "half a json": b'{"id": "a", "text": ',
    "two jsons": b'{"id": "a", "text": "b"}{"id": "b", "text": "b"}',
    "a list": b'[{"id": "a", "text": "b"}]',
    "null": b"null",
    "a number": b"1",
    "a string": b'"id"',
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "nested deeply with half a letter": b'{"\\ud800": ' * 50_000 + b"1" + b"}" * 50_000,
    "half a letter": b'{"id": "\\ud800", "text": "b"}',
    "half a letter in a name": b'{"id": "a", "text": "b", "\\udfff": 1}',
    "a nul": b'{"id": "a\\u0000b", "text": "b"}',
    "a bare nul": b'{"id": "a\x00b", "text": "b"}',
    "a number that is none": b'{"id": "a", "text": NaN}',
    "infinity": b'{"id": "a", "text": "b", "pause_ms": Infinity}',
    "a huge number": b'{"id": "a", "text": "b", "pause_ms": ' + b"9" * 5000 + b"}",
    "a number beyond 64 bits": b'{"id": "a", "text": "b", "pause_ms": 9223372036854775808}',
    "a tiny fraction": b'{"id": "a", "text": "b", "pause_ms": 0.5}',
    "a number as text": b'{"id": 5, "text": "b"}',
    "text as a number": b'{"id": "a", "text": "b", "pause_ms": "5"}',
    "a whole fraction": b'{"id": "a", "text": "b", "pause_ms": 5.0}',
    "true as a number": b'{"id": "a", "text": "b", "pause_ms": true}',
    "an unknown member": b'{"id": "a", "text": "b", "admin": true}',
    "a proto member": b'{"id": "a", "text": "b", "__proto__": {}, "__class__": "x"}',
    "latin-1": '{"id": "é", "text": "b"}'.encode("latin-1"),
    "utf-16": '{"id": "é"}'.encode("utf-16"),
    "xml": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    "too long an id": b'{"id": "' + b"a" * 41 + b'", "text": "b"}',
    "a long text": b'{"id": "a", "text": "' + b"b" * 500_000 + b'"}',
    "many members": json.dumps({f"m{number}": number for number in range(20_000)}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_body_is_too_odd(lab: InProcess, body: bytes) -> None:
    lab.made()
    refuses(lab, "POST", "/v1/letters", content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "kind",
    [
        *["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
        *["multipart/form-data; boundary=x", "multipart/form-data", "application/", "/", ";;;", "json", "a" * 5000],
    ],
)
def test_no_content_type_is_too_odd(lab: InProcess, kind: str) -> None:
    lab.made()
    before = digest(lab)
    answer = lab.call("POST", "/v1/letters", content=b'{"id": "a", "text": 5}', headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    assert digest(lab) == before


PATHS = [
    "/v1/letters/../../etc/passwd",
    "/v1/letters/..%2F..%2Fetc%2Fpasswd",
    "/v1/letters/%2e%2e/%2e%2e",
    "/v1/letters/a%00b",
    "/v1/letters/%ff%fe",
    "/v1/letters/%ed%a0%80",
    "/v1/letters/'%20OR%20'1'='1",
    "/v1/letters/s0001'--",
    "/v1/letters/s0001;DROP%20TABLE%20letters",
    "/v1/letters/%25s%25n%7B0%7D",
    "/v1/letters/{letter}",
    "/v1/letters/\u202e\u0000".replace("\u0000", "%00"),
    "/v1/letters/" + "a" * 10_000,
    "/v1/letters/" + "%F0%9F%92%A9" * 500,
    "/v1/letters/s0001/",
    "//v1/letters",
    "/v1//letters",
    "/V1/letters",
    "/",
    "/_lab",
    "/static-offline-docs/../app.py",
    "/static-offline-docs/..%2f..%2fapp.py",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_is_too_odd(lab: InProcess, path: str) -> None:
    lab.made()
    if not path.startswith("/static-offline-docs"):
        assert refuses(lab, "GET", path) in {"letter_not_found", "route_not_found", "nul_character"}
        refuses(lab, "DELETE", path)
    else:
        assert lab.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        *["unknown=1", "limit=10&admin=1", "%00=1", "limit=%00", "limit=1%27%20OR%201=1", "topic=%ff", "&&&&=="],
        *["limit=1" + "&limit=1" * 2000, "cursor=%22%3B", "limit=0x10", "limit=%D9%A3x", "\u202e=1", "a" * 9000],
    ],
)
def test_no_query_is_too_odd(lab: InProcess, query: str) -> None:
    lab.made()
    before = digest(lab)
    answer = lab.call("GET", f"/v1/letters?{query}")
    # A filter that nothing has and a number that is repeated are no nonsense.
    assert answer.status_code in {200, 400, 422}
    assert answer.status_code != 200 or query.startswith(("topic=", "limit=1&"))
    assert digest(lab) == before


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "PUT", "DELETE", "POST", "PROPFIND", "QUERY"])
def test_a_method_that_a_path_does_not_take_is_told_which_ones_it_takes(lab: InProcess, method: str) -> None:
    lab.made()
    before = digest(lab)
    answer = lab.call(method, "/v1/paged-letters", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert digest(lab) == before


def test_head_is_answered_like_get_without_a_body(served: Served) -> None:
    city = served.made()
    got = served.call("GET", "/v1/letters/s0001", city)
    head = served.call("HEAD", "/v1/letters/s0001", city)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])
    assert head.headers["content-length"] == got.headers["content-length"]
    assert served.call("HEAD", "/v1/letters/none", city).status_code == 404


@pytest.mark.parametrize("name", ["authorization", "content-type", "idempotency-key", "host"])
def test_two_of_a_header_that_can_mean_one_thing_only_are_refused(lab: InProcess, name: str) -> None:
    lab.made()
    before = digest(lab)
    headers = [("authorization", f"Bearer {lab.token()}"), ("content-type", "application/json")]
    headers += [("idempotency-key", "k"), ("host", "lab"), (name, "another")]
    answer = lab.run(lab.front.post("/v1/letters", headers=headers, content=b'{"id": "a", "text": "b"}'))
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert name in answer.json()["detail"]
    assert digest(lab) == before


def test_two_of_a_header_that_can_be_a_list_are_fine(lab: InProcess) -> None:
    lab.made()
    headers = [("authorization", f"Bearer {lab.token()}"), ("accept", "text/html"), ("accept", "application/json")]
    assert lab.run(lab.front.get("/v1/letters/s0001", headers=headers)).status_code == 200


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, key: object) -> object:
    """One city for all examples: they change nothing."""
    with InProcess(tmp_path_factory.mktemp("nonsense"), key) as lab:
        lab.made(requests_per_minute=10_000_000)
        yield lab


@given(st.dictionaries(st.sampled_from(["id", "topic", "text", "pause_ms", "x"]), odd_values) | odd_values)
def test_whatever_json_is_sent_is_refused_or_kept_as_it_is(shared: InProcess, body: object) -> None:
    text = json.dumps(body)
    answer = shared.call("POST", "/v1/letters", content=text.encode(), headers={"content-type": "application/json"})
    if answer.status_code == 201:
        assert isinstance(body, dict)
        kept = shared.call("GET", f"/v1/letters/{quote(body['id'], safe='')}")
        assert kept.status_code == 404 or kept.json()["text"] == body["text"]
        sandbox = shared.run(shared.agency.sandboxes.get("city"))
        assert sandbox.journal.last > 0
        shared.back("POST", "city/reset")
    else:
        assert 400 <= answer.status_code < 500, answer.text


@given(st.binary(max_size=200))
def test_whatever_bytes_are_sent_as_a_body_no_defect_is_met(shared: InProcess, body: bytes) -> None:
    answer = shared.call("POST", "/v1/letters", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10 * MEGABYTE])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_and_the_client_can_read_so(served: Served, size: int, chunked: bool) -> None:
    city = served.made()

    def pieces() -> object:
        left = size
        while left:
            piece = min(left, 65536)
            yield b" " * piece
            left -= piece

    for _ in range(3):
        content = pieces() if chunked else b" " * size
        answer = served.call("POST", "/v1/letters", city, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert served.call("GET", "/v1/letters/s0001", city).status_code == 200
    assert len(served.letters(city)) == 45


def test_the_largest_body_allowed_is_read(served: Served) -> None:
    city = served.made()
    body = json.dumps({"id": "a", "text": "b"}).encode().ljust(MAX_BODY_BYTES)
    answer = served.call("POST", "/v1/letters", city, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201


def test_a_body_announced_as_gigantic_is_refused_at_once(served: Served) -> None:
    city = served.made()
    head = f"POST /v1/letters HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token(city)}\r\n"
    answer = served.raw(f"{head}content-length: 99999999999\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_who_asks_before_sending_a_large_body_is_told_not_to(served: Served) -> None:
    city = served.made()
    head = f"POST /v1/letters HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token(city)}\r\n"
    answer = served.raw(f"{head}expect: 100-continue\r\ncontent-length: {2 * MEGABYTE}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


def test_a_request_that_is_cut_off_in_its_body_is_not_carried_out(served: Served) -> None:
    """What came is a whole letter, but more was announced: it may be the first half of another intent."""
    city = served.made()
    body = b'{"id": "half", "text": "b"}'
    head = f"POST /v1/letters HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token(city)}\r\n"
    head += f"content-type: application/json\r\nidempotency-key: k\r\ncontent-length: {len(body) + 10}\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)) as line:
        line.sendall(head.encode() + body)
        line.shutdown(socket.SHUT_WR)
        assert read_answer(line) == b""
    assert served.call("GET", "/v1/letters/half", city).status_code == 404
    assert [entry["path"] for entry in served.journal(city)] == ["/v1/letters/half"]


RAW = {
    "no http": b"HELLO\r\n\r\n",
    "binary": bytes(range(256)) * 4,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "a path that is no ascii": "GET /v1/letters/é HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
    "a path with raw bytes": b"GET /v1/letters/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "a blank in the path": b"GET /v1/let ters HTTP/1.1\r\nhost: x\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\nhost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
    "a proxy's": b"CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "two lengths": b"POST /v1/letters HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "a length and chunks": b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
    "a negative length": b"POST /v1/letters HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "a length that is none": b"POST /v1/letters HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n",
    "a broken chunk": b"POST /v1/letters HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "a header without a colon": b"GET /v1/letters HTTP/1.1\r\nhost x\r\n\r\n",
    "a nul in a header": b"GET /v1/letters HTTP/1.1\r\nhost: x\x00y\r\n\r\n",
    "a line break in a header": b"GET /v1/letters HTTP/1.1\r\nhost: x\r\n folded: y\rz\r\n\r\n",
    "version 9": b"GET /v1/letters HTTP/9.9\r\nhost: x\r\n\r\n",
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long header": b"GET /v1/letters HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * MEGABYTE + b"\r\n\r\n",
    "a long path": b"GET /v1/" + b"a" * MEGABYTE + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nhost: x\r\n"
    + b"".join(b"x-%d: y\r\n" % turn for turn in range(20_000))
    + b"\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nhost: x\r\nx-endless: " + b"a" * (4 * MEGABYTE),
}


@pytest.mark.parametrize("request_bytes", RAW.values(), ids=RAW.keys())
def test_what_is_no_request_is_answered_with_a_problem(served: Served, request_bytes: bytes) -> None:
    head, _blank, body = served.raw(request_bytes).partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    assert 400 <= status < 500
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    jsonschema.validate(problem, PROBLEM_SCHEMA)
    assert problem["status"] == status
    assert served.front.get("/livez").status_code == 200


def test_a_head_that_comes_in_small_pieces_with_a_large_body_is_read(served: Served) -> None:
    city = served.made()
    body = json.dumps({"id": "slow", "text": "b"}).encode().ljust(100_000)
    head = f"POST /v1/letters HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {served.token(city)}\r\n"
    head += f"content-type: application/json\r\nidempotency-key: k\r\ncontent-length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in ((0, 40), (40, 300), (300, len(request))):
            line.sendall(request[start:end])
        assert read_answer(line).startswith(b"HTTP/1.1 201 ")


def test_requests_sent_ahead_on_one_line_are_answered_in_order(served: Served) -> None:
    city = served.made()
    headers = "".join(f"{name}: {text}\r\n" for name, text in bearer(served.token(city)).items())
    requests = "".join(f"GET /v1/letters/s{turn:04} HTTP/1.1\r\nhost: x\r\n{headers}\r\n" for turn in range(5))
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)) as line:
        line.sendall(requests.encode())
        received = b""
        while received.count(b'"version":1}') < 5:
            piece = line.recv(65536)
            assert piece
            received += piece
    assert [received.index(f'"id":"s{turn:04}"'.encode()) for turn in range(5)] == sorted(
        received.index(f'"id":"s{turn:04}"'.encode()) for turn in range(5)
    )


def test_a_refused_sender_does_not_stop_the_others(served: Served) -> None:
    city = served.made()

    async def many() -> None:
        async def rude() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(b"\x00" * 5000)
            answer = await reader.read()
            writer.close()
            return answer

        answers = await asyncio.gather(*(rude() for _ in range(30)))
        assert all(answer.startswith(b"HTTP/1.1 400 ") for answer in answers)

    asyncio.run(many())
    assert served.call("GET", "/v1/letters/s0001", city).status_code == 200
