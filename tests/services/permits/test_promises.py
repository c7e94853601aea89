"""What the README and the OpenAPI page promise."""

import re

import pytest

from services.kit.language import Text
from services.permits import rules
from services.permits.app import SERVICE
from services.permits.deadlines import WORKING_DAYS
from services.permits.views import RIGHT_REASON

FOLDER = SERVICE.folder
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_readme_shows_the_office_rule():
    """Its table is the rule: order, status and reason."""
    found = re.findall(r"^\| (\d+) \|.*\| `(\d\d)` \| `([a-z_]+)` \|$", section("Aturan kantor untuk antrean"), re.M)
    expected = [
        (str(reason.order), reason.status, reason.code) for reason in rules.REASONS.values() if reason.order is not None
    ]
    assert found == expected


def test_the_readme_names_every_other_reason():
    """The reasons of other steps stand there with their status."""
    found = dict(re.findall(r"`([a-z_]+)`\s+\((\d\d)\)", section("Aturan kantor untuk antrean")))
    assert found == {reason.code: reason.status for reason in rules.REASONS.values() if reason.order is None}


def test_the_readme_shows_the_transitions():
    """Its table of statuses is the table of the rules."""
    found = re.findall(r"^\| `(\d\d)` \| (.+?) \| (.+?) \|$", section("Urutan status"), re.M)
    expected = [
        (status.code, status.name, ", ".join(status.following) or "(akhir)") for status in rules.STATUSES.values()
    ]
    assert found == expected
    lapsing = [status.code for status in rules.STATUSES.values() if status.lapses]
    assert ", ".join(lapsing[:-1]) + f", atau {lapsing[-1]}" in README


def test_the_readme_shows_the_service_times():
    """Risk by risk, in working days."""
    text = " ".join(section("Waktu layanan (SLA)").split())
    assert all(f"{risk} {days}" in text for risk, days in WORKING_DAYS.items())


def test_scenarios_name_every_planted_trouble_and_its_decision():
    """The trainer's table agrees with the rule."""
    text = (FOLDER / "scenarios.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([a-z_]+)` \|.*\| `(\d\d)` `([a-z_]+)` \|$", text, re.M)
    assert {trouble: reason for trouble, _status, reason in found} == dict(RIGHT_REASON)
    assert all(rules.REASONS[reason].status == status for _trouble, status, reason in found)


@pytest.fixture
def document(office):
    answer = office.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_call_is_described(document):
    """Each has a tag, a summary, a description and problems for what can go wrong."""
    for name, operation in operations(document):
        assert operation["tags"], name
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["security"], name
        for status in ("401", "403", "422", "429", "503"):
            assert "application/problem+json" in operation["responses"][status]["content"], (name, status)


def test_the_readme_names_every_call(document):
    """What is in the OpenAPI document is in the README, and the other way round."""
    in_readme = set(re.findall(r"`(?:GET|POST) (/v1/[^`?]+)", README)) | set(re.findall(r"`(/oss/\w+)`", README))
    in_document = {path.replace("{application_id}", "{id}") for path in document["paths"]}
    assert in_document == in_readme


def test_answers_fit_the_document(office):
    """What is sent has exactly the members that the document states."""
    from services.permits import dialect_shapes, schemas  # noqa: PLC0415 - only this test needs the shapes

    application = office.waiting("ok")
    shown = schemas.Application.model_validate(office.read(f"/v1/applications/{application}"))
    schemas.ApplicationPage.model_validate(office.read("/v1/applications"))
    schemas.BusinessPage.model_validate(office.read("/v1/businesses"))
    schemas.Business.model_validate(office.read(f"/v1/businesses/{shown.nib}"))
    schemas.Steps.model_validate(office.read(f"/v1/applications/{application}/history"))
    schemas.Checklist.model_validate(office.read(f"/v1/applications/{application}/checklist"))
    schemas.ServiceTime.model_validate(office.read(f"/v1/applications/{application}/sla"))
    schemas.RiskAnswer.model_validate(office.read("/v1/risks?kbli=56101&scale=04"))
    schemas.ReferenceReasons.model_validate(office.read("/v1/reference/reasons"))
    schemas.ReferenceStatuses.model_validate(office.read("/v1/reference/statuses"))
    schemas.Decision.model_validate(office.decide(application, "45", "verified").json())
    for method, body, shape in (
        ("inqueryNIB", {"INQUERYNIB": {"nib": shown.nib}}, dialect_shapes.ResponInqueryNib),
        ("inqueryLicense", {"INQUERYLICENSE": {"id_izin": shown.license_id}}, dialect_shapes.DataLicense),
        (
            "checkLicenseStatus",
            {"CHECKLICENSESTATUS": {"id_izin": shown.license_id}},
            dialect_shapes.ResponseCheckStatusLicense,
        ),
    ):
        shape.model_validate(office.ask("POST", f"/oss/{method}", json=body).json())


def test_sentences_have_an_indonesian_side():
    """The catalogue of this service is found and compiled."""
    text = Text(FOLDER, "There is no business with this NIB. Check the 13 digits.")
    assert text.render("id") != text.render("en")
