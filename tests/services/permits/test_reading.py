"""Reading businesses, applications and reference data."""

from itertools import pairwise

import pytest

from services.permits import rules


def pages(office, path: str, **filters) -> list[dict]:
    """Follow the cursor to the end."""
    rows, cursor = [], None
    while True:
        page = office.read(path, params={**filters, **({"cursor": cursor} if cursor else {})})
        assert len(page["data"]) <= page["meta"]["limit"]
        rows += page["data"]
        if not page["meta"]["has_more"]:
            assert page["meta"]["cursor"] is None
            return rows
        cursor = page["meta"]["cursor"]


def test_all_applications_come_once_oldest_first(office):
    """Pages of any size give every application exactly once, in order of submission."""
    rows = pages(office, "/v1/applications", limit=7)
    assert rows == pages(office, "/v1/applications", limit=1000)
    assert [row["id"] for row in rows] == [seen["id"] for seen in office.truth("applications")]
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(before["submitted_at"] <= after["submitted_at"] for before, after in pairwise(rows))


def test_the_queue_is_status_20(office):
    """The filter gives what the grader's view of the queue gives."""
    rows = pages(office, "/v1/applications", limit=25, status="20")
    assert [row["id"] for row in rows] == office.truth("queue")
    assert {row["status_name"] for row in rows} == {"Validasi"}
    assert len(rows) == 96


def test_an_application_decided_while_paging_loses_nobody(office):
    """Rows that leave the queue between two pages do not make others skip."""
    first = office.read("/v1/applications", params={"status": "20", "limit": 10})
    for row in first["data"]:
        assert office.decide(row["id"], "45", "verified").status_code == 201
    params = {"status": "20", "limit": 10, "cursor": first["meta"]["cursor"]}
    second = office.read("/v1/applications", params=params)
    assert [row["id"] for row in second["data"]] == office.truth("queue")[:10]


def test_the_next_page_is_linked(office):
    """`Link` leads to the page that `meta.cursor` leads to."""
    answer = office.get("/v1/applications", params={"status": "20", "limit": 3})
    following = office.read(answer.links["next"]["url"])
    assert following["data"] == office.read("/v1/applications", params={"status": "20", "limit": 6})["data"][3:]


