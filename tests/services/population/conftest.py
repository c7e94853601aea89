"""The registry in this process, with a clock that the test moves and a key of our own to sign tokens."""

import asyncio
import dataclasses
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from services.kit.service import assemble
from services.kit.settings import Settings
from services.kit.tokens import AUDIENCE
from services.population.app import SERVICE
from services.world import World, build

sys.path.insert(0, str(Path(__file__).parents[1] / "identity"))

from city_process import CityProcess

ISSUER = "http://127.0.0.1:8101"
SANDBOX = "kota"
SEED = 20261122
TODAY = date(2026, 11, 2)
BOTH = "population:read population:verify"
DIALECT = "/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN"


class Registry:
    """The assembled service with one small city, asked through its real applications."""

    def __init__(self, folder: Path, key: RSAKey) -> None:
        async def keys() -> KeySet:
            return KeySet([key])

        self.now = 1_795_300_000.0
        self.world: World = build(SEED, "small", TODAY)
        self._key = key
        self._runner = asyncio.Runner()
        self._worker = ThreadPoolExecutor(1)
        service = dataclasses.replace(SERVICE, keys=lambda _settings: keys)
        settings = Settings(folder / "population", ISSUER, "lab")
        self.service = assemble(service, settings, real=lambda: self.now, worker=self._worker)
        public, private = (httpx.ASGITransport(app) for app in (self.service.public, self.service.backdoor))
        self._front = httpx.AsyncClient(transport=public, base_url="http://population")
        self._back = httpx.AsyncClient(
            transport=private, base_url="http://back", headers={"authorization": "Bearer lab"}
        )
        spec = {"seed": SEED, "reference_date": str(TODAY), "durable": False, "requests_per_minute": 1_000_000}
        assert self.back("PUT", "", json=spec).status_code == 201

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def token(self, scope: str = BOTH) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"{SANDBOX}-app",
            "client_id": f"{SANDBOX}-app",
            "sandbox": SANDBOX,
            "scope": scope,
            "jti": scope,
            "iat": int(self.now),
            "exp": int(self.now) + 3 * 86_400,
        }
        return jwt.encode({"alg": "RS256", "kid": "test", "typ": "at+jwt"}, claims, self._key)

    def ask(self, method: str, path: str, *, scope: str = BOTH, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token(scope)}", **more.pop("headers", {})}
        return self.run(self._front.request(method, path, headers=headers, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def read(self, path: str, **more: Any) -> Any:
        """Give the JSON of a GET that must succeed."""
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Read a list to its end, following the cursor."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.read(path, params=parameters)
            rows += page["data"]
            if not page["meta"]["has_more"]:
                return rows
            parameters["cursor"] = page["meta"]["cursor"]

    def verify(self, nik: str, **elements: Any) -> httpx.Response:
        return self.ask("POST", "/v1/verifications", json={"nik": nik, **elements}, scope="population:verify")

    def dialect(self, nik: str, *, path: str = DIALECT, scope: str = "population:verify", **elements: Any) -> Any:
        """Give an answer of the dialect, which must be HTTP 200."""
        answer = self.ask("POST", path, json={"NIK": nik, **elements}, scope=scope)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def said(self, nik: str, **elements: Any) -> dict[str, str]:
        """Give `content[0]` of an element verification."""
        content: list[dict[str, str]] = self.dialect(nik, **elements)["content"]
        assert len(content) == 1
        return content[0]

    def nik_with(self, trouble: str) -> str:
        """Give the NIK of a record that this trouble was planted in."""
        return self.world.resident(self.world.truth.residents[trouble][0]).nik

    def plain(self) -> Any:
        """Give a resident without any trouble."""
        planted = {id_ for ids in self.world.truth.residents.values() for id_ in ids}
        return next(one for one in self.world.residents if one.status == "active" and one.id not in planted)

    def back(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the lab's own door, at a path under the sandbox."""
        return self.run(self._back.request(method, f"/_lab/sandboxes/{SANDBOX}{path}", **more))

    def truth(self, view: str) -> Any:
        answer = self.back("GET", f"/truth/{view}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def close(self) -> None:
        self.run(self._front.aclose())
        self.run(self._back.aclose())
        self.run(self.service.sandboxes.close())
        self._runner.close()
        self._worker.shutdown()


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "test", "use": "sig"})


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, signing_key: RSAKey) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp("registry"), signing_key)
    yield registry
    registry.close()


@pytest.fixture
def registry(opened: Registry) -> Iterator[Registry]:
    """The registry as it was seeded; what the test changed is put back after it."""
    yield opened
    assert opened.back("POST", "/reset").status_code == 204


@pytest.fixture(scope="module")
def city() -> Iterator[CityProcess]:
    with CityProcess() as started:
        yield started
