"""Asked nonsense, every service says so with a problem and changes nothing.

What some dialects answer with HTTP 200 by design is told apart by `ENVELOPED`; they change nothing either, but for what
they count.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from urllib.parse import quote

import jsonschema
import pytest
from nonsense import JSON, KINDS, MALFORMED, SEGMENTS, TRICKS, Bodies, absurd_numbers
from towns import Answer, Guide, Operation, Town

from services.kit.problems import PROBLEM_SCHEMA

ENVELOPED = ("/dukcapil/get_json/", "/oss/", "/sipd/push/")
"""Dialects that say what is wrong inside of a 200, as the real ones do; what is no envelope at all gets its 4xx."""
COUNTED = {"population": ("quota",)}
"""Views of what a dialect counts: every question in an envelope uses up one verification, the senseless one too."""
ADDRESSES = ["/../../etc/passwd", "//", "/v1//", "/%2e%2e/_lab/sandboxes", "/docs/../_lab", "/.."]
_VALID = jsonschema.Draft202012Validator(dict(PROBLEM_SCHEMA))


def is_enveloped(operation: Operation) -> bool:
    return operation.path.startswith(ENVELOPED)


def check_refused(answer: Answer, operation: Operation, what: str, *statuses: int) -> None:
    """The answer is a 4xx in the shape that errors have, and nothing of the question came into its headers."""
    told = f"{operation}: {what}: {answer.status} {answer.body[:300]!r}"
    assert 400 <= answer.status < 500, told
    assert not statuses or answer.status in statuses, told
    assert "x-evil" not in answer.headers, told
    if answer.kind == JSON and operation.schemes == {"client"}:
        assert answer.json.keys() == {"error", "error_description"}, told
        return
    assert answer.kind == "application/problem+json", told
    _VALID.validate(answer.json)
    assert answer.json["status"] == answer.status, told


def check_refused_or_enveloped(answer: Answer, operation: Operation, what: str) -> None:
    if is_enveloped(operation) and answer.status == 200:
        assert answer.kind == JSON, f"{operation}: {what}"
    else:
        check_refused(answer, operation, what)


@contextmanager
def unchanged(town: Town, service: str) -> Iterator[None]:
    """Nothing was changed by the calls of a block: not the city, and by the journal not by one of them."""
    assert town.bearer
    counted = COUNTED.get(service, ())
    before = town.truth(service, *counted)
    seen = {name: town.city.show(town.name, name)["requests"] for name in town.city.services}
    yield
    assert town.truth(service, *counted) == before
    entries = town.city.journal(town.name, seen)
    committed = [f"{entry['method']} {entry['path']}" for entry in entries if entry["committed"]]
    assert [call for call in committed if not call.partition(" ")[2].startswith(ENVELOPED)] == []
    assert [entry for entry in entries if (entry["status"] or 500) >= 500] == []


class Asker:
    """Asks the operations of one service, as a client that may do everything and knows the city."""

    def __init__(self, guide: Guide) -> None:
        self.town = guide.town
        self.service = guide.service
        self.guide = guide
        self.components = self.town.document(self.service)["components"]["schemas"]

    @property
    def unsafe(self) -> list[Operation]:
        return [operation for operation in self.guide.operations if not operation.is_safe]

    @property
    def taking_json(self) -> list[tuple[Operation, Bodies]]:
        return [(one, Bodies(one, self.components)) for one in self.guide.operations if JSON in one.body_kinds]

    def headers(self, operation: Operation, etag: str = "", kind: str | None = JSON) -> dict[str, str]:
        """Everything that lets a call come as far as it can: credentials, a new key, the entity tag."""
        sent = {**self.town.credentials(operation), "idempotency-key": f"omong-kosong-{secrets.token_hex(8)}"}
        sent |= {"if-match": etag} if etag else {}
        return sent | ({"content-type": kind} if kind else {})

    def send(self, operation: Operation, body: bytes, kind: str | None = JSON) -> Answer:
        """Send a body to something real, with the right entity tag: only the body is wrong."""
        path, etag = self.guide.real(operation)
        return self.town.ask(self.service, operation.method, path, self.headers(operation, etag, kind), body)


@pytest.fixture
def asker(guide: Guide) -> Asker:
    return Asker(guide)


def test_bodies_that_mean_nothing_are_refused(service, town, asker):
    """Broken JSON, other values than objects, broken text, bottomless nesting, ten megabytes: to every operation."""
    with unchanged(town, service):
        for operation in asker.unsafe:
            kinds = list(operation.body_kinds) or [JSON]
            for what, body in MALFORMED.items():
                if operation.body_kinds or len(body) > 1024 * 1024:
                    check_refused(asker.send(operation, body, kinds[0]), operation, what)


def test_a_body_of_ten_megabytes_is_told_from_a_wrong_one(service, town, asker):
    """It is refused for its size, whatever it holds, and the line stays usable for reading why."""
    with unchanged(town, service):
        for operation in asker.unsafe:
            answer = asker.send(operation, MALFORMED["ten megabytes of text"], next(iter(operation.body_kinds), JSON))
            check_refused(answer, operation, "10 MiB", 413)
            assert answer.json["code"] == "body_too_large"


def test_bodies_of_another_kind_are_refused(service, town, asker):
    """What is right as JSON is not taken as anything else."""
    with unchanged(town, service):
        for operation, bodies in asker.taking_json:
            for what, kind in KINDS.items():
                answer = asker.send(operation, bodies.with_text("1"), kind)
                check_refused(answer, operation, what, 415, 422)


def test_members_nobody_knows_are_refused(service, town, asker):
    """And named."""
    with unchanged(town, service):
        for operation, bodies in asker.taking_json:
            answer = asker.send(operation, bodies.with_stranger())
            check_refused(answer, operation, "an unknown member", 422)
            assert ("#/tidak_dikenal", "unknown_member") in pointed(answer), operation


def pointed(answer: Answer) -> set[tuple[str, str]]:
    return {(error["pointer"], error["code"]) for error in answer.json.get("errors", ())}


def test_members_of_another_type_are_refused(service, town, asker):
    """And named, each of them: no type is bent until it fits."""
    with unchanged(town, service):
        for operation, bodies in asker.taking_json:
            tried = 0
            for pointer, body in bodies.with_wrong_types():
                answer = asker.send(operation, body)
                check_refused(answer, operation, body.decode(), 422)
                names = {name for name, _code in pointed(answer)}
                assert any(name == pointer or name.startswith(f"{pointer}/") for name in names), (body, answer.body)
                tried += 1
            assert tried, operation


def test_texts_that_trick_are_taken_as_text(service, town, asker):
    """SQL, paths, line breaks and odd Unicode in every text of a body name nothing, so nothing comes of them."""
    with unchanged(town, service):
        for operation, bodies in asker.taking_json:
            path, _etag = asker.guide.real(operation)
            for what, text in TRICKS.items():
                headers = asker.headers(operation, '"omong-kosong"')
                answer = town.ask(service, operation.method, path, headers, bodies.with_text(text))
                check_refused_or_enveloped(answer, operation, what)


def test_paths_that_trick_lead_nowhere(service, town, asker):
    """Whatever stands where an identifier belongs, no operation finds anything by it, or leaves its own address."""
    with unchanged(town, service):
        for operation in asker.guide.operations:
            for parameter in operation.parameters("path"):
                for what, segment in SEGMENTS.items():
                    path = operation.path.replace(f"{{{parameter['name']}}}", segment)
                    body = None if operation.is_safe else b"{}"
                    answer = town.ask(service, operation.method, path, asker.headers(operation, '"x"'), body)
                    check_refused(answer, operation, what)


def test_addresses_that_trick_lead_nowhere(service, town):
    """No way of writing an address leads out of the service or to its back door."""
    with unchanged(town, service):
        for target, headers in product(ADDRESSES, ({}, town.bearer)):
            answer = town.ask(service, "GET", target, headers)
            assert answer.status in {401, 404}, (target, answer.body)
            _VALID.validate(answer.json)


def test_the_back_door_is_not_at_the_front(service, town):
    """Neither a participant's token nor the lab's own opens it there."""
    for headers in (town.bearer, {"authorization": f"Bearer {'x' * 32}"}):
        answer = town.ask(service, "GET", "/_lab/sandboxes", headers)
        assert answer.status in {401, 404}
        _VALID.validate(answer.json)


def test_absurd_page_sizes_and_numbers_are_refused(service, town, asker):
    """Every number in a query has bounds, and is written as a number."""
    with unchanged(town, service):
        for operation, parameter in asked_in_query(asker, "integer"):
            for value in absurd_numbers(parameter["schema"]):
                answer = query(asker, operation, {parameter["name"]: value})
                check_refused(answer, operation, f"{parameter['name']}={value}", 422)
                assert f"?{parameter['name']}" in {pointer for pointer, _code in pointed(answer)}


def test_filters_that_trick_find_nothing(service, town, asker):
    """A text in a query is refused, or compared as text, and then nothing has it."""
    with unchanged(town, service):
        for operation, parameter in asked_in_query(asker, "string"):
            for what, text in TRICKS.items():
                answer = query(asker, operation, {parameter["name"]: text})
                told = f"{operation} {parameter['name']}: {what}"
                if answer.status == 200:
                    assert next(answer.json[name] for name in ("data", "content") if name in answer.json) == [], told
                else:
                    check_refused(answer, operation, told)


def asked_in_query(asker: Asker, kind: str) -> Iterator[tuple[Operation, Mapping[str, object]]]:
    for operation in asker.guide.operations:
        for parameter in operation.parameters("query"):
            schema = parameter["schema"]
            if kind in {one.get("type") for one in [schema, *schema.get("anyOf", ())]}:
                numeric = next((one for one in schema.get("anyOf", ()) if one.get("type") == kind), schema)
                yield operation, {**parameter, "schema": numeric}


def query(asker: Asker, operation: Operation, values: Mapping[str, str]) -> Answer:
    """Call an operation as the guide found it, but with these parameters."""
    target, _answer = asker.guide.found[operation.path]
    path, _mark, rest = target.partition("?")
    kept = [pair for pair in rest.split("&") if pair and pair.partition("=")[0] not in values]
    written = [f"{name}={quote(value, safe='')}" for name, value in values.items()]
    return asker.town.ask(asker.service, "GET", f"{path}?{'&'.join(kept + written)}", asker.headers(operation))


def test_parameters_nobody_knows_are_refused(service, town, asker):
    """In every operation that asks who calls, so that a filter with a spelling mistake does not show everything."""
    with unchanged(town, service):
        for operation in (one for one in asker.guide.operations if one.schemes):
            path, etag = asker.guide.real(operation)
            if operation.is_safe:
                path = asker.guide.found[operation.path][0]
            target = path + ("&" if "?" in path else "?") + "tidak_dikenal=1"
            body = None if operation.is_safe else b"{}"
            headers = asker.headers(operation, etag, next(iter(operation.body_kinds), JSON))
            answer = town.ask(service, operation.method, target, headers, body)
            check_refused(answer, operation, "an unknown parameter", 400, 422)
            if operation.is_safe:
                assert pointed(answer) == {("?tidak_dikenal", "unknown_parameter")}, operation


BROKEN: Mapping[str, Callable[[Town], dict[str, str]]] = {
    "nothing": lambda _town: {},
    "an empty token": lambda _town: {"authorization": "Bearer "},
    "no token": lambda _town: {"authorization": "Bearer a.b.c"},
    "another scheme": lambda _town: {"authorization": "Digest username=x"},
    "SQL": lambda _town: {"authorization": "Bearer ' OR 1=1 --"},
    "a very long one": lambda _town: {"authorization": "Bearer " + "x" * 20_000},
    "one with another ending": lambda town: {"authorization": town.bearer["authorization"][:-6] + "AAAAAA"},
    "one without signature": lambda town: {"authorization": town.bearer["authorization"].rpartition(".")[0] + "."},
}


def test_callers_who_show_nothing_that_counts_are_not_let_in(service, town, asker):
    """401 for every operation that asks for a token, with the way to get one."""
    guarded = [one for one in asker.guide.operations if one.schemes == {"bearer"}]
    with unchanged(town, service):
        for operation, (what, made) in product(guarded, BROKEN.items()):
            headers = asker.headers(operation)
            del headers["authorization"]
            answer = town.ask(service, operation.method, operation.at(), headers | made(town))
            check_refused(answer, operation, what, 401)
            assert re.match(r"Bearer\b", answer.headers["www-authenticate"]), operation
