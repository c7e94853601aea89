"""SPD → SPP → SPM → SP2D: made, refused, cancelled."""

import httpx
import pytest
from finance_city import CAPIL, FORMER, KOMINFO, LINE_A, LINE_B, LINE_C, WAITING, City

from services.world.identifiers.document_number import parse

NOBODY = "1.01.0.00.0.00.01.0000"


def charge(line: str, amount: int) -> dict[str, object]:
    return {"budget_line_id": line, "amount_idr": amount}


def spp(city: City, amount: int, *, kind: str = "LS", line: str = LINE_B, skpd: str = KOMINFO) -> httpx.Response:
    body = {"skpd_code": skpd, "kind": kind, "purpose": "Langganan internet", "payee": "CV Contoh Sejahtera"}
    more = {"amount_idr": amount} if kind == "UP" else {"charges": [charge(line, amount)]}
    return city.post("/v1/spp", body | more)


def spd(city: City, amount: int, *, line: str = LINE_B, skpd: str = KOMINFO) -> httpx.Response:
    return city.post("/v1/spd", {"skpd_code": skpd, "quarter": 4, "charges": [charge(line, amount)]})


def approved(city: City, amount: int, **more: str) -> str:
    made = spp(city, amount, **more)
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]
    assert city.change(f"/v1/spp/{id_}", "approve").json()["status"] == "approved"
    return id_


def ordered(city: City, amount: int, **more: str) -> str:
    made = city.post("/v1/spm", {"spp_id": approved(city, amount, **more)})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    return body["errors"][0]["code"] if status == 422 else body["code"]


def test_the_whole_chain_from_release_to_payment(tiny: City):
    released = spd(tiny, 5_000_000, line=LINE_C, skpd=CAPIL)
    assert released.status_code == 201
    assert released.headers["location"] == f"/v1/spd/{released.json()['id']}"
    spm_id = ordered(tiny, 4_000_000, line=LINE_C, skpd=CAPIL)
    paid = tiny.post("/v1/sp2d", {"spm_id": spm_id, "deductions_idr": 440_000})
    assert paid.status_code == 201
    body = paid.json()
    assert (body["gross_idr"], body["deductions_idr"], body["net_idr"]) == (4_000_000, 440_000, 3_560_000)
    parts = parse(body["number"])
    assert (parts.region_code, parts.kind, parts.payment, parts.skpd_code, parts.sequence, parts.month) == (
        "76.79",
        "SP2D",
        "LS",
        CAPIL,
        1,
        11,
    )
    assert tiny.get(paid.headers["location"]).headers["etag"] == paid.headers["etag"]
    realised = tiny.get("/v1/realisation", year=2026, skpd=CAPIL, month=11).json()
    assert realised["period_by_kind"]["LS"] == {
        "documents": 1, "gross_idr": 4_000_000, "deductions_idr": 440_000, "net_idr": 3_560_000,
    }  # fmt: skip
    assert tiny.get(f"/v1/dpa/{LINE_C}").json()["realised_idr"] == 4_000_000


def test_numbers_go_on_where_the_skpd_stopped(tiny: City):
    assert parse(tiny.post("/v1/sp2d", {"spm_id": WAITING}).json()["number"]).sequence == 4
    assert parse(spd(tiny, 1).json()["number"]).sequence == 2


def test_an_spd_may_fill_the_dpa_and_not_a_rupiah_more(tiny: City):
    over = spd(tiny, 30_000_001)
    assert problem(over, 409) == "dpa_exceeded"
    assert over.json()["errors"][0]["detail"] == f"30000000 rupiah are left on {LINE_B}."
    assert spd(tiny, 30_000_000).status_code == 201
    assert problem(spd(tiny, 1), 409) == "dpa_exceeded"


def test_spp_share_what_the_spd_released(tiny: City):
    assert problem(spp(tiny, 20_000_001), 409) == "spd_exceeded"
    first = spp(tiny, 15_000_000).json()["id"]
    assert problem(spp(tiny, 5_000_001), 409) == "spd_exceeded"
    assert spp(tiny, 5_000_000).status_code == 201
    assert tiny.cancel(f"/v1/spp/{first}").status_code == 200
    assert spp(tiny, 15_000_000).status_code == 201


