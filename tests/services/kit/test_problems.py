"""Errors: one shape (RFC 9457), two languages."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sample.lab import InProcess, bearer

from services.kit.language import Text, preferred
from services.kit.problems import PROBLEM_SCHEMA, FieldError, Problem
from services.kit.validation import problem_of


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/letters/none", None, 404, "letter_not_found"),
        ("GET", "/nothing/here", None, 404, "route_not_found"),
        ("PATCH", "/v1/letters", {}, 405, "method_not_allowed"),
        ("POST", "/v1/letters", {"id": "a", "text": "refuse me"}, 409, "letter_refused"),
        ("PUT", "/v1/letters/s0001", {"text": "t"}, 428, "precondition_required"),
        ("POST", "/v1/letters", {"id": "", "text": 5, "x": 1}, 422, "validation_failed"),
        ("GET", "/v1/letters?limit=0", None, 422, "validation_failed"),
        ("POST", "/v1/letters", {"id": "a", "text": "break on me"}, 500, "internal_error"),
        ("GET", "/v1/writing-read", None, 500, "internal_error"),
    ],
)
def test_every_refusal_has_the_shape_of_rfc_9457(
    lab: InProcess, method: str, path: str, body: object, status: int, code: str
) -> None:
    lab.made()
    answer = lab.call(method, path, json=body)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    jsonschema.validate(problem, PROBLEM_SCHEMA)
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:spbe-lab:problem:{code}"
    assert problem["instance"] == path.partition("?")[0]
    assert problem["detail"].strip()
    assert ("errors" in problem) == (status == 422)


def test_the_gateway_and_the_agency_are_told_apart(lab: InProcess) -> None:
    lab.made()
    assert lab.call("GET", "/v1/letters/none").json()["source"] == "provider"
    assert lab.call("GET", "/nothing/here").json()["source"] == "gateway"
    assert lab.call("GET", "/v1/letters", headers={"authorization": ""}).json()["source"] == "gateway"


def test_indonesian_is_the_default_and_english_is_given_to_who_asks(lab: InProcess) -> None:
    lab.made()
    plain = lab.call("GET", "/nothing/here").json()
    english = lab.call("GET", "/nothing/here", headers={"accept-language": "en-GB, id;q=0.3"}).json()
    assert (plain["title"], english["title"]) == ("Tidak ditemukan", "Not found")
    assert "There is nothing at this address" in english["detail"]
    assert english["detail"] != plain["detail"]


def test_each_wrong_member_is_named_by_its_pointer(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("POST", "/v1/letters", json={"id": "", "pause_ms": "x", "a/b~c": 1})
    errors = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert errors == {
        "#/id": "too_short",
        "#/text": "missing",
        "#/pause_ms": "wrong_type",
        "#/a~1b~0c": "unknown_member",
    }


def test_wrong_parameters_of_the_query_are_named_with_a_question_mark(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("GET", "/v1/letters?limit=many&topic=" + "x" * 21)
    errors = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert errors == {"?limit": "wrong_type", "?topic": "too_long"}


@pytest.mark.parametrize(
    ("values", "given", "code"),
    [
        (Literal["45"], 45, "wrong_type"),
        (Literal["20", "45"], 45, "wrong_type"),
        (Literal["20", "45", "93"], None, "wrong_type"),
        (Literal["20", "45"], "46", "not_allowed"),
        (Literal[429, 503], "429", "not_allowed"),
        (Literal["20", 45], 46, "not_allowed"),
    ],
    ids=["one", "two", "three", "text", "numbers", "mixed"],
)
def test_a_listed_text_that_lacks_its_quotes_is_told_so(values: object, given: object, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(values).validate_python(given)
    (error,) = problem_of(refused.value.errors()).errors
    assert error.code == code
    assert (error.detail.render("en") == "This must be a string, in quotes.") == (code == "wrong_type")


def test_a_body_that_is_not_sent_as_json_is_told_so(lab: InProcess) -> None:
    lab.made()
    headers = {"content-type": "text/plain", "accept-language": "en"}
    answer = lab.call("POST", "/v1/letters", content=b'{"id": "a", "text": "b"}', headers=headers)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#"
    assert "application/json" in error["detail"]


def test_at_most_twenty_errors_are_listed(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("POST", "/v1/letters", json={f"m{number}": 1 for number in range(500)})
    assert len(answer.json()["errors"]) == 20


def test_the_trace_id_of_the_call_stands_in_its_problem_and_in_its_journal_entry(lab: InProcess) -> None:
    lab.made()
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert lab.call("GET", "/v1/letters/none", headers=sent).json()["trace_id"] == trace
    assert lab.journal()[0]["trace_id"] == trace


def test_a_defect_is_answered_without_its_details(lab: InProcess) -> None:
    lab.made()
    answer = lab.call("POST", "/v1/letters", json={"id": "a", "text": "break on me"})
    assert "defect" not in answer.text
    assert "Traceback" not in answer.text


def test_errors_on_open_paths_have_the_same_shape(lab: InProcess) -> None:
    answer = lab.run(lab.front.post("/livez"))
    jsonschema.validate(answer.json(), PROBLEM_SCHEMA)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(
    st.sampled_from([status for status in HTTPStatus if status >= 400]),
    texts,
    st.lists(texts, max_size=3),
    st.sampled_from(["id", "en"]),
    st.dictionaries(st.sampled_from(["a", "b"]), texts, min_size=2),
)
def test_every_problem_that_can_be_made_is_one_of_the_rfc(
    status: int, code: str, pointers: list[str], language: str, values: dict[str, str]
) -> None:
    here = Text(folder=Path(__file__).parent, message="from {a} to {b}", values=dict(values))
    errors = [FieldError(pointer, "x", here) for pointer in pointers]
    answer = Problem(status, code, here, errors=errors).answer(language, instance="/", trace_id="t")
    problem = json.loads(answer.body)
    jsonschema.validate(problem, PROBLEM_SCHEMA)
    assert problem["detail"] == f"from {values['a']} to {values['b']}"
    assert [error["pointer"] for error in problem.get("errors", [])] == pointers


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", "id"),
        ("en", "en"),
        ("EN-us", "en"),
        ("fr", "id"),
        ("fr, en;q=0.1", "en"),
        ("id;q=0.2, en;q=0.3", "en"),
        ("id, en", "id"),
        ("en;q=0", "id"),
        ("id;q=0, en", "en"),
        ("en;q=nonsense", "id"),
        ("en;q=nan", "id"),
        ("*", "id"),
        (";;;,,,=", "id"),
    ],
)
def test_the_language_is_chosen_by_accept_language(asked: str, given: str) -> None:
    assert preferred(asked) == given


@given(st.text(max_size=200))
def test_no_accept_language_is_too_odd(asked: str) -> None:
    assert preferred(asked) in {"id", "en"}


def test_a_call_without_a_token_is_refused_before_anything_else(lab: InProcess) -> None:
    answer = lab.run(lab.front.get("/v1/letters/none", headers=bearer("")))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == "Bearer"
