"""The same agency twice, on either store, asked the same things at the same moment."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.kit.homes import SoleHome
from services.kit.peers import Peers
from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.service import Assembled, Service, Shared, assemble
from services.kit.settings import Settings

ISSUER = "http://127.0.0.1:8101"
CITY = "kota"
SECRET = "s3cret_-" * 4
NOW = 1_795_300_000.25


def assembled_on_postgresql(
    service: Service, settings: Settings, url: str, worker: ThreadPoolExecutor, real: Any
) -> Assembled:
    """Put a service together over a database, as the only process that uses it."""

    def store(tables: Any) -> PostgreSqlStore:
        return PostgreSqlStore(Connections(url, 4), service.name, tables, worker)

    shared = Shared(store, SoleHome(), Peers("lab"), "one")
    return assemble(service, settings, real=real, worker=worker, shared=shared)


class Twins:
    """One agency on SQLite and on PostgreSQL."""

    def __init__(self, service: Service, folder: Path, url: str, key: RSAKey, scopes: list[str]) -> None:
        async def fetch() -> KeySet:
            return KeySet([key])

        self._key = key
        self._scopes = scopes
        self.now = NOW
        self._turn = 0
        self._runner = asyncio.Runner()
        self._worker = ThreadPoolExecutor(1)
        known = service if service.keys else replace(service, keys=lambda _settings: fetch)
        settings = Settings(folder / service.name, ISSUER, "lab")
        self.pair = [
            assemble(known, settings, real=lambda: self.now, worker=self._worker),
            assembled_on_postgresql(known, settings, url, self._worker, lambda: self.now),
        ]
        self._fronts = [self._client(one.public) for one in self.pair]
        self._backs = [self._client(one.backdoor) for one in self.pair]

    @staticmethod
    def _client(app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agency")

    def __enter__(self) -> Self:
        client = {"client_id": f"{CITY}-app", "client_secret": SECRET, "scopes": self._scopes}
        spec = {"seed": 20261122, "size": "small", "reference_date": "2026-11-02", "clients": [client]}
        assert self.back("PUT", "", json=spec | {"requests_per_minute": 100_000}).status_code == 201
        return self

    def __exit__(self, *_error: object) -> None:
        async def leave() -> None:
            for client in (*self._fronts, *self._backs):
                await client.aclose()
            for one in self.pair:
                await one.sandboxes.close()

        self._runner.run(leave())
        self._runner.close()
        self._worker.shutdown()

    def _token(self) -> str:
        now, client = int(self.now), f"{CITY}-app"
        claims = {
            "iss": ISSUER, "aud": "kota-digital-sejahtera", "sub": client, "client_id": client, "sandbox": CITY,
            "scope": " ".join(self._scopes), "jti": "j", "iat": now, "exp": now + 600,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self._key.kid, "typ": "at+jwt"}, claims, self._key)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Make a participant's call to both; their answers are the same to the byte. Gives one of them."""
        self._turn += 1
        self.now += 0.5
        headers = {
            "authorization": f"Bearer {self._token()}",
            "x-request-id": f"r{self._turn}",
            "traceparent": f"00-{self._turn:032x}-{self._turn:016x}-01",
            "idempotency-key": f"k{self._turn}",
        } | more.pop("headers", {})
        return self._same(self._fronts, method, path, headers=headers, **more)

    def back(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Make the lab's own call to both; their answers are the same to the byte."""
        headers = {"authorization": "Bearer lab"}
        return self._same(self._backs, method, f"/_lab/sandboxes/{CITY}{path}", headers=headers, **more)

    def _same(self, clients: list[httpx.AsyncClient], method: str, path: str, **more: Any) -> httpx.Response:
        async def both() -> list[httpx.Response]:
            return [await client.request(method, path, **more) for client in clients]

        one, other = self._runner.run(both())
        assert (other.status_code, other.headers, other.content) == (one.status_code, one.headers, one.content), path
        return one

    def read(self, path: str, **more: Any) -> Any:
        """Give the JSON of a GET that must succeed."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self, path: str, most: int = 50) -> list[Any]:
        """Follow the pages of a list, by whichever style of paging."""
        rows: list[Any] = []
        answer = self.ask("GET", path)
        for _ in range(most):
            assert answer.status_code == 200, answer.text
            body = answer.json()
            rows += body["data"] if "data" in body else body["content"]
            if "next" not in answer.links:
                break
            answer = self.ask("GET", answer.links["next"]["url"])
        return rows
