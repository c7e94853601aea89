"""An agency answers the same on either store, to the byte: order, filters, pages, changes, dialects, journal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from postgresql_cluster import Cluster
from twins import CITY, SECRET, Twins

from services.__main__ import load

KEY = RSAKey.generate_key(2048, {"kid": "twins", "use": "sig"})
SCOPES = {
    "identity": ["population:read", "permits:read"],
    "population": ["population:read", "population:verify"],
    "permits": ["permits:read", "permits:decide"],
    "finance": ["finance:read", "finance:write", "finance:treasury", "finance:billing"],
}
VIEWS = {
    "identity": ["clients"],
    "population": ["residents", "trouble", "quota"],
    "permits": ["applications", "queue"],
    "finance": ["budget", "documents", "realisation", "bills", "trouble"],
}

Meet = Callable[[str], Twins]


@pytest.fixture
def meet(tmp_path: Path, postgresql: Cluster) -> Iterator[Meet]:
    """Gives the twins of a service, seeded alike; in the end their truth and their journals are compared."""
    with ExitStack() as stack:
        made: dict[str, Twins] = {}

        def begin(name: str) -> Twins:
            made[name] = stack.enter_context(Twins(load(name), tmp_path, postgresql.made(), KEY, SCOPES[name]))
            _compare(name, made[name])
            return made[name]

        yield begin
        for name, twins in made.items():
            _compare(name, twins)
            kept = twins.back("GET", "/journal?limit=5000").json()["data"]
            assert [entry["seq"] for entry in kept] == list(range(1, len(kept) + 1))
            twins.back("POST", "/reset")
            _compare(name, twins)


def _compare(name: str, twins: Twins) -> None:
    for view in VIEWS[name]:
        assert twins.back("GET", f"/truth/{view}").status_code == 200


def test_population_reads(meet: Meet) -> None:
    twins = meet("population")
    people = twins.walk("/v1/residents?limit=400")
    assert len(people) > 900
    for one in people[::200]:
        twins.ask("GET", f"/v1/residents/{one['nik']}")
        twins.ask("GET", f"/v1/families/{one['kk']}")
        twins.walk(f"/v1/residents?limit=20&name={one['name'][:2]}", 3)
        twins.walk(f"/v1/residents?limit=100&region={one['village_code']}", 2)
    tag = twins.ask("GET", f"/v1/residents/{people[0]['nik']}").headers.get("etag", '"none"')
    twins.ask("GET", f"/v1/residents/{people[0]['nik']}", headers={"if-none-match": tag})
    for status in ("active", "deceased", "non_active", "nonsense"):
        twins.ask("GET", f"/v1/residents?limit=50&status={status}")
    twins.walk("/v1/families?limit=150")
    twins.walk("/v1/families?region=76.79.90", 3)
    regions = twins.walk("/v1/regions")
    for region in regions[::5]:
        twins.ask("GET", f"/v1/regions/{region['code']}")
        twins.ask("GET", f"/v1/regions?parent={region['code']}&limit=3")
    for path in ("/v1/residents/1", "/v1/residents/99999999999999999999999", "/v1/residents?cursor=x", "/v1/nothing"):
        twins.ask("GET", path)
    twins.ask("GET", "/v1/residents/%00")
    twins.ask("GET", "/v1/residents?name=%F0%9F%98%80")


def test_population_verifies(meet: Meet) -> None:
    twins = meet("population")
    for one in twins.read("/v1/residents?limit=6")["data"]:
        body = {"nik": one["nik"], "name": one["name"], "birth_on": one["birth_on"], "threshold": 80}
        for _ in range(2):
            twins.ask("POST", "/v1/verifications", json=body)
        twins.ask("POST", "/v1/verifications", json=body | {"name": "BUKAN SIAPA-SIAPA"})
        asked = {"NIK": one["nik"], "NAMA_LGKP": one["name"], "TRESHOLD": 90}
        twins.ask("POST", "/dukcapil/CALL_VERIFY_BY_ELEMEN", json=asked)
        twins.ask("POST", "/dukcapil/CALL_NIK", json={"NIK": one["nik"]})
    twins.ask("POST", "/v1/verifications", json={"nik": "1" * 16, "name": "x"})


def test_permits_reads(meet: Meet) -> None:
    twins = meet("permits")
    queue = twins.walk("/v1/applications?limit=60")
    firms = twins.walk("/v1/businesses?limit=70")
    assert len(queue) > 50
    periods = (
        "submitted_from=2026-10-05&submitted_to=2026-10-12",
        "submitted_from=2026-10-01",
        "submitted_to=2026-09-30",
    )
    for query in ("status=20", "risk=R", "risk=T&status=20", f"nib={firms[0]['nib']}", "kbli=56101", *periods):
        twins.ask("GET", f"/v1/applications?limit=25&{query}")
    for query in ("scale=01", "risk=R", "kbli_year=2020", "kbli_year=2025&status=01", "kbli_year=99999"):
        twins.ask("GET", f"/v1/businesses?limit=25&{query}")
    for firm in firms[::25]:
        twins.ask("GET", f"/v1/businesses/{firm['nib']}")
        twins.ask("POST", "/oss/inqueryNIB", json={"INQUERYNIB": {"nib": firm["nib"]}})
    for path in ("/v1/risks", "/v1/reference/reasons", "/v1/reference/statuses", "/v1/applications/PMH-999999"):
        twins.ask("GET", path)
    twins.ask("POST", "/oss/inqueryLicense", json={"INQUERYLICENSE": {"id_izin": "I-1"}})


def test_permits_decides(meet: Meet) -> None:
    twins = meet("permits")
    queue = twins.walk("/v1/applications?limit=60")
    choices = (("41", "documents_incomplete"), ("90", None), ("45", None), ("45", "verified"))
    for application in [*queue[::20], *[one for one in queue if one["status"] == "20"][:3]]:
        base = f"/v1/applications/{application['id']}"
        tag = twins.ask("GET", base).headers["etag"]
        for status, reason in choices:
            body = {"status": status} | ({"reason_code": reason} if reason else {})
            headers = {"if-match": tag, "idempotency-key": f"{application['id']}-{status}-{reason}"}
            for _ in range(2):
                twins.ask("POST", f"{base}/decisions", json=body, headers=headers)
        for more in ("", "/history", "/checklist", "/sla"):
            twins.ask("GET", base + more)


def test_finance_reads(meet: Meet) -> None:
    twins = meet("finance")
    names = ("skpd", "programmes", "accounts", "dpa", "spd", "spp", "spm", "sp2d", "bills")
    for path in (f"/v1/{name}" for name in names):
        first = twins.walk(f"{path}?size=100", 4)[0]
        twins.ask("GET", f"{path}/{first.get('id', first.get('code'))}")
        for query in ("year=2026", "status=cancelled", "page=99", "page=1&size=7", "kind=LS", "month=3"):
            twins.ask("GET", f"{path}?{query}")
        for filter_ in ("skpd", "skpd_code", "parent", "code"):
            twins.ask("GET", f"{path}?size=20&{filter_}={first.get('skpd_code', first.get('parent_code'))}")
    office = twins.read("/v1/dpa?size=1")["content"][0]["skpd_code"]
    for path in ("/v1/cash-plan", "/v1/realisation"):
        for query in ("", "?year=2026", f"?skpd={office}", f"?skpd_code={office}&year=2026", "?year=1999"):
            twins.ask("GET", path + query)
    for page in (1, 2, 5):
        twins.ask("GET", f"/sipd/referensi/strict/dpa/penarikan/belanja?page={page}&limit=40")
        twins.ask("GET", f"/sipd/ekspor/sp2d?page={page}&limit=40")
    for id_ in ("spp-000001", "spp-99999999999999999999", "spp-9223372036854775807", "spp--1"):
        twins.ask("GET", f"/v1/spp/{id_}")


def test_finance_writes(meet: Meet) -> None:
    twins = meet("finance")
    truth = twins.back("GET", "/truth/trouble").json()["data"]
    waiting = truth["waiting"]["spm_to_pay"]
    open_spms = [row for row in _rows(twins, "/v1/spm") if row["number"] in waiting]
    for spm in open_spms[:3]:
        twins.ask("POST", "/v1/sp2d", json={"spm_id": spm["id"], "deductions_idr": 5})
        twins.ask("POST", "/v1/sp2d", json={"spm_id": spm["id"]})
    for row in _rows(twins, "/v1/spp")[:40]:
        tag = twins.ask("GET", f"/v1/spp/{row['id']}").headers.get("etag", '"x"')
        twins.ask("POST", f"/v1/spp/{row['id']}/approve", headers={"if-match": tag})
        twins.ask("POST", "/v1/spm", json={"spp_id": row["id"]})
    line = next(row for row in _rows(twins, "/v1/dpa") if row["year"] == 2026)
    charges = [{"budget_line_id": line["id"], "amount_idr": 1000}]
    body = {"skpd_code": line["skpd_code"], "kind": "LS", "purpose": "Uji", "payee": "CV Contoh", "charges": charges}
    made = twins.ask("POST", "/v1/spp", json=body)
    twins.ask("POST", "/v1/spd", json={"skpd_code": line["skpd_code"], "quarter": 4, "charges": charges})
    if made.status_code == 201:
        twins.ask("GET", made.headers["location"])
    account = next(
        row["code"] for row in _rows(twins, "/v1/accounts") if row["level"] == 6 and row["code"].startswith("4.1.02")
    )
    bill = {"skpd_code": line["skpd_code"], "account_code": account, "description": "Uji",
            "payer_name": "Contoh", "payer_nik": "7679905501010001", "amount_idr": 5000}  # fmt: skip
    made = twins.ask("POST", "/v1/bills", json=bill)
    assert made.status_code == 201, made.text
    code = made.json()["id"]
    for amount in (1, 5000, 5000):
        twins.ask("POST", f"/v1/bills/{code}/payments", json={"amount_idr": amount, "reference": "R1"})
    for row in ({"nomor_spm": spm["number"], "tanggal": "02-11-2026"} for spm in open_spms[:2]):
        twins.ask("POST", "/sipd/push/sp2d", json={"data": [row]})


def _rows(twins: Twins, path: str) -> list[Any]:
    return twins.walk(f"{path}?size=500", 30)


def test_identity_gives_tokens(meet: Meet) -> None:
    """Tokens themselves are random; all that is refused is the same, and so is what is known of clients."""
    twins = meet("identity")
    for path in ("/.well-known/oauth-authorization-server", "/oauth2/token"):
        twins.ask("GET", path, headers={"authorization": ""})
    for form in (
        {"grant_type": "client_credentials", "client_id": f"{CITY}-app", "client_secret": "wrong" * 5},
        {"grant_type": "client_credentials", "client_id": f"{CITY}-other", "client_secret": SECRET},
        {"grant_type": "password", "client_id": f"{CITY}-app", "client_secret": SECRET},
        {"grant_type": "client_credentials", "client_id": f"{CITY}-app", "client_secret": SECRET, "scope": "x:y"},
    ):
        answer = twins.ask("POST", "/oauth2/token", data=form, headers={"authorization": ""})
        assert answer.status_code in {400, 401}
