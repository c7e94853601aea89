"""The identity service in this process, with a clock that the test moves, or served by a process of its own."""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity.app import SERVICE
from services.kit.service import assemble
from services.kit.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))

from city_process import CityProcess

ISSUER = "http://127.0.0.1:8101"
TOKEN = "/oauth2/token"
SECRET = "s3cret_-" * 4
GRANT = {"grant_type": "client_credentials"}
SCOPES = ["population:read", "population:verify", "permits:read"]


class Desk:
    """The assembled service with one sandbox, `kota`, and its client `kota-app`."""

    sandbox = "kota"
    client_id = "kota-app"
    secret = SECRET

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_795_300_000.25
        self._runner = asyncio.Runner()
        self._worker = ThreadPoolExecutor(1)
        self._open()
        self.made(self.sandbox)

    def _open(self) -> None:
        settings = Settings(self.folder / "identity", ISSUER, "lab")
        self.service = assemble(SERVICE, settings, real=lambda: self.now, worker=self._worker)
        public, private = (httpx.ASGITransport(app) for app in (self.service.public, self.service.backdoor))
        self.front = httpx.AsyncClient(transport=public, base_url="http://identity")
        self._back = httpx.AsyncClient(
            transport=private, base_url="http://back", headers={"authorization": "Bearer lab"}
        )

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def made(self, sandbox: str, **changes: Any) -> None:
        spec = {
            "seed": 1,
            "reference_date": "2026-11-02",
            "clients": [
                {"client_id": f"{sandbox}-app", "client_secret": SECRET, "scopes": SCOPES},
                {"client_id": f"{sandbox}-other", "client_secret": SECRET[::-1], "scopes": ["permits:read"]},
            ],
            **changes,
        }
        assert self.back("PUT", sandbox, json=spec).status_code == 201

    def back(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the lab's own door, at a path under /_lab/sandboxes."""
        return self.run(self._back.request(method, f"/_lab/sandboxes/{path}", **more))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.run(self.front.request(method, path, **more))

    def token(self, client_id: str = client_id, secret: str = SECRET, *, form: Any = GRANT, **more: Any):
        """Ask for a token with HTTP Basic."""
        return self.ask("POST", TOKEN, data=form, auth=(client_id, secret), **more)

    def claims(self, answer: httpx.Response) -> jwt.Token:
        """Check a token answer by the published keys, and give the token."""
        assert answer.status_code == 200, answer.text
        keys = KeySet.import_key_set(self.ask("GET", "/.well-known/jwks.json").json())
        return jwt.decode(answer.json()["access_token"], keys, algorithms=["RS256"])

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.back("GET", f"{self.sandbox}/journal").json()["data"]
        return entries

    def restart(self) -> None:
        """Close the service and put it together anew over the same data."""
        self._leave()
        self._open()

    def _leave(self) -> None:
        self.run(self.front.aclose())
        self.run(self._back.aclose())
        self.run(self.service.sandboxes.close())

    def close(self) -> None:
        self._leave()
        self._runner.close()
        self._worker.shutdown()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def city() -> Iterator[CityProcess]:
    with CityProcess() as started:
        yield started
