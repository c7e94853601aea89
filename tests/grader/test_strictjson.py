"""JSON that two readers could understand differently is refused."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.strictjson import NotStrictJson, parse

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(JSON)
def test_every_proper_value_comes_back_equal(value: object) -> None:
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}', '[{"x": {"a": 1, "b": 2, "a": 3}}]', "NaN", "[Infinity]", "-Infinity", "1e999", "-1e999",
        "", "{", "[1,]", "01", "'a'", '"\t"', "{} {}", "[" * 100_000, "9" * 10_000, "\ufeff{}",
    ],
)  # fmt: skip
def test_text_that_is_not_strict_json_is_refused(text: str) -> None:
    with pytest.raises(NotStrictJson):
        parse(text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b'"\xc3"', b'"\xed\xa0\x80"'])
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse(data)


def test_text_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(NotStrictJson, match="longer than 3"):
        parse("[1]  ", limit=3)


@settings(deadline=None)
@given(st.text() | st.binary())
def test_any_input_is_read_or_refused_and_nothing_else(data: str | bytes) -> None:
    with contextlib.suppress(NotStrictJson):
        parse(data)
