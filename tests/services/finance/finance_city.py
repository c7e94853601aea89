"""A finance agency in this process, on a tiny hand-written city or on a generated one, called as clients call it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.finance.tables import accounts, bills, charges, documents, lines, programmes, skpd
from services.kit.service import Service, assemble
from services.kit.settings import Settings

ISSUER = "http://127.0.0.1:8101"
KEY = RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})
ALL_SCOPES = "finance:read finance:write finance:treasury finance:billing"
DAY = "2026-11-02"

KOMINFO = "2.16.2.20.2.21.01.0000"
CAPIL = "2.12.0.00.0.00.01.0000"
FORMER = "2.16.0.00.0.00.01.0000"
INTERNET = "5.1.02.02.01.0063"
PAPER = "5.1.02.01.01.0024"
MARKET = "4.1.02.01.04.0001"
NETWORK = "2.16.03.2.02.0014"
REGISTRY = "2.12.02.2.01.0001"
UNPAID, LATE, EXPIRED, PAID = (f"76792690000000{number}" for number in range(1, 5))
LINE_A = f"{NETWORK}.{INTERNET}@{KOMINFO}"
LINE_B = f"{NETWORK}.{PAPER}@{KOMINFO}"
LINE_C = f"{REGISTRY}.{PAPER}@{CAPIL}"


def token(sandbox: str, scope: str, key: RSAKey = KEY, issuer: str = ISSUER) -> str:
    """Give an access token as the identity service would."""
    now = int(time.time())
    client = f"{sandbox}-app"
    claims = {
        "iss": issuer, "aud": "kota-digital-sejahtera", "sub": client, "client_id": client, "sandbox": sandbox,
        "scope": scope, "jti": f"{sandbox}/{scope}", "iat": now, "exp": now + 3600,
    }  # fmt: skip
    return jwt.encode({"alg": "RS256", "kid": "test", "typ": "at+jwt"}, claims, key)


def _document(key: int, type_: str, sequence: int, on: str, amount: int, **own: object) -> dict[str, object]:
    kind = own.get("kind")
    code = {"SPD": "01.0", "SPP": "02.0", "SPM": "03.0", "SP2D": "04.0"}[type_]
    middle = f"{kind}/" if kind else ""
    row: dict[str, object] = {
        "key": key, "type": type_,
        "number": f"76.79/{code}/{sequence:06}/{middle}{KOMINFO}/M/{int(on[5:7])}/{on[:4]}",
        "sequence": sequence, "skpd_code": KOMINFO, "kind": None, "quarter": None, "year": int(on[:4]),
        "month": int(on[5:7]), "issued_on": on, "purpose": None, "payee": None, "amount_idr": amount,
        "deductions_idr": 0, "status": "issued", "parent_key": None, "spp_key": None, "cancelled_on": None,
        "cancel_reason": None,
    }  # fmt: skip
    return row | own


SAID = {"purpose": "Pembayaran langganan", "payee": "CV Contoh"}
GONE = {"status": "cancelled", "cancelled_on": "2026-03-05"}
PAPERS = (
    _document(1, "SPD", 1, "2026-01-04", 1_220_000_000, quarter=1),
    _document(2, "SPP", 1, "2026-02-02", 100_000_000, kind="LS", status="approved", **SAID),
    _document(3, "SPM", 1, "2026-02-03", 100_000_000, kind="LS", parent_key=2, spp_key=2),
    _document(4, "SP2D", 1, "2026-02-04", 100_000_000, kind="LS", parent_key=3, spp_key=2, deductions_idr=10_000_000),
    _document(5, "SPP", 2, "2026-03-02", 300_000_000, kind="LS", status="approved", **SAID),
    _document(6, "SPM", 2, "2026-03-03", 300_000_000, kind="LS", parent_key=5, spp_key=5),
    _document(7, "SP2D", 2, "2026-03-04", 300_000_000, kind="LS", parent_key=6, spp_key=5, **GONE),
    _document(8, "SP2D", 3, "2026-03-05", 300_000_000, kind="LS", parent_key=6, spp_key=5, deductions_idr=30_000_000),
    _document(9, "SPP", 3, "2026-10-30", 200_000_000, kind="LS", status="approved", **SAID),
    _document(10, "SPM", 3, "2026-10-31", 200_000_000, kind="LS", parent_key=9, spp_key=9),
)
"""SPM 1 is paid, SPM 2 was paid twice and once cancelled, SPM 3 (`WAITING`) waits for its SP2D."""

WAITING = "spm-000010"
WAITING_NUMBER = str(PAPERS[-1]["number"])


def tiny_rows(_world: object, _spec: object) -> Iterator[tuple[object, Sequence[dict[str, object]]]]:
    """Three SKPD (one of them gone), three lines, the papers above, a few bills.

    Line A: DPA 3,000,000,000, SPD 1,200,000,000, SPP 600,000,000, SP2D 400,000,000. Line B: DPA 50,000,000,
    SPD 20,000,000, nothing asked. Line C (another SKPD): DPA 10,000,000, nothing released.
    """
    yield skpd, [
        {"code": code, "name": name, "short_name": short, "active": code != FORMER,
         "predecessor_codes": [FORMER] if code == KOMINFO else [],
         "successor_code": KOMINFO if code == FORMER else None,
         "effective_on": "2026-01-01", "ended_on": "2026-01-01" if code == FORMER else None}
        for code, name, short in (
            (KOMINFO, "Dinas Komunikasi, Informatika, Statistik, dan Persandian", "Diskominfo"),
            (CAPIL, "Dinas Kependudukan dan Pencatatan Sipil", "Disdukcapil"),
            (FORMER, "Dinas Komunikasi dan Informatika", "Kominfo"),
        )
    ]  # fmt: skip
    yield (
        programmes,
        [
            {"code": code, "name": f"Nama {code}", "level": level, "parent_code": parent}
            for code, level, parent in (
                ("2.12.02", "programme", None),
                ("2.12.02.2.01", "activity", "2.12.02"),
                (REGISTRY, "sub_activity", "2.12.02.2.01"),
                ("2.16.03", "programme", None),
                ("2.16.03.2.02", "activity", "2.16.03"),
                (NETWORK, "sub_activity", "2.16.03.2.02"),
            )
        ],
    )
    yield accounts, [
        {"code": code, "name": f"Nama {code}", "level": level, "parent_code": code.rpartition(".")[0] or None}
        for code, level in (
            ("5", 1), ("5.1", 2), ("5.1.02", 3), ("5.1.02.01", 4), ("5.1.02.01.01", 5), (PAPER, 6),
            ("5.1.02.02", 4), ("5.1.02.02.01", 5), (INTERNET, 6), ("4", 1), ("4.1", 2), ("4.1.02", 3), (MARKET, 6),
        )
    ]  # fmt: skip
    yield lines, [
        {"key": key, "id": id_, "year": 2026, "skpd_code": code, "dpa_number": f"DPA/{code}/2026",
         "sub_activity_code": sub, "account_code": account, "amount_idr": amount,
         "cash_plan_idr": [amount // 12] * 11 + [amount - 11 * (amount // 12)]}
        for key, id_, code, sub, account, amount in (
            (1, LINE_A, KOMINFO, NETWORK, INTERNET, 3_000_000_000),
            (2, LINE_B, KOMINFO, NETWORK, PAPER, 50_000_000),
            (3, LINE_C, CAPIL, REGISTRY, PAPER, 10_000_000),
        )
    ]  # fmt: skip
    yield documents, PAPERS
    yield charges, [
        {"document_key": document, "line_key": line, "amount_idr": amount}
        for document, line, amount in (
            (1, 1, 1_200_000_000), (1, 2, 20_000_000), (2, 1, 100_000_000), (5, 1, 300_000_000), (9, 1, 200_000_000),
        )
    ]  # fmt: skip
    yield bills, [
        {"billing_code": code, "skpd_code": KOMINFO, "account_code": MARKET, "description": "Kios pasar",
         "payer_name": "SITI AMINAH", "payer_nik": "7679904505900001", "payer_nib": None, "amount_idr": 250_000,
         "penalty_idr": 0, "issued_on": issued, "due_on": due, "paid_at": paid, "payment_reference": None}
        for code, issued, due, paid in (
            (UNPAID, "2026-10-20", "2026-11-19", None),
            (LATE, "2026-07-20", "2026-08-19", None),
            (EXPIRED, "2026-03-01", "2026-03-31", None),
            (PAID, "2026-10-01", "2026-10-31", "2026-10-05T10:00:00+08:00"),
        )
    ]  # fmt: skip


class City:
    """A finance agency with one open sandbox."""

    def __init__(self, folder: Path, service: Service) -> None:
        async def keys() -> KeySet:
            return KeySet([KEY])

        self.folder = folder
        self._runner = asyncio.Runner()
        self._worker = ThreadPoolExecutor(1)
        self._service = replace(service, keys=lambda _settings: keys)
        settings = Settings(folder, ISSUER, "lab")
        self.parts = assemble(self._service, settings, real=time.time, worker=self._worker)
        self.public = httpx.AsyncClient(transport=httpx.ASGITransport(self.parts.public), base_url="http://finance")
        self._back = httpx.AsyncClient(transport=httpx.ASGITransport(self.parts.backdoor), base_url="http://back")
        self._serial = 0
        made = self.back("PUT", "", json={"seed": 7, "reference_date": DAY, "requests_per_minute": 1_000_000})
        assert made.status_code == 201, made.text

    def back(self, method: str, path: str, **more: object) -> httpx.Response:
        """Call the back door of this sandbox."""
        headers = {"authorization": "Bearer lab"}
        url = f"/_lab/sandboxes/test{path}"
        return self._runner.run(self._back.request(method, url, headers=headers, **more))

    def reset(self) -> None:
        """Put the seeded city back."""
        assert self.back("POST", "/reset").status_code == 204

    def truth(self, view: str) -> object:
        """Read a truth view."""
        answer = self.back("GET", f"/truth/{view}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def advance(self, days: float) -> None:
        """Move the sandbox's clock."""
        assert self.back("PATCH", "/clock", json={"advance_seconds": days * 86400}).status_code == 200

    async def acall(
        self, method: str, path: str, *, scope: str = ALL_SCOPES, headers: dict[str, str] | None = None, **more: object
    ) -> httpx.Response:
        """Call the agency, with a new Idempotency-Key unless one is given."""
        self._serial += 1
        sent = {"authorization": f"Bearer {token('test', scope)}", "accept-language": "en"}
        if method == "POST":
            sent["idempotency-key"] = f"key-{self._serial}"
        return await self.public.request(method, path, headers=sent | (headers or {}), **more)

    def call(self, method: str, path: str, **more: object) -> httpx.Response:
        """Call the agency and wait."""
        return self._runner.run(self.acall(method, path, **more))

    def together(self, calls: Sequence[tuple[str, str, dict[str, object]]]) -> list[httpx.Response]:
        """Make several calls at the same time."""

        async def gathered() -> list[httpx.Response]:
            return await asyncio.gather(*(self.acall(method, path, **more) for method, path, more in calls))

        return self._runner.run(gathered())

    def get(self, path: str, **params: object) -> httpx.Response:
        """Read."""
        return self.call("GET", path, params={name: value for name, value in params.items() if value is not None})

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """Write; header names with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, json=body, headers=named)

    def change(self, path: str, verb: str, body: object = None) -> httpx.Response:
        """Read a document, then cancel or approve it with its ETag."""
        etag = self.get(path).headers["etag"]
        return self.call("POST", f"{path}/{verb}", json=body, headers={"if-match": etag})

    def cancel(self, path: str) -> httpx.Response:
        """Cancel a document as it stands."""
        return self.change(path, "cancel", {"reason": "Salah rekening"})

    def __enter__(self) -> "City":
        return self

    def __exit__(self, *_failure: object) -> None:
        async def closed() -> None:
            await self.public.aclose()
            await self._back.aclose()
            await self.parts.sandboxes.close()

        self._runner.run(closed())
        self._runner.close()
        self._worker.shutdown()