def test_an_spm_needs_an_approved_spp(tiny: City):
    draft = spp(tiny, 1_000).json()["id"]
    assert problem(tiny.post("/v1/spm", {"spp_id": draft}), 409) == "spp_not_approved"
    assert tiny.change(f"/v1/spp/{draft}", "approve").status_code == 200
    assert problem(tiny.change(f"/v1/spp/{draft}", "approve"), 409) == "spp_not_draft"
    made = tiny.post("/v1/spm", {"spp_id": draft})
    assert made.status_code == 201
    again = tiny.post("/v1/spm", {"spp_id": draft})
    assert problem(again, 409) == "spm_already_issued"
    assert again.headers["location"] == made.headers["location"]


def test_a_second_sp2d_for_an_spm_is_refused_and_points_to_the_first(tiny: City):
    first = tiny.post("/v1/sp2d", {"spm_id": WAITING})
    second = tiny.post("/v1/sp2d", {"spm_id": WAITING, "deductions_idr": 5})
    assert problem(second, 409) == "sp2d_already_issued"
    assert second.headers["location"] == first.headers["location"]
    assert first.json()["number"] in second.json()["detail"]


def test_fifty_calls_at_once_issue_one_sp2d(tiny: City):
    answers = tiny.together([("POST", "/v1/sp2d", {"json": {"spm_id": WAITING}})] * 50)
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 49]
    made = next(answer for answer in answers if answer.status_code == 201)
    refused = [answer for answer in answers if answer.status_code == 409]
    assert {(answer.json()["code"], answer.headers["location"]) for answer in refused} == {
        ("sp2d_already_issued", made.headers["location"])
    }
    living = [row for row in tiny.truth("documents") if row["type"] == "SP2D" and row["status"] == "issued"]
    assert len([row for row in living if row["parent"] == "76.79/03.0/000003/LS/2.16.2.20.2.21.01.0000/M/10/2026"]) == 1


def test_two_payments_that_race_for_the_last_funds_do_not_both_win(tiny: City):
    release = spd(tiny, 30_000_000).json()["id"]
    spms = [ordered(tiny, 20_000_000), ordered(tiny, 30_000_000)]
    assert tiny.cancel(f"/v1/spd/{release}").status_code == 200
    answers = tiny.together([("POST", "/v1/sp2d", {"json": {"spm_id": spm}}) for spm in spms])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "spd_exceeded"}
    assert tiny.get(f"/v1/dpa/{LINE_B}").json()["realised_idr"] == 20_000_000


def test_a_cancelled_sp2d_can_be_paid_again_and_counts_no_more(tiny: City):
    before = tiny.get("/v1/realisation", year=2026).json()["period"]
    first = tiny.post("/v1/sp2d", {"spm_id": WAITING}).headers["location"]
    cancelled = tiny.cancel(first).json()
    assert (cancelled["status"], cancelled["cancelled_on"], cancelled["cancel_reason"]) == (
        "cancelled",
        "2026-11-02",
        "Salah rekening",
    )
    assert tiny.get("/v1/realisation", year=2026).json()["period"] == before
    assert problem(tiny.cancel(first), 409) == "document_cancelled"
    second = tiny.post("/v1/sp2d", {"spm_id": WAITING})
    assert second.status_code == 201
    assert second.headers["location"] != first


def test_what_a_later_document_rests_on_cannot_be_cancelled(tiny: City):
    spm = tiny.cancel("/v1/spm/spm-000006")
    assert problem(spm, 409) == "document_in_use"
    assert spm.headers["location"] == "/v1/sp2d/sp2d-000008"
    assert problem(tiny.cancel("/v1/spp/spp-000005"), 409) == "document_in_use"
    assert problem(tiny.cancel("/v1/spd/spd-000001"), 409) == "spd_in_use"
    for path in ("/v1/sp2d/sp2d-000008", "/v1/spm/spm-000006", "/v1/spp/spp-000005"):
        assert tiny.cancel(path).status_code == 200
    assert problem(tiny.post("/v1/sp2d", {"spm_id": "spm-000006"}), 409) == "spm_cancelled"
    assert problem(tiny.post("/v1/spm", {"spp_id": "spp-000005"}), 409) == "spp_not_approved"


