"""Reading: master data, budget, documents, realisation."""

import pytest
from finance_city import CAPIL, FORMER, INTERNET, KOMINFO, LINE_A, LINE_B, NETWORK, PAPER, PAPERS, WAITING, City


def test_a_former_skpd_still_answers_and_points_to_its_successor(quiet: City):
    former = quiet.get(f"/v1/skpd/{FORMER}").json()
    assert (former["active"], former["successor_code"]) == (False, KOMINFO)
    assert quiet.get(f"/v1/skpd/{KOMINFO}").json()["predecessor_codes"] == [FORMER]
    listed = quiet.get("/v1/skpd", active="false").json()
    assert [row["code"] for row in listed["content"]] == [FORMER]


def test_pages_are_spring_like_and_link_to_the_next(quiet: City):
    first = quiet.get("/v1/accounts", size=5, under="5.1")
    body = first.json()
    assert {name: value for name, value in body.items() if name != "content"} == {
        "number": 0, "size": 5, "numberOfElements": 5, "totalElements": 8, "totalPages": 2, "firstPage": True,
        "lastPage": False,
    }  # fmt: skip
    assert first.headers["link"] == '</v1/accounts?under=5.1&page=1&size=5>; rel="next"'
    second = quiet.get("/v1/accounts", size=5, under="5.1", page=1)
    assert second.json()["lastPage"] is True
    assert "link" not in second.headers
    codes = [row["code"] for row in body["content"] + second.json()["content"]]
    assert codes == sorted(set(codes))
    assert len(codes) == 8
    assert quiet.get("/v1/accounts", page=9).json()["content"] == []


def test_a_code_filter_goes_by_levels_not_by_letters(quiet: City):
    assert [row["id"] for row in quiet.get("/v1/dpa", account="5.1.02.02").json()["content"]] == [LINE_A]
    assert quiet.get("/v1/dpa", account="5.1.02.0").json()["content"] == []
    assert len(quiet.get("/v1/dpa", account=PAPER).json()["content"]) == 2
    assert len(quiet.get("/v1/dpa", sub_activity="2.16.03").json()["content"]) == 2
    assert quiet.get("/v1/dpa", skpd=CAPIL, account=INTERNET).json()["totalElements"] == 0


def test_the_nomenclature_is_read_by_level(quiet: City):
    rows = quiet.get("/v1/programmes", level="sub_activity", under="2.16").json()["content"]
    assert [row["code"] for row in rows] == [NETWORK]
    assert quiet.get(f"/v1/programmes/{NETWORK}").json()["parent_code"] == "2.16.03.2.02"
    assert [row["code"] for row in quiet.get("/v1/accounts", level=1).json()["content"]] == ["4", "5"]
    assert quiet.get(f"/v1/accounts/{PAPER}").json()["level"] == 6


def test_a_dpa_line_carries_its_cash_plan_and_what_documents_made_of_it(quiet: City):
    line = quiet.get(f"/v1/dpa/{LINE_A}").json()
    assert sum(line["cash_plan_idr"]) == line["amount_idr"] == 3_000_000_000
    assert len(line["cash_plan_idr"]) == 12
    assert (line["released_idr"], line["requested_idr"], line["realised_idr"]) == (
        1_200_000_000,
        600_000_000,
        400_000_000,
    )


def test_the_cash_plan_adds_up_the_lines(quiet: City):
    plan = quiet.get("/v1/cash-plan", year=2026, skpd=KOMINFO).json()
    assert plan["total_idr"] == 3_050_000_000
    assert sum(month["planned_idr"] for month in plan["months"]) == 3_050_000_000
    assert quiet.get("/v1/cash-plan", year=2025).json()["total_idr"] == 0


def test_realisation_leaves_out_cancelled_payments_and_tells_gross_from_net(quiet: City):
    year = quiet.get("/v1/realisation", year=2026, skpd=KOMINFO).json()
    assert year["budget_idr"] == 3_050_000_000
    assert year["released_idr"] == 1_220_000_000
    assert year["period"] == {
        "documents": 2, "gross_idr": 400_000_000, "deductions_idr": 40_000_000, "net_idr": 360_000_000,
    }  # fmt: skip
    march = quiet.get("/v1/realisation", year=2026, skpd=KOMINFO, month=3).json()
    assert march["period"]["gross_idr"] == 300_000_000
    assert march["to_date"]["gross_idr"] == 400_000_000
    january = quiet.get("/v1/realisation", year=2026, month=1).json()
    assert january["to_date"]["documents"] == 0
    assert january["skpd_code"] is None
    assert quiet.get("/v1/realisation", year=2026, skpd=CAPIL).json()["period"]["gross_idr"] == 0


def test_documents_are_found_by_their_number_which_has_slashes(quiet: City):
    wanted = PAPERS[3]
    found = quiet.get("/v1/sp2d", number=wanted["number"]).json()["content"]
    assert [row["id"] for row in found] == ["sp2d-000004"]
    assert quiet.get("/v1/sp2d/sp2d-000004").json()["number"] == wanted["number"]
    assert quiet.get("/v1/spp", number=wanted["number"]).json()["content"] == []


def test_documents_are_filtered_by_status_month_and_predecessor(quiet: City):
    assert [row["id"] for row in quiet.get("/v1/sp2d", status="cancelled").json()["content"]] == ["sp2d-000007"]
    assert [row["id"] for row in quiet.get("/v1/spm", month=10, year=2026).json()["content"]] == [WAITING]
    both = quiet.get("/v1/sp2d", parent="spm-000006").json()["content"]
    assert [row["id"] for row in both] == ["sp2d-000007", "sp2d-000008"]
    assert quiet.get("/v1/sp2d", parent="nonsense").json()["content"] == []
    assert quiet.get("/v1/sp2d", parent="spp-000005").json()["content"] == []
    assert quiet.get("/v1/spp", kind="UP").json()["content"] == []


