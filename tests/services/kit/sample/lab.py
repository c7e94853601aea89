"""Two ways to reach the sample agency: `InProcess` (ASGI, a clock that stands still) and `Served` (real HTTP)."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import httpx
from free_ports import free_port
from joserfc import jwt
from joserfc.jwk import RSAKey
from sample.app import service
from sqlalchemy import MetaData

from services.kit.homes import SoleHome
from services.kit.peers import Peers
from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.service import Assembled, Shared, assemble
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[4]
BACKDOOR_TOKEN = "the-labs-own"
ISSUER = "http://127.0.0.1:8101"
OFFSET = 90
PATIENCE = 20.0
EVERYTHING = "letters:read letters:write"

Answer = httpx.Response


def spec(**changes: object) -> dict[str, object]:
    """A sandbox's specification."""
    return {"seed": 7, "reference_date": "2026-11-02", "durable": False, **changes}


def token(key: RSAKey, sandbox: str, *, now: float | None = None, issuer: str = ISSUER, **changes: object) -> str:
    """A token as the identity service would issue it; a claim changed to None is left out."""
    issued = int(time.time() if now is None else now)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": "kota-digital-sejahtera",
        "sub": f"{sandbox}-app",
        "client_id": f"{sandbox}-app",
        "sandbox": sandbox,
        "scope": EVERYTHING,
        "jti": secrets.token_hex(8),
        "iat": issued,
        "exp": issued + 3600,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}, claims, key)


def bearer(text: str, **others: str) -> dict[str, str]:
    """Headers of a call with this token."""
    return {"authorization": f"Bearer {text}", **{name.replace("_", "-"): value for name, value in others.items()}}


class StandingClock:
    """Real time as a test wants it."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


class InProcess:
    """The sample agency in this process. Nothing runs between calls, so batches stay unwritten until asked for.

    Args:
        database: where its store is, if not in files.
        patience: seconds that a call waits for the database.
    """

    def __init__(
        self, data: Path, key: RSAKey, *, open_sandboxes: int = 128, database: str | None = None, patience: float = 20.0
    ) -> None:
        self.key = key
        self._database = database
        self._patience = patience
        self.data = data
        self.clock = StandingClock()
        self.loop = asyncio.Runner()
        self.worker = ThreadPoolExecutor(1)
        self.settings = Settings(data, ISSUER, BACKDOOR_TOKEN, open_sandboxes)
        self.agency: Assembled = self._assembled()

    def _assembled(self) -> Assembled:
        shared = None if self._database is None else Shared(self._store, SoleHome(), Peers(BACKDOOR_TOKEN), "one")
        return assemble(service(self.key), self.settings, real=self.clock, worker=self.worker, shared=shared)

    def _store(self, tables: MetaData) -> PostgreSqlStore:
        connections = Connections(self._database or "", 4, self._patience)
        return PostgreSqlStore(connections, "sample", tables, self.worker)

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(self, *_error: object) -> None:
        self.run(self._leave())
        self.worker.shutdown()
        self.loop.close()

    def _connect(self) -> None:
        # Whatever goes wrong is to be answered, on either side.
        public = httpx.ASGITransport(self.agency.public)
        private = httpx.ASGITransport(self.agency.backdoor, raise_app_exceptions=False)
        self.front = httpx.AsyncClient(transport=public, base_url="http://lab")
        self.back_client = httpx.AsyncClient(transport=private, base_url="http://lab", headers=bearer(BACKDOOR_TOKEN))

    async def _leave(self) -> None:
        await self.front.aclose()
        await self.back_client.aclose()
        await self.agency.sandboxes.close()

    def restarted(self) -> None:
        """Stop the agency in order, and put it together anew over the same data."""
        self.run(self._leave())
        self.agency = self._assembled()
        self._connect()
        self.run(self.agency.sandboxes.clear_throwaways())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let a coroutine run to its end."""
        return self.loop.run(work)

    def token(self, sandbox: str = "city", **changes: Any) -> str:
        """A token for a sandbox."""
        return token(self.key, sandbox, now=self.clock(), **changes)

    def made(self, name: str = "city", **changes: object) -> str:
        """A new sandbox, ready."""
        answer = self.back("PUT", name, json=spec(**changes))
        assert answer.status_code == 201, answer.text
        return name

    def call(self, method: str, path: str, sandbox: str = "city", **more: Any) -> Answer:
        """A participant's call with a good token (unless `headers` brings another), an Idempotency-Key with POST."""
        return self.run(self.calling(method, path, sandbox, **more))

    async def calling(self, method: str, path: str, sandbox: str = "city", **more: Any) -> Answer:
        headers = {"authorization": f"Bearer {self.token(sandbox)}"}
        if method == "POST":
            headers["idempotency-key"] = secrets.token_hex(8)
        headers |= more.pop("headers", {})
        return await self.front.request(method, path, headers=headers, **more)

    def back(self, method: str, path: str = "", **more: Any) -> Answer:
        """The lab's own call to `/_lab/sandboxes/{path}`."""
        return self.run(self.back_client.request(method, f"/_lab/sandboxes/{path}".rstrip("/"), **more))

    def journal(self, sandbox: str = "city") -> list[dict[str, Any]]:
        """All entries of a sandbox's journal."""
        return self.back("GET", f"{sandbox}/journal?limit=5000").json()["data"]

    def letters(self, sandbox: str = "city") -> list[dict[str, Any]]:
        """The agency's present state, through the back door."""
        return self.back("GET", f"{sandbox}/truth/letters").json()["data"]

    def fault(self, kind: str, sandbox: str = "city", **rule: object) -> None:
        """Tell the sandbox one fault rule."""
        whole = {"id": kind, "path": "*", "kind": kind} | ({} if "until" in rule else {"times": 1}) | rule
        answer = self.back("PUT", f"{sandbox}/faults", json={"rules": [whole]})
        assert answer.status_code == 200, answer.text