def test_a_spp_whose_spm_was_cancelled_gets_another(tiny: City):
    assert tiny.cancel(f"/v1/spm/{WAITING}").status_code == 200
    made = tiny.post("/v1/spm", {"spp_id": "spp-000009"})
    assert made.status_code == 201
    assert tiny.get("/v1/spp/spp-000009").json()["spm_id"] == made.json()["id"]


@pytest.mark.parametrize("path", ["/v1/sp2d/sp2d-000004/cancel", "/v1/spp/spp-000009/approve"])
def test_a_change_needs_the_etag_of_what_was_read(tiny: City, path: str):
    body = {"reason": "Salah rekening"} if path.endswith("cancel") else None
    assert problem(tiny.post(path, body), 428) == "precondition_required"
    outdated = tiny.post(path, body, if_match='"v1"')
    assert problem(outdated, 412) == "precondition_failed"
    assert outdated.headers["etag"] == tiny.get(path.rpartition("/")[0]).headers["etag"]


def test_the_float_is_asked_for_once_and_refilled_within_its_amount(tiny: City):
    assert problem(spp(tiny, 1_000, kind="GU"), 409) == "float_missing"
    up = ordered(tiny, 10_000_000, kind="UP")
    assert problem(spp(tiny, 5_000, kind="UP"), 409) == "up_already_requested"
    assert problem(spp(tiny, 1_000, kind="GU"), 409) == "float_missing"
    paid = tiny.post("/v1/sp2d", {"spm_id": up})
    assert paid.status_code == 201
    assert problem(spp(tiny, 10_000_001, kind="GU"), 409) == "float_exceeded"
    refill = spp(tiny, 10_000_000, kind="GU").json()["id"]
    held = tiny.cancel(paid.headers["location"])
    assert problem(held, 409) == "document_in_use"
    assert held.headers["location"] == f"/v1/spp/{refill}"
    assert tiny.cancel(f"/v1/spp/{refill}").status_code == 200
    assert tiny.cancel(paid.headers["location"]).status_code == 200


def test_a_float_is_no_spending(tiny: City):
    before = tiny.get("/v1/realisation", year=2026, skpd=KOMINFO).json()
    assert tiny.post("/v1/sp2d", {"spm_id": ordered(tiny, 10_000_000, kind="UP")}).status_code == 201
    refill = ordered(tiny, 6_000_000, kind="GU")
    assert tiny.post("/v1/sp2d", {"spm_id": refill}).status_code == 201
    after = tiny.get("/v1/realisation", year=2026, skpd=KOMINFO).json()
    assert after["float_idr"] == 10_000_000
    assert after["period"]["gross_idr"] == before["period"]["gross_idr"] + 6_000_000
    assert after["period_by_kind"]["GU"]["gross_idr"] == 6_000_000


def test_tu_charges_lines_without_a_float(tiny: City):
    assert tiny.post("/v1/sp2d", {"spm_id": ordered(tiny, 2_000_000, kind="TU")}).status_code == 201
    assert tiny.get("/v1/realisation", year=2026).json()["period_by_kind"]["TU"]["gross_idr"] == 2_000_000


def test_a_former_skpd_issues_nothing(tiny: City):
    answer = spp(tiny, 5_000, kind="UP", skpd=FORMER)
    assert problem(answer, 409) == "skpd_inactive"
    assert KOMINFO in answer.json()["detail"]