def test_a_document_shows_what_rests_on_it(quiet: City):
    spp = quiet.get("/v1/spp/spp-000005").json()
    assert spp["charges"] == [
        {"budget_line_id": LINE_A, "sub_activity_code": NETWORK, "account_code": INTERNET, "amount_idr": 300_000_000}
    ]
    assert spp["spm_id"] == "spm-000006"
    assert quiet.get("/v1/spm/spm-000006").json()["sp2d_id"] == "sp2d-000008"
    assert quiet.get(f"/v1/spm/{WAITING}").json()["sp2d_id"] is None
    assert {charge["budget_line_id"] for charge in quiet.get("/v1/spd/spd-000001").json()["charges"]} == {
        LINE_A,
        LINE_B,
    }


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/skpd/{KOMINFO}", f"/v1/programmes/{NETWORK}", f"/v1/accounts/{PAPER}", f"/v1/dpa/{LINE_A}",
        "/v1/spd/spd-000001", "/v1/spp/spp-000002", "/v1/spm/spm-000003", "/v1/sp2d/sp2d-000004",
        "/v1/realisation?year=2026", "/v1/cash-plan?year=2026", "/v1/bills/767926900000001",
    ],
)  # fmt: skip
def test_single_reads_carry_an_etag_that_saves_the_body(quiet: City, path: str):
    first = quiet.call("GET", path)
    assert first.status_code == 200, first.text
    again = quiet.call("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_the_etag_of_realisation_changes_with_a_payment_and_not_without(tiny: City):
    before = tiny.get("/v1/realisation", year=2026).headers["etag"]
    assert tiny.get("/v1/realisation", year=2026).headers["etag"] == before
    assert tiny.post("/v1/sp2d", {"spm_id": WAITING}).status_code == 201
    assert tiny.get("/v1/realisation", year=2026).headers["etag"] != before


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/skpd/9", "skpd_not_found"),
        ("/v1/programmes/9", "programme_not_found"),
        ("/v1/accounts/9", "account_not_found"),
        ("/v1/dpa/9", "dpa_line_not_found"),
        ("/v1/spd/spd-000002", "document_not_found"),
        ("/v1/sp2d/9", "document_not_found"),
        ("/v1/bills/9", "bill_not_found"),
        ("/v1/realisation?year=2026&skpd=1.01.0.00.0.00.01.0000", "skpd_not_found"),
        ("/v1/cash-plan?year=2026&skpd=1.01.0.00.0.00.01.0000", "skpd_not_found"),
        ("/sipd/referensi/strict/dpa/penarikan/belanja/skpd/1", "skpd_not_found"),
    ],
)
def test_what_is_not_there_is_a_404_with_its_own_code(quiet: City, path: str, code: str):
    answer = quiet.call("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/dpa?account=5%25", "/v1/dpa?account=' OR 1=1", "/v1/dpa?skpd=5", "/v1/spp?size=0", "/v1/spp?size=1001",
        "/v1/spp?page=-1", "/v1/spp?kind=XX", "/v1/realisation", "/v1/realisation?year=2026&month=13", "/v1/spp?urut=1",
    ],
)  # fmt: skip
def test_nonsense_in_a_query_is_a_422(quiet: City, path: str):
    assert quiet.call("GET", path).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/dpa", "finance:write finance:treasury finance:billing"),
        ("GET", "/v1/bills", "finance:read finance:write finance:treasury"),
        ("POST", "/v1/spd", "finance:read finance:write finance:billing"),
        ("POST", "/v1/spp", "finance:read finance:treasury finance:billing"),
        ("POST", "/v1/spm", "finance:read finance:treasury finance:billing"),
        ("POST", "/v1/sp2d", "finance:read finance:write finance:billing"),
        ("POST", "/sipd/push/sp2d", "finance:read finance:write finance:billing"),
        ("POST", "/v1/sp2d/sp2d-000004/cancel", "finance:read finance:write finance:billing"),
        ("POST", "/v1/spp/spp-000002/cancel", "finance:read finance:treasury finance:billing"),
        ("POST", "/v1/bills", "finance:read finance:write finance:treasury"),
    ],
)
def test_each_route_wants_its_own_scope(quiet: City, method: str, path: str, scope: str):
    answer = quiet.call(method, path, scope=scope, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_a_shifted_page_repeats_a_row_of_the_one_before(tiny: City):
    rule = {"id": "slip", "path": "/v1/accounts", "kind": "shift_page", "times": 1}
    assert tiny.back("PUT", "/faults", json={"rules": [rule]}).status_code == 200
    first = tiny.get("/v1/accounts", size=5).json()["content"]
    slipped = tiny.get("/v1/accounts", size=5, page=1).json()["content"]
    assert slipped[0] == first[-1]
    assert tiny.get("/v1/accounts", size=5, page=1).json()["content"][0] != first[-1]


def test_a_shift_waits_for_the_second_page_of_the_dialect(tiny: City):
    rule = {"id": "slip", "path": "/sipd/*", "kind": "shift_page", "times": 1}
    assert tiny.back("PUT", "/faults", json={"rules": [rule]}).status_code == 200
    pages = [tiny.get("/sipd/ekspor/sp2d", limit=1, page=page).json()["data"] for page in (1, 2, 2)]
    assert pages[1] == pages[0] != pages[2]