@pytest.mark.parametrize("name", ["status", "nib", "kbli", "risk"])
def test_a_filter_gives_exactly_the_rows_with_that_value(office, name):
    """Each filter is equality."""
    everything = pages(office, "/v1/applications", limit=1000)
    value = everything[len(everything) // 2][name]
    assert pages(office, "/v1/applications", limit=9, **{name: value}) == [
        row for row in everything if row[name] == value
    ]


def test_the_range_of_days_includes_both_ends(office):
    """`submitted_from` and `submitted_to` are whole days in WITA."""
    everything = pages(office, "/v1/applications", limit=1000)
    day = everything[len(everything) // 2]["submitted_at"][:10]
    last = everything[len(everything) // 2 + 20]["submitted_at"][:10]
    found = pages(office, "/v1/applications", submitted_from=day, submitted_to=last)
    assert found == [row for row in everything if day <= row["submitted_at"][:10] <= last]
    assert found


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "status=21",
        "status=",
        "nib=123",
        "kbli=5610",
        "risk=X",
        "submitted_from=0",
        "submitted_from=2026-02-30",
        "submitted_to=02-11-2026",
        "cursor=nonsense",
        "page=2",
    ],
)
def test_a_wrong_filter_is_refused(office, query):
    """A parameter that does not fit, or is unknown, gives 422 and says which."""
    problem = office.problem(office.get(f"/v1/applications?{query}"), 422, "validation_failed")
    assert problem["errors"][0]["pointer"] == f"?{query.split('=')[0]}"


def test_a_cursor_of_other_filters_is_refused(office):
    """A cursor belongs to the filters it was given for."""
    cursor = office.read("/v1/applications", params={"status": "20", "limit": 1})["meta"]["cursor"]
    office.problem(office.get("/v1/applications", params={"cursor": cursor}), 422, "validation_failed")


def test_lists_hold_no_personal_data(office):
    """NIK, names of persons and addresses appear only where one record is asked for."""
    listed = pages(office, "/v1/applications", limit=1000) + pages(office, "/v1/businesses", limit=1000)
    members = {name for row in listed for name in row}
    assert not members & {"nik", "applicant", "responsible", "responsible_nik", "email", "phone", "address"}
    niks = {office.read(f"/v1/applications/{row}")["applicant"]["nik"] for row in office.truth("queue")[:5]}
    assert not niks & {str(value) for row in listed for value in row.values()}


def test_an_application_shows_what_was_typed(office):
    """The applicant's data are those of the seeded world, malformed numbers included."""
    shown = office.read(f"/v1/applications/{office.waiting('malformed_nik')}")
    assert set(shown["applicant"]) == {
        "nik", "name", "sex", "birth_place", "birth_on", "address", "village_code", "phone", "email",
    }  # fmt: skip
    assert shown["status"] == "20"
    assert shown["status_name"] == "Validasi"
    assert "place" not in shown
    assert shown["license_id"].startswith("I-")
    assert len(shown["license_id"]) == 25


def test_if_none_match_saves_reading_again(office):
    """The strong ETag answers 304 without a body until a decision changes the application."""
    application = office.waiting("ok")
    path = f"/v1/applications/{application}"
    tag = office.tag(application)
    assert tag.startswith('"')
    again = office.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert office.decide(application, "45", "verified").status_code == 201
    changed = office.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_tag_belongs_to_one_application(office):
    """Two applications at the same version have different tags."""
    first, second = office.truth("queue")[:2]
    versions = {office.read(f"/v1/applications/{number}")["version"] for number in (first, second)}
    assert len(versions) == 1
    assert office.tag(first) != office.tag(second)


def test_the_checklist_shows_what_is_missing(office):
    """An incomplete checklist lacks a required item; a complete one lacks none."""

    def missing(application: str) -> list[str]:
        items = office.read(f"/v1/applications/{application}/checklist")["data"]
        assert items
        return [item["code"] for item in items if item["required"] and not item["fulfilled"]]

    for seen in office.truth("applications"):
        if seen["seeded_status"] == "20":
            assert bool(missing(seen["id"])) == (seen["trouble"] == "incomplete_checklist"), seen["id"]


def test_every_seeded_history_is_a_legal_path(office):
    """What the world says has happened could have happened here, service time included."""
    for seen in office.truth("applications"):
        steps = [step["status"] for step in office.read(f"/v1/applications/{seen['id']}/history")["data"]]
        assert steps[0] == "05"
        for before, after in pairwise(steps):
            assert after in rules.allowed(before, overdue=after == rules.AUTOMATIC), (seen["id"], steps)
        assert steps[-1] == seen["status"] == seen["seeded_status"]
        assert seen["version"] == len(steps)


def test_nothing_in_the_queue_is_late_at_the_start(office):
    """The office begins the day in time with everything that waits."""
    for application in office.truth("queue"):
        read = office.read(f"/v1/applications/{application}/sla")
        assert read["state"] == "running"
        assert not read["overdue"], application
        assert read["due_on"] >= "2026-11-02"


def test_businesses_come_by_nib(office):
    """Every business is listed once, in order of its NIB, and can be shown."""
    rows = pages(office, "/v1/businesses", limit=50)
    nibs = [row["nib"] for row in rows]
    assert nibs == sorted(set(nibs))
    shown = office.read(f"/v1/businesses/{nibs[0]}")
    assert {name: shown[name] for name in rows[0]} == rows[0]
    assert set(shown["responsible"]) == {"nik", "name", "role"}
    assert isinstance(shown["investment_idr"], int)


@pytest.mark.parametrize("name", ["kbli", "kbli_year", "scale", "risk", "status"])
def test_businesses_are_filtered(office, name):
    """Each filter is equality."""
    everything = pages(office, "/v1/businesses", limit=1000)
    value = everything[3][name]
    assert pages(office, "/v1/businesses", **{name: value}) == [row for row in everything if row[name] == value]


def test_every_application_belongs_to_a_business(office):
    """NIB, KBLI and risk of an application are those of its business."""
    by_nib = {row["nib"]: row for row in pages(office, "/v1/businesses", limit=1000)}
    for row in pages(office, "/v1/applications", limit=1000):
        assert (row["kbli"], row["risk"]) == (by_nib[row["nib"]]["kbli"], by_nib[row["nib"]]["risk"])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/businesses/0000000000000", "business_not_found"),
        ("/v1/businesses/' OR 1=1 --", "business_not_found"),
        ("/v1/applications/PMH-999999", "application_not_found"),
        ("/v1/applications/PMH-999999/history", "application_not_found"),
        ("/v1/applications/PMH-999999/checklist", "application_not_found"),
        ("/v1/applications/PMH-999999/sla", "application_not_found"),
        ("/v1/applications/%F0%9F%8F%9B", "application_not_found"),
        ("/v1/risks?kbli=99999&scale=01", "kbli_not_found"),
    ],
)
def test_what_is_not_there_is_404(office, path, code):
    """Unknown numbers get 404 with a code of their own."""
    office.problem(office.get(path), 404, code)


