"""Identity and finance in a process of their own, over real HTTP."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import httpx
from free_ports import free_base

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30.0
SECRET = "a-secret-for-tests-only"
SANDBOX = "finacity"
CLIENT = f"{SANDBOX}-app"
SCOPES = ["finance:read", "finance:write", "finance:treasury", "finance:billing"]
DAY = "2026-11-02"


class Process:
    """The two agencies, started, killed and started again over the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A socket's path may not be longer than about 100 bytes, which pytest's folders can be.
        self.run = Path(tempfile.mkdtemp(prefix="fin-"))
        (self.run / "token").write_text("lab")
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""
        # Nothing here is encrypted, and loading certificates for every client takes longer than the calls.
        self._plain = httpx.Client(verify=False, timeout=PATIENCE)  # noqa: S501 - no TLS at all
        self.client = self._plain

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop(signal.SIGTERM)
        self._plain.close()
        shutil.rmtree(self.run)

    def start(self) -> None:
        """Start and wait until both answer."""
        base = free_base([1, 4])
        self.identity, self.url = f"http://127.0.0.1:{base + 1}", f"http://127.0.0.1:{base + 4}"
        environment = {**os.environ, "LAB_PORT_BASE": str(base), "IDENTITY_URL": self.identity}  # noqa: TID251 - a child's
        command = [sys.executable, "-m", "services", "identity", "finance", "--data", str(self.folder / "data")]
        with (self.folder / "services.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--run", str(self.run)], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not (self._is_ready(self.identity) and self._is_ready(self.url)):
            assert time.monotonic() < deadline, "the agencies did not get ready"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
                raise AssertionError((self.folder / "services.log").read_text())
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)  # noqa: S501 - no TLS at all

    def _is_ready(self, url: str) -> bool:
        try:
            return self._plain.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int) -> None:
        """End the process, gently or not."""
        self.client.close()
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(PATIENCE)

    def create(self) -> None:
        """Make the sandbox, finance before identity."""
        client = {"client_id": CLIENT, "client_secret": SECRET, "scopes": SCOPES}
        spec = {"seed": 11, "reference_date": DAY, "clients": [client], "requests_per_minute": 1_000_000}
        for service in ("finance", "identity"):
            assert self.back("PUT", "", service=service, json=spec).status_code == 201

    def back(self, method: str, path: str, *, service: str = "finance", **more: Any) -> httpx.Response:
        """Call a back door of the sandbox."""
        transport = httpx.HTTPTransport(uds=str(self.run / f"{service}.sock"), verify=False)
        headers = {"authorization": "Bearer lab"}
        with httpx.Client(transport=transport, base_url="http://back", headers=headers, timeout=PATIENCE) as client:
            return client.request(method, f"/_lab/sandboxes/{SANDBOX}{path}", **more)

    def truth(self, view: str) -> Any:
        """Read a truth view."""
        return self.back("GET", f"/truth/{view}").json()["data"]

    def token(self) -> str:
        """Get an access token as any client does."""
        answer = self._plain.post(
            f"{self.identity}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(CLIENT, SECRET)
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def bearer(self, **more: str) -> dict[str, str]:
        """Headers of a call; names with underscores."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"authorization": f"Bearer {self.token()}", "accept-language": "en", **named}
