"""The OpenAPI documents: valid, complete, in Bahasa Indonesia, and true of what the services answer."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
from schemathesis.specs.openapi import definitions
from towns import Operation, Town

PROBLEM = "#/components/schemas/Problem"
OAUTH = "#/components/schemas/TokenRefusal"
ENGLISH = {"a", "an", "and", "by", "create", "delete", "for", "get", "give", "in", "list", "of", "show", "the", "with"}
LEFT_OUT = "positive_data_acceptance"
"""A request of the right shape may break a rule of the agency; every other check of schemathesis is made."""


def test_a_document_is_valid(service, town):
    """It is OpenAPI 3.1 by the standard's own schema, and every reference in it leads somewhere."""
    document = town.document(service)
    assert document["openapi"].startswith("3.1.")
    assert [str(error) for error in definitions.OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", str(document))):
        found = document
        for step in reference.split("/"):
            found = found[step]


def refusals(operation: Operation, status: str) -> dict[str, str]:
    """The documented shape of a refusal, by media type."""
    content = operation.details["responses"].get(status, {}).get("content", {})
    return {kind: media["schema"].get("$ref", "") for kind, media in content.items()}


def test_every_operation_documents_what_can_go_wrong(service, town):
    """401, 403 and 422 are problems; a client that names itself (the token endpoint) gets its 401 in OAuth's shape."""
    for operation in town.operations(service):
        for status in ("401", "403", "422"):
            expected = {"application/problem+json": PROBLEM}
            if status == "401" and operation.schemes == {"client"}:
                expected = {"application/json": OAUTH}
            assert refusals(operation, status) == expected, f"{operation} {status}"


def test_every_refusal_is_a_problem_everywhere(service, town):
    """No other status of 400 and above has another shape, but that OAuth's may stand beside."""
    for operation in town.operations(service):
        for status in (status for status in operation.details["responses"] if status >= "400"):
            assert set(refusals(operation, status).values()) <= {PROBLEM, OAUTH}, f"{operation} {status}"
            if operation.schemes == {"bearer"}:
                assert refusals(operation, status) == {"application/problem+json": PROBLEM}, f"{operation} {status}"


def test_every_operation_has_a_summary_and_a_description_in_indonesian(service, town):
    """Written for participants, none left to what FastAPI makes of a function's name."""
    for operation in town.operations(service):
        summary, description = operation.details.get("summary", ""), operation.details.get("description", "")
        assert summary.strip(), operation
        assert description.strip(), operation
        assert summary != operation.details["operationId"].partition("_v1_")[0].replace("_", " ").title(), operation
        for text in (summary, description):
            assert ENGLISH & set(re.findall(r"[a-z]+", re.sub(r"`[^`]*`", "", text.lower()))) == set(), operation


def test_operations_are_told_apart(service, town):
    """Operation ids are unique, and no two operations have one summary."""
    operations = town.operations(service)
    for name in ("operationId", "summary"):
        assert len({operation.details[name] for operation in operations}) == len(operations), name


def test_every_safe_operation_answers_as_documented_with_real_data(service, town, guide):
    """What the seeded city shows has the documented shape, for every operation, found by what its lists show."""
    document = town.document(service)
    for operation in (one for one in guide.operations if one.is_safe):
        assert operation.path in guide.found, f"no way to an answer of {operation} was found in the lists"
        _target, answer = guide.found[operation.path]
        schema = operation.details["responses"]["200"]["content"][answer.kind]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)


def test_answers_keep_the_conventions_of_the_wire(service, town, guide):
    """Request ids come back, limits are told, an unchanged entity costs no body, and HEAD says what GET would."""
    for operation in (one for one in guide.operations if one.is_safe and one.schemes):
        target, first = guide.found[operation.path]
        named = {**town.bearer, "x-request-id": "permintaan-1"}
        answer = town.ask(service, "GET", target, named)
        assert answer.headers["x-request-id"] == "permintaan-1"
        assert re.fullmatch(r'"default";q=\d+;w=60', answer.headers["ratelimit-policy"])
        assert re.fullmatch(r'"default";r=\d+;t=\d+', answer.headers["ratelimit"])
        head = town.ask(service, "HEAD", target, town.bearer)
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(answer.body))), target
        etag = first.headers.get("etag")
        if etag is not None:
            assert re.fullmatch(r'"[^"]+"', etag), "not a strong entity tag"
            again = town.ask(service, "GET", target, {**town.bearer, "if-none-match": etag})
            assert (again.status, again.body) == (304, b""), target


def test_pages_lead_to_one_another(service, town):
    """A list that is cut names its next page, which holds other rows."""
    for operation in (one for one in town.operations(service) if one.is_safe):
        size = {"limit", "size"} & {parameter["name"] for parameter in operation.parameters("query")}
        if not size or operation.parameters("path"):
            continue
        first = town.read(service, f"{operation.path}?{size.pop()}=2")
        link = re.fullmatch(r'<([^>]+)>; rel="next"', first.headers.get("link", ""))
        if link is None:
            assert operation.path.startswith("/sipd/"), f"{operation} names no next page"
            continue
        second = town.read(service, link[1])
        assert second.status == 200, operation
        assert second.body != first.body, operation


def schemathesis_run(town: Town, service: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Let schemathesis try a service, in a folder that takes whatever it writes."""
    report = folder / "report.xml"
    basic = any(operation.schemes == {"client"} for operation in town.operations(service))
    credentials = town.basic if basic else town.bearer
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{town.url(service)}/openapi.json",
            f"--header=Authorization: {credentials['authorization']}",
            "--phases=examples,coverage,fuzzing,stateful",
            "--max-examples=3",
            "--generation-deterministic",
            f"--exclude-checks={LEFT_OUT}",
            "--warnings=off",
            "--continue-on-failure",
            "--no-color",
            "--report=junit",
            f"--report-junit-path={report}",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, report


def test_schemathesis_finds_nothing(service, new_town, tmp_path):
    """No answer is a mistake of the service, and none has a status, media type or shape that is not documented.

    Every operation is tried with what fits the document and with what does not, with and without a token, by every
    method, in a city that no other test uses.
    """
    town = new_town()
    done, report = schemathesis_run(town, service, tmp_path)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    tried = {case.get("name") for case in Xml.parse(report).iter("testcase")}  # noqa: S314 - our own report
    assert {str(operation) for operation in town.operations(service)} <= tried
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases, done.stdout
    assert int(cases[1]) == int(cases[2]) >= 10 * len(town.operations(service))