@pytest.mark.parametrize(
    ("scale", "risk", "kind", "verifies"),
    [("02", "MR", "standard_certificate", False), ("03", "MT", "standard_certificate", True)],
)
def test_risk_depends_on_scale(office, scale, risk, kind, verifies):
    """The same KBLI has another risk at another scale."""
    shown = office.read("/v1/risks", params={"kbli": "56101", "scale": scale})
    assert (shown["risk"], shown["permit_kind"], shown["office_verifies"]) == (risk, kind, verifies)
    assert (shown["kbli_year"], shown["title"]) == (2020, "Restoran")


def test_a_code_of_another_kbli_year_is_refused(office):
    """A 2025 code is not looked up in the 2020 table."""
    params = {"kbli": "56101", "scale": "02", "kbli_year": 2025}
    problem = office.problem(office.get("/v1/risks", params=params), 422, "kbli_year_mismatch")
    assert "2025" in problem["detail"]
    assert "2020" in problem["detail"]


def test_businesses_risk_agrees_with_the_risk_table(office):
    """What a business of KBLI 2020 is rated is what the table says."""
    for row in pages(office, "/v1/businesses", limit=1000, kbli_year=2020)[:40]:
        shown = office.read("/v1/risks", params={"kbli": row["kbli"], "scale": row["scale"]})
        assert (shown["risk"], shown["title"]) == (row["risk"], row["kbli_title"])


def test_the_published_reasons_are_the_rules(office):
    """The data table is what the rules check against, in the office's order first."""
    data = office.read("/v1/reference/reasons")["data"]
    assert [reason["reason_code"] for reason in data] == list(rules.REASONS)
    assert [reason["order"] for reason in data][:10] == list(range(1, 11))
    assert all(reason["status_name"] == rules.STATUSES[reason["status"]].name for reason in data)


def test_the_published_statuses_are_the_rules(office):
    """The data table is the table of transitions."""
    data = office.read("/v1/reference/statuses")["data"]
    assert {row["status"]: tuple(row["following"]) for row in data} == {
        code: status.following for code, status in rules.STATUSES.items()
    }


@pytest.mark.parametrize("path", ["/v1/applications", "/v1/businesses", "/v1/reference/reasons", "/v1/risks"])
def test_reading_needs_its_scope(office, path):
    """Without `permits:read` there is nothing to see."""
    problem = office.problem(office.get(path, scope="population:read"), 403, "insufficient_scope")
    assert "permits:read" in problem["detail"]