def test_after_the_budget_year_nothing_is_booked(tiny: City):
    draft = spp(tiny, 1).json()["id"]
    tiny.advance(days=90)
    assert problem(spd(tiny, 1), 409) == "budget_year_closed"
    assert problem(spp(tiny, 1, kind="UP"), 409) == "budget_year_closed"
    assert problem(tiny.post("/v1/sp2d", {"spm_id": WAITING}), 409) == "budget_year_closed"
    assert problem(tiny.post("/v1/spm", {"spp_id": "spp-000002"}), 409) == "spm_already_issued"
    assert problem(tiny.cancel(f"/v1/spm/{WAITING}"), 409) == "budget_year_closed"
    assert problem(tiny.change(f"/v1/spp/{draft}", "approve"), 409) == "budget_year_closed"
    assert tiny.get(f"/v1/spp/{draft}").json()["status"] == "draft"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/spm", {"spp_id": "spp-999999"}, "unknown_spp"),
        ("/v1/spm", {"spp_id": "76.79/02.0/000001"}, "unknown_spp"),
        ("/v1/sp2d", {"spm_id": "spp-000009"}, "unknown_spm"),
        ("/v1/sp2d", {"spm_id": WAITING, "deductions_idr": 200_000_001}, "deductions_exceed_gross"),
        ("/v1/sp2d", {"spm_id": WAITING, "deductions_idr": -1}, "out_of_range"),
        ("/v1/sp2d", {"spm_id": WAITING, "deductions_idr": "5"}, "wrong_type"),
        ("/v1/sp2d", {"spm_id": WAITING, "deductions_idr": True}, "wrong_type"),
        ("/v1/sp2d", {"spm_id": WAITING, "nilai": 5}, "unknown_member"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 1, "charges": [charge(LINE_A, 5)]}, "line_of_other_skpd"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 1, "charges": [charge("x", 5)]}, "unknown_line"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 1, "charges": [charge(LINE_C, 5)] * 2}, "line_repeated"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 1, "charges": [charge(LINE_C, 0)]}, "out_of_range"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 1, "charges": [charge(LINE_C, 2**63)]}, "out_of_range"),
        ("/v1/spd", {"skpd_code": CAPIL, "quarter": 5, "charges": [charge(LINE_C, 5)]}, "out_of_range"),
        ("/v1/spd", {"skpd_code": NOBODY, "quarter": 1, "charges": [charge(LINE_C, 5)]}, "unknown_skpd"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_a_422_and_changes_nothing(
    tiny: City, path: str, body: dict[str, object], code: str
):
    before = tiny.truth("documents")
    assert problem(tiny.post(path, body), 422) == code
    assert tiny.truth("documents") == before


def test_a_retry_with_the_same_key_gets_the_same_answer(tiny: City):
    first = tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key="spm-3")
    again = tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key="spm-3")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = tiny.post("/v1/sp2d", {"spm_id": "spm-000006"}, idempotency_key="spm-3")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("path", ["/v1/spd", "/v1/spp", "/v1/spm", "/v1/sp2d", "/v1/bills"])
def test_making_something_needs_a_key(tiny: City, path: str):
    answer = tiny.post(path, {}, idempotency_key="")
    assert problem(answer, 400) == "idempotency_key_missing"


def test_the_number_of_the_spm_is_a_good_key(tiny: City):
    number = tiny.get(f"/v1/spm/{WAITING}").json()["number"]
    answers = [tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key=number) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_cancelled_sp2d_is_issued_again_with_a_new_key(tiny: City):
    number = tiny.get(f"/v1/spm/{WAITING}").json()["number"]
    first = tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key=number).json()["id"]
    assert tiny.cancel(f"/v1/sp2d/{first}").status_code == 200
    old = tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key=number)
    assert (old.json()["id"], old.headers["idempotent-replayed"]) == (first, "true")
    again = [tiny.post("/v1/sp2d", {"spm_id": WAITING}, idempotency_key=f"{number}/2") for _ in range(2)]
    assert [answer.status_code for answer in again] == [201, 201]
    assert {answer.json()["id"] for answer in again} != {first}
    assert tiny.get("/v1/sp2d", parent=WAITING, status="issued").json()["totalElements"] == 1


def test_sentences_are_indonesian_unless_english_is_asked_for(tiny: City):
    tiny.post("/v1/sp2d", {"spm_id": WAITING})
    indonesian = tiny.call("POST", "/v1/sp2d", json={"spm_id": WAITING}, headers={"accept-language": "id"}).json()
    assert indonesian["detail"].startswith("SPM ini sudah mempunyai SP2D: ")
    english = tiny.post("/v1/sp2d", {"spm_id": WAITING}).json()
    assert english["detail"].startswith("This SPM has its SP2D already: ")


def test_a_reset_brings_the_seeded_documents_back(tiny: City):
    before = tiny.truth("documents")
    assert tiny.post("/v1/sp2d", {"spm_id": WAITING}).status_code == 201
    tiny.reset()
    assert tiny.truth("documents") == before
