"""Several replicas of the sample agency, each a process of its own, over one PostgreSQL."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Self

import httpx
from free_ports import free_port
from joserfc.jwk import RSAKey
from sample.lab import BACKDOOR_TOKEN, ISSUER, OFFSET, PATIENCE, bearer, spec, token

ROOT = Path(__file__).resolve().parents[3]


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds; for long, since several processes start on a machine that may be busy."""
    ends = time.monotonic() + 3 * PATIENCE
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < ends, "it never came true"
        pause.wait(0.02)


class Replica:
    """One process; it can be killed and started again, at the same addresses."""

    def __init__(self, folder: Path, database: str, connections: int) -> None:
        self.port = free_port()
        self.door = free_port()
        self.log = folder / f"replica-{self.port}.log"
        self.front = f"http://127.0.0.1:{self.port}"
        self.back = f"http://127.0.0.1:{self.door}/_lab/sandboxes"
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self._environment = {
            **os.environ,  # noqa: TID251 - a child's
            "PYTHONPATH": str(ROOT),
            "IDENTITY_URL": ISSUER,
            "LAB_PORT_BASE": str(self.port - OFFSET),
            "LAB_BACKDOOR_PORT": str(self.door),
            "LAB_DATABASE": database,
            "LAB_DATABASE_CONNECTIONS": str(connections),
        }

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/services/kit/sample"), str(self._folder), str(self._folder)],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def answers(self, path: str = "/readyz", status: int = 200) -> bool:
        """Whether it gives this status."""
        assert self.is_running, self.said
        try:
            return httpx.get(f"{self.front}{path}", trust_env=False, timeout=PATIENCE).status_code == status
        except httpx.TransportError:
            return False

    @property
    def said(self) -> str:
        return self.log.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, and give its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code


class Fleet:
    """Replicas of the sample agency; calls go to one of them by chance, as a gateway would send them."""

    def __init__(self, database: str, key: RSAKey, count: int, connections: int = 4) -> None:
        self.key = key
        self.database = database
        self.folder = Path(tempfile.mkdtemp(prefix="fleet-"))
        (self.folder / "token").write_text(BACKDOOR_TOKEN)
        (self.folder / "signing.json").write_text(_json(key))
        self.replicas = [Replica(self.folder, database, connections) for _ in range(count)]
        self.chance = Random(7)  # noqa: S311 - no secret
        self.front = httpx.Client(trust_env=False, timeout=PATIENCE)
        self.back_client = httpx.Client(trust_env=False, timeout=PATIENCE, headers=bearer(BACKDOOR_TOKEN))

    def __enter__(self) -> Self:
        try:
            return self.healed()
        except BaseException:
            self.end()
            raise

    def healed(self) -> Self:
        """Start whichever do not run, and wait until all are ready."""
        for replica in self.replicas:
            if not replica.is_running:
                replica.start()
        for replica in self.replicas:
            eventually(replica.answers)
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop all that still run and clear everything away."""
        self.front.close()
        self.back_client.close()
        for replica in self.replicas:
            replica.stop()
        shutil.rmtree(self.folder)

    @property
    def any(self) -> Replica:
        return self.chance.choice([replica for replica in self.replicas if replica.is_running])

    def headers(self, sandbox: str, method: str = "GET") -> dict[str, str]:
        given = bearer(token(self.key, sandbox))
        return given | ({"idempotency-key": secrets.token_hex(8)} if method == "POST" else {})

    def call(self, method: str, path: str, sandbox: str, at: Replica | None = None, **more: Any) -> httpx.Response:
        """A participant's call."""
        headers = self.headers(sandbox, method) | more.pop("headers", {})
        return self.front.request(method, f"{(at or self.any).front}{path}", headers=headers, **more)

    def back(self, method: str, path: str = "", at: Replica | None = None, **more: Any) -> httpx.Response:
        """The lab's own call to `/_lab/sandboxes/{path}`."""
        return self.back_client.request(method, f"{(at or self.any).back}/{path}".rstrip("/"), **more)

    def made(self, at: Replica | None = None, **changes: object) -> str:
        """A new sandbox with a name of its own, whose home is `at`."""
        name = "c" + secrets.token_hex(4)
        answer = self.back("PUT", name, at, json=spec(**changes))
        assert answer.status_code == 201, answer.text
        # The home is who opens it, and so who is asked first.
        assert self.back("GET", name, at).status_code == 200
        return name

    def journal(self, sandbox: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        more = True
        while more:
            after = entries[-1]["seq"] if entries else 0
            page = self.back("GET", f"{sandbox}/journal?limit=5000&after={after}").json()
            entries += page["data"]
            more = page["meta"]["has_more"]
        return entries

    def letters(self, sandbox: str) -> dict[str, str]:
        """The agency's present state, through the back door."""
        rows = self.back("GET", f"{sandbox}/truth/letters").json()["data"]
        return {row["id"]: row["text"] for row in rows}

    def fault(self, kind: str, sandbox: str, **rule: object) -> None:
        whole = {"id": kind, "path": "*", "kind": kind} | ({} if "until" in rule else {"times": 1}) | rule
        answer = self.back("PUT", f"{sandbox}/faults", json={"rules": [whole]})
        assert answer.status_code == 200, answer.text


def _json(key: RSAKey) -> str:
    return json.dumps(key.as_dict(private=True))
