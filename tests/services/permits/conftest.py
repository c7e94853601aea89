"""A permit office to test: the real application on a real store, with a key of our own to sign tokens."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.kit.service import assemble
from services.kit.settings import Settings
from services.kit.tokens import AUDIENCE
from services.permits.app import SERVICE

ISSUER = "http://127.0.0.1:8101"
SANDBOX = "uji1"
SPEC = {"seed": 20261122, "size": "small", "reference_date": "2026-11-02", "durable": False}


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})


@pytest.fixture(scope="session")
def signed(signing_key: RSAKey) -> Callable[..., str]:
    """Gives a bearer token for a client of the sandbox."""

    def sign(client: str = "app", scope: str = "permits:read permits:decide", issuer: str = ISSUER) -> str:
        now = int(time.time())
        name = f"{SANDBOX}-{client}"
        claims = {
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": name,
            "client_id": name,
            "sandbox": SANDBOX,
            "scope": scope,
            "jti": f"{name}/{scope}",
            "iat": now,
            "exp": now + 600,
        }
        return jwt.encode({"alg": "RS256", "kid": "test", "typ": "at+jwt"}, claims, signing_key)

    return sign


class Office:
    """The assembled service with one sandbox, asked through its real applications, in one event loop."""

    def __init__(self, folder: Path, keys: KeySet, sign: Callable[..., str]) -> None:
        async def fetch() -> KeySet:
            return keys

        self._runner = asyncio.Runner()
        self._worker = ThreadPoolExecutor(1)
        self._sign = sign
        service = dataclasses.replace(SERVICE, keys=lambda _settings: fetch)
        settings = Settings(folder, ISSUER, "lab")
        self.service = assemble(service, settings, real=time.time, worker=self._worker)
        self._public = httpx.AsyncClient(transport=httpx.ASGITransport(self.service.public), base_url="http://permits")
        self._back = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.service.backdoor),
            base_url="http://back",
            headers={"authorization": "Bearer lab"},
        )
        assert self.back("PUT", "", json=SPEC).status_code == 201

    def run(self, work: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await work

        return self._runner.run(wait())

    async def asking(self, method: str, path: str, *, client: str = "app", scope: str | None = None, **more: Any):
        """Make one call as a client; `headers` in `more` are added to its token."""
        token = self._sign(client) if scope is None else self._sign(client, scope)
        headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self._public.request(method, path, headers=headers, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.run(self.asking(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def read(self, path: str, **more: Any) -> Any:
        """Give the JSON of a GET that must succeed."""
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def back(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the lab's own door, at a path under the sandbox."""
        return self.run(self._back.request(method, f"/_lab/sandboxes/{SANDBOX}{path}", **more))

    def truth(self, view: str) -> Any:
        answer = self.back("GET", f"/truth/{view}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def waiting(self, trouble: str) -> str:
        """Give the number of an application in the queue with this trouble."""
        return next(seen["id"] for seen in self.truth("applications") if seen["trouble"] == trouble)

    def at_status(self, status: str) -> str:
        """Give the number of an application that is at this status."""
        return next(seen["id"] for seen in self.truth("applications") if seen["status"] == status)

    def tag(self, application_id: str) -> str:
        return self.get(f"/v1/applications/{application_id}").headers["etag"]

    def decide(self, application_id: str, status: str, reason_code: str | None = None, **more: Any) -> httpx.Response:
        """Decide with the present entity tag, unless `headers` say otherwise."""
        body = {"status": status} | ({"reason_code": reason_code} if reason_code else {}) | more.pop("body", {})
        headers = more.pop("headers", None) or {"if-match": self.tag(application_id)}
        return self.ask("POST", f"/v1/applications/{application_id}/decisions", json=body, headers=headers, **more)

    @staticmethod
    def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
        """Check that an answer is this problem, and give it."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == code
        return problem

    def close(self) -> None:
        self.run(self._public.aclose())
        self.run(self._back.aclose())
        self.run(self.service.sandboxes.close())
        self._runner.close()
        self._worker.shutdown()


@pytest.fixture(scope="session")
def opened(
    tmp_path_factory: pytest.TempPathFactory, signing_key: RSAKey, signed: Callable[..., str]
) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("offices") / "permits", KeySet([signing_key]), signed)
    yield office
    office.close()


@pytest.fixture
def office(opened: Office) -> Office:
    """A permit office as it was seeded, its clock at the beginning."""
    assert opened.back("POST", "/reset").status_code == 204
    return opened