class Served:
    """The sample agency in a process of its own.

    Args:
        database: where its store is, if not in files.
    """

    def __init__(self, folder: Path, key: RSAKey, database: str | None = None) -> None:
        self.key = key
        self.database = database
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "services.log"
        # A socket's path may not be longer than about 100 bytes, which pytest's folders can be.
        self.rundir = Path(tempfile.mkdtemp(prefix="kit-"))
        (self.rundir / "token").write_text(BACKDOOR_TOKEN)
        (self.rundir / "signing.json").write_text(_json(key))
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self.rundir)

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.port = free_port()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "IDENTITY_URL": ISSUER}  # noqa: TID251 - a child's
        environment["LAB_PORT_BASE"] = str(self.port - OFFSET)
        door, transport = "http://lab", httpx.HTTPTransport(uds=str(self.rundir / "sample.sock"))
        if self.database is not None:
            back_port = free_port()
            environment |= {"LAB_DATABASE": self.database, "LAB_BACKDOOR_PORT": str(back_port)}
            door, transport = f"http://127.0.0.1:{back_port}", httpx.HTTPTransport()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/services/kit/sample"), str(self.data), str(self.rundir)],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.front = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=PATIENCE)
        headers = bearer(BACKDOOR_TOKEN)
        self.back_client = httpx.Client(transport=transport, base_url=door, headers=headers, timeout=PATIENCE)
        eventually(self._ready)

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.front.get("/readyz").status_code == 200 and self.back_client.get("/_lab").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """`kill -9`."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process, in order unless told otherwise."""
        if self.process is None:
            return
        self.front.close()
        self.back_client.close()
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        self.process = None

    def token(self, sandbox: str, **changes: Any) -> str:
        """A token for a sandbox."""
        return token(self.key, sandbox, **changes)

    def made(self, **changes: object) -> str:
        """A new sandbox with a name of its own."""
        name = "c" + secrets.token_hex(4)
        answer = self.back("PUT", name, json=spec(**changes))
        assert answer.status_code == 201, answer.text
        return name

    def call(self, method: str, path: str, sandbox: str, **more: Any) -> Answer:
        """A participant's call with a good token, an Idempotency-Key with POST."""
        headers = bearer(self.token(sandbox))
        if method == "POST":
            headers["idempotency-key"] = secrets.token_hex(8)
        headers |= more.pop("headers", {})
        return self.front.request(method, path, headers=headers, **more)

    def back(self, method: str, path: str = "", **more: Any) -> Answer:
        """The lab's own call to `/_lab/sandboxes/{path}`."""
        return self.back_client.request(method, f"/_lab/sandboxes/{path}".rstrip("/"), **more)

    def journal(self, sandbox: str) -> list[dict[str, Any]]:
        """All entries of a sandbox's journal."""
        entries: list[dict[str, Any]] = []
        more = True
        while more:
            after = entries[-1]["seq"] if entries else 0
            page = self.back("GET", f"{sandbox}/journal?limit=5000&after={after}").json()
            entries += page["data"]
            more = page["meta"]["has_more"]
        return entries

    def letters(self, sandbox: str) -> list[dict[str, Any]]:
        """The agency's present state, through the back door."""
        return self.back("GET", f"{sandbox}/truth/letters").json()["data"]

    def fault(self, kind: str, sandbox: str, **rule: object) -> None:
        """Tell the sandbox one fault rule."""
        whole = {"id": kind, "path": "*", "kind": kind} | ({} if "until" in rule else {"times": 1}) | rule
        answer = self.back("PUT", f"{sandbox}/faults", json={"rules": [whole]})
        assert answer.status_code == 200, answer.text

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are and give all that comes back before the line is closed or falls silent."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)) as line:
            line.sendall(request)
            return read_answer(line)


def read_answer(line: socket.socket) -> bytes:
    """Read one HTTP answer whole, or what there is of it when the line closes."""
    received = b""
    while not _is_whole(received):
        try:
            piece = line.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        received += piece
    return received


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    for header in head.split(b"\r\n")[1:]:
        name, _colon, value = header.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


def eventually(holds: Any) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it did not in time.
    """
    ends = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < ends, "it never came true"
        pause.wait(0.02)


def _json(key: RSAKey) -> str:
    return json.dumps(key.as_dict(private=True))
