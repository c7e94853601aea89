"""Nonsense for any API, made from what its document says: bodies, values and addresses that mean nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from towns import Operation

JSON = "application/json"
MEBIBYTE = 1024 * 1024
DEEP = 100_000

MALFORMED = {
    "nothing": b"",
    "half an object": b"{",
    "half a text": b'{"a": "',
    "single quotes": b"{'a': 1}",
    "a word": b"nul",
    "two values": b"{} {}",
    "no text at all": b"\xff\xfe\x00\x01",
    "no UTF-8": b'{"a": "\xc3\x28"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "deeper than any reader goes": b"[" * DEEP + b"]" * DEEP,
    "an object in an object in an object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"x"',
    "true": b"true",
    "no number": b'{"a": NaN}',
    "a NUL": b'{"a": "\x00"}',
    "an escaped NUL": b'{"a": "\\u0000"}',
    "half a character": b'{"a": "\\ud800"}',
    "the other half": b'{"a": "\\uDFFF"}',
    "XML": b"<?xml version='1.0'?><a>&b;</a>",
    "a form": b"a=1&b=2",
    "ten megabytes of text": b'{"a": "' + b"x" * 10 * MEBIBYTE + b'"}',
    "ten megabytes of nothing": b" " * 10 * MEBIBYTE,
}
KINDS = {
    "no content type": None,
    "text": "text/plain",
    "XML": "application/xml",
    "a form": "multipart/form-data; boundary=x",
    "a picture": "image/png",
    "no type": "/",
    "a patch": "application/merge-patch",
}
TRICKS = {
    "SQL": "' OR '1'='1' --",
    "more SQL": "1; DROP TABLE residents; --",
    "a union": "x') UNION SELECT value FROM facts --",
    "a path": "../../../../etc/passwd",
    "a path of Windows": "..\\..\\state.db",
    "a template": "{{7*7}}${7*7}%s%n",
    "a shell": "$(id)`id`|id",
    "a header": "x\r\nX-Evil: 1",
    "right to left": "\u202e76799\u2066",
    "nothing to see": "\u200b\ufeff\u00ad",
    "signs on signs": "a" + "\u0301" * 500,
    "other digits": "٧٦٧٩٩٠",
    "letters far away": "\U0001d56c\U0001f3f3\ufe0f\u200d\U0001f308",
    "a private letter": "\ue000\U0010ffff",
    "very long": "9" * 5000,
}
"""Texts that no identifier, code or number can be."""

SEGMENTS = {
    "up": "..%2f..%2f..%2fetc%2fpasswd",
    "up by dots": "%2e%2e",
    "up in plain sight": "..",
    "twice encoded": "%252e%252e%252f",
    "NUL": "%00",
    "NUL behind": "1%00.json",
    "no UTF-8": "%ff%fe",
    "half an escape": "%zz",
    "SQL": "'%20OR%20'1'='1",
    "more SQL": "1;DROP%20TABLE%20residents",
    "a line break": "1%0d%0aX-Evil:%201",
    "blank": "%20",
    "a star": "*",
    "minus one": "-1",
    "very long": "9" * 8000,
    "right to left": "%E2%80%AE7679",
    "a picture": "%F0%9F%98%80",
    "other digits": "%D9%A7%D9%A6",
    "braces": "%7B%7D",
}
"""Path segments that name nothing, percent-encoded as they are sent."""

NOT_NUMBERS = ["", "x", "1e3", "1.5", "NaN", "0x10", "' OR 1=1", "9" * 40, "-" + "9" * 40, "٣", "+ 1", "1,000"]
WRONG: Mapping[str, list[Any]] = {
    "string": [1, 1.5, True, [], {}, ["x"], {"a": "x"}],
    "integer": ["x", "", "1", True, [], {}, 1.5, 10**30, -(10**30), "1; DROP TABLE x"],
    "number": ["x", "", [], {}, "NaN"],
    "boolean": ["x", "", 1, "true", [], {}, 2],
    "array": ["x", 1, {}, True],
    "object": ["x", 1, [], True],
}
"""JSON values of other types than the one that a member has."""


class Bodies:
    """Bodies for one operation, made from its schema.

    Args:
        components: `components.schemas` of the document.
    """

    def __init__(self, operation: Operation, components: Mapping[str, Any]) -> None:
        self._components = components
        self.schema = self._resolved(operation.body_kinds[JSON])

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._components[schema["$ref"].rpartition("/")[2]]
        return schema

    def plausible(self) -> dict[str, Any]:
        """A body of the right form."""
        body: dict[str, Any] = self._like(self.schema)
        return body

    def with_text(self, text: str) -> bytes:
        """A body of the right form in which every text is this one."""

        def put(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: put(inner) for name, inner in value.items()}
            if isinstance(value, list):
                return [put(inner) for inner in value]
            return text if isinstance(value, str) else value

        return json.dumps(put(self.plausible())).encode()

    def with_stranger(self) -> bytes:
        """A body with a member that nobody knows."""
        return json.dumps({**self.plausible(), "tidak_dikenal": 1}).encode()

    def with_wrong_types(self) -> Iterator[tuple[str, bytes]]:
        """Bodies in each of which one member has another type, with the JSON Pointer of that member."""
        for name, schema in self.schema.get("properties", {}).items():
            types = self._types(schema)
            for kind in types & WRONG.keys():
                for value in WRONG[kind]:
                    if not any(_fits(value, other) for other in types):
                        yield f"#/{name}", json.dumps({**self.plausible(), name: value}).encode()

    def _types(self, schema: Mapping[str, Any]) -> set[str]:
        schema = self._resolved(schema)
        inner = [self._types(one) for one in schema.get("anyOf", schema.get("oneOf", ()))]
        own = {schema["type"]} if "type" in schema else set()
        return own.union(*inner)

    def _like(self, schema: Mapping[str, Any]) -> Any:
        schema = self._resolved(schema)
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        for name in ("examples", "enum"):
            if schema.get(name):
                return schema[name][0]
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return self._like(schema[name][0])
        return self._made(schema)

    def _made(self, schema: Mapping[str, Any]) -> Any:
        match schema.get("type"):
            case "object":
                return {name: self._like(inner) for name, inner in schema.get("properties", {}).items()}
            case "array":
                return [self._like(schema["items"])]
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
            case _:
                return "2026-11-02" if schema.get("format") == "date" else "1" * max(1, schema.get("minLength", 1))


_SPEAKS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and abs(value) < 2**63,
    "number": lambda value: isinstance(value, int | float),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _fits(value: Any, kind: str) -> bool:
    """Say whether a value has this type; in JSON true is no number."""
    if isinstance(value, bool) or kind not in _SPEAKS:
        return isinstance(value, bool) and kind == "boolean"
    return _SPEAKS[kind](value)


def absurd_numbers(schema: Mapping[str, Any]) -> list[str]:
    """Values that a numeric query parameter with this schema refuses."""
    low, high = schema.get("minimum", -(2**63)), schema.get("maximum", 2**63)
    return [str(low - 1), str(high + 1), *NOT_NUMBERS]
