"""What identifies one call: `X-Request-ID` and `traceparent`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample.lab import InProcess

from services.kit.tracing import request_id, trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def test_a_request_id_is_echoed_and_journaled(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("GET", "/v1/letters/s0001", headers={"x-request-id": "permohonan-7/ulang"})
    assert answer.headers["x-request-id"] == "permohonan-7/ulang"
    assert lab.journal()[0]["request_id"] == "permohonan-7/ulang"


def test_calls_without_a_request_id_get_one_each(lab: InProcess) -> None:
    lab.made()
    given_ids = [lab.call("GET", "/v1/letters/s0001").headers["x-request-id"] for _ in range(20)]
    assert len(set(given_ids)) == 20
    assert [entry["request_id"] for entry in lab.journal()] == given_ids


@pytest.mark.parametrize("refused", ["", " ", "a b", "x" * 129, "<b>", "é", "a\tb"])
def test_a_request_id_that_is_no_plain_word_is_replaced(lab: InProcess, refused: str) -> None:
    lab.made()
    answer = lab.call("GET", "/v1/letters/s0001", headers={"x-request-id": refused.encode("latin-1")})
    assert answer.headers["x-request-id"] not in {refused, ""}


def test_a_refused_call_has_a_request_id_too(lab: InProcess) -> None:
    answer = lab.call("GET", "/v1/letters/s0001", "nowhere", headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (401, "mine")


@pytest.mark.parametrize(
    "header", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-what-comes-later"]
)
def test_a_valid_traceparent_is_kept(header: str) -> None:
    assert trace_id(header) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f" 00-{TRACE}-{PARENT}-01",
    ],
)
def test_an_invalid_traceparent_is_replaced_by_a_new_trace(header: str) -> None:
    first, second = trace_id(header), trace_id(header)
    assert TRACE not in {first, second}
    assert first != second
    for made in (first, second):
        assert len(made) == 32
        assert int(made, 16)


@given(st.text(max_size=200))
def test_ids_are_always_plain_words(header: str) -> None:
    assert 1 <= len(request_id(header)) <= 128
    assert request_id(header).isascii()
    assert int(trace_id(header), 16)
