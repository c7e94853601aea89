"""Over real HTTP, with real tokens: one SP2D per SPM whatever the line and the other callers do."""

import asyncio
import signal

import httpx
import pytest
from finance_process import Process


def waiting(process: Process) -> str:
    """The id of a new SPM that waits for its SP2D."""
    line = next(line for line in process.truth("budget") if line["spd_idr"] - line["spp_idr"] > 1_000)
    charge = {"budget_line_id": line["id"], "amount_idr": 1_000}
    said = {"skpd_code": line["skpd_code"], "kind": "LS", "purpose": "Langganan internet", "payee": "CV Contoh"}
    headers = process.bearer()

    def post(path: str, body: object, **more: str) -> httpx.Response:
        named = headers | {"idempotency-key": path} | {name.replace("_", "-"): value for name, value in more.items()}
        answer = process.client.post(path, json=body, headers=named)
        assert answer.is_success, answer.text
        return answer

    spp = post("/v1/spp", said | {"charges": [charge]})
    post(f"{spp.headers['location']}/approve", None, if_match=spp.headers["etag"])
    return str(post("/v1/spm", {"spp_id": spp.json()["id"]}).json()["id"])


def living(process: Process, spm_id: str) -> list[str]:
    rows = process.truth("documents")
    number = next(row["number"] for row in rows if row["id"] == spm_id)
    return [row["id"] for row in rows if row["parent"] == number and row["status"] != "cancelled"]


def test_fifty_callers_at_once_get_one_sp2d(restored: Process):
    spm, headers = waiting(restored), restored.bearer()

    async def race() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=restored.url, limits=limits, timeout=30) as client:
            return await asyncio.gather(
                *(
                    client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers | {"idempotency-key": f"caller-{n}"})
                    for n in range(50)
                )
            )

    answers = asyncio.run(race())
    made = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert (len(made), len(refused)) == (1, 49)
    assert {answer.json()["code"] for answer in refused} == {"sp2d_already_issued"}
    assert {answer.headers["location"] for answer in refused} == {made[0].headers["location"]}
    assert living(restored, spm) == [made[0].json()["id"]]


def test_fifty_callers_with_one_key_are_one_intent(restored: Process):
    spm, headers = waiting(restored), restored.bearer(idempotency_key="one-intent")

    async def race() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=restored.url, timeout=30) as client:
            calls = (client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers) for _ in range(50))
            return await asyncio.gather(*calls)

    answers = asyncio.run(race())
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(living(restored, spm)) == 1


def test_after_a_line_cut_behind_the_commit_the_same_key_gets_the_stored_answer(restored: Process):
    spm, headers = waiting(restored), restored.bearer(idempotency_key="cut")
    rule = {"id": "cut", "method": "POST", "path": "/v1/sp2d", "kind": "close_after_commit", "times": 1}
    assert restored.back("PUT", "/faults", json={"rules": [rule]}).status_code == 200
    with pytest.raises(httpx.TransportError):
        restored.client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers)
    (issued,) = living(restored, spm)
    again = restored.client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, issued)
    assert again.headers["idempotent-replayed"] == "true"
    other = restored.client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers | {"idempotency-key": "another"})
    assert (other.status_code, other.headers["location"]) == (409, f"/v1/sp2d/{issued}")
    assert living(restored, spm) == [issued]


def test_a_service_error_before_the_work_leaves_nothing_behind(restored: Process):
    spm, headers = waiting(restored), restored.bearer(idempotency_key="busy")
    rule = {"id": "busy", "method": "POST", "path": "/v1/sp2d", "kind": "status", "times": 1, "retry_after": 1}
    assert restored.back("PUT", "/faults", json={"rules": [rule]}).status_code == 200
    busy = restored.client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert living(restored, spm) == []
    assert restored.client.post("/v1/sp2d", json={"spm_id": spm}, headers=headers).status_code == 201


def test_what_was_answered_outlives_a_kill(tmp_path):
    with Process(tmp_path) as process:
        process.create()
        spm = waiting(process)
        paid = process.client.post("/v1/sp2d", json={"spm_id": spm}, headers=process.bearer(idempotency_key="kept"))
        assert paid.status_code == 201
        process.stop(signal.SIGKILL)
        process.start()
        assert living(process, spm) == [paid.json()["id"]]
        again = process.client.post("/v1/sp2d", json={"spm_id": spm}, headers=process.bearer(idempotency_key="kept"))
        assert again.json() == paid.json()


def test_the_documentation_page_is_served(served: Process):
    assert "swagger" in served.client.get("/docs").text.lower()
    assert served.client.get("/openapi.json").json()["info"]["title"] == "Keuangan Daerah (serupa SIPD)"
