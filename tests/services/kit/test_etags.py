"""Entity tags: a read that knows is answered 304, a change that does not know is refused."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from sample.lab import InProcess

from services.kit.etags import etag, require_match, unchanged
from services.kit.problems import Problem


def test_a_read_that_has_the_current_state_is_answered_304_without_a_body(lab: InProcess) -> None:
    lab.made()
    tag = lab.call("GET", "/v1/letters/s0001").headers["etag"]
    for given_tags in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = lab.call("GET", "/v1/letters/s0001", headers={"if-none-match": given_tags})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert lab.call("GET", "/v1/letters/s0001", headers={"if-none-match": '"v2"'}).status_code == 200


def test_a_change_needs_the_tag_of_the_current_state(lab: InProcess) -> None:
    lab.made()
    tag = lab.call("GET", "/v1/letters/s0001").headers["etag"]
    first = lab.call("PUT", "/v1/letters/s0001", json={"text": "one"}, headers={"if-match": tag})
    assert (first.status_code, first.json()["text"]) == (200, "one")
    late = lab.call("PUT", "/v1/letters/s0001", json={"text": "two"}, headers={"if-match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert late.headers["etag"] == first.headers["etag"] != tag
    again = lab.call("PUT", "/v1/letters/s0001", json={"text": "two"}, headers={"if-match": late.headers["etag"]})
    assert again.status_code == 200


def test_a_change_without_a_tag_is_told_that_it_needs_one(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("PUT", "/v1/letters/s0001", json={"text": "blind"})
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    weak = lab.call("PUT", "/v1/letters/s0001", json={"text": "blind"}, headers={"if-match": 'W/"v1"'})
    assert weak.status_code == 412
    assert lab.call("GET", "/v1/letters/s0001").json()["text"] == "7/1"


def test_of_two_who_change_the_same_letter_at_once_one_wins(lab: InProcess) -> None:
    lab.made()

    async def both() -> list[int]:
        changes = (
            lab.calling("PUT", "/v1/letters/s0001", json={"text": who}, headers={"if-match": '"v1"'})
            for who in ("one", "two")
        )
        return [answer.status_code for answer in await asyncio.gather(*changes)]

    assert sorted(lab.run(both())) == [200, 412]


def refused(header: str, current: str) -> int | None:
    """The status with which a change is refused."""
    try:
        require_match(header, current)
    except Problem as problem:
        return problem.status
    return None


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_precondition_header_is_too_odd(header: str, version: str) -> None:
    current = etag(version)
    status = refused(header, current)
    assert status in ({412, None} if header else {428})
    # A strong comparison never accepts what a weak one does not.
    assert unchanged(header, current) or status is not None
