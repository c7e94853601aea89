"""Identity and population as a real process on real ports, for tests over real HTTP."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import httpx
from free_ports import free_base

ROOT = Path(__file__).resolve().parents[3]
SECRET = "rahasia-uji-coba-" + "k" * 20
SCOPES = ["population:read", "population:verify"]
PATIENCE = 30.0
OFFSETS = (1, 2)


class CityProcess:
    """`python -m services identity population`, with sandboxes made over its back doors."""

    def __init__(self) -> None:
        # A socket's path may not be longer than about 100 bytes, and pytest's folders are.
        self.folder = Path(tempfile.mkdtemp(prefix="kota-"))
        self.base = free_base(OFFSETS)
        self.token = secrets.token_hex(16)
        self.data = self.folder / "data"
        self.run = self.folder / "run"
        self.run.mkdir(mode=0o700)
        (self.run / "token").write_text(self.token, encoding="ascii")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def identity_url(self) -> str:
        return f"http://127.0.0.1:{self.base + 1}"

    @property
    def population_url(self) -> str:
        return f"http://127.0.0.1:{self.base + 2}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start the process and wait until both agencies answer."""
        environment = {**os.environ, "LAB_PORT_BASE": str(self.base), "PYTHONPATH": str(ROOT)}  # noqa: TID251 - a child's
        environment.pop("IDENTITY_URL", None)
        names = ["identity", "population"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services", *names, "--data", str(self.data), "--run", str(self.run)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.05)):
            assert self._process.poll() is None, self.log()
            if self._answers():
                return
            pause.wait(0.05)
        raise AssertionError(self.log())

    def _answers(self) -> bool:
        try:
            return all(
                httpx.get(f"{url}/readyz").status_code == 200 for url in (self.identity_url, self.population_url)
            )
        except httpx.TransportError:
            return False

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self) -> None:
        """Stop in order."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(PATIENCE) == 0, self.log()
            self._process = None

    def back(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Call a back door, at a path under /_lab/sandboxes."""
        transport = httpx.HTTPTransport(uds=str(self.run / f"{service}.sock"))
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(transport=transport, base_url="http://lab", headers=headers, timeout=PATIENCE) as client:
            return client.request(method, f"/_lab/sandboxes/{path}", **more)

    def made(self, sandbox: str, **changes: Any) -> str:
        """A sandbox in both agencies; gives its client's id."""
        client_id = f"{sandbox}-app"
        spec = {
            "seed": 20261122,
            "reference_date": "2026-11-02",
            "clients": [{"client_id": client_id, "client_secret": SECRET, "scopes": SCOPES}],
            "durable": False,
            **changes,
        }
        for service in ("population", "identity"):
            answer = self.back(service, "PUT", sandbox, json=spec)
            assert answer.status_code == 201, answer.text
        return client_id

    def journal(self, service: str, sandbox: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.back(service, "GET", f"{sandbox}/journal").json()["data"]
        return entries

    def shell(self, script: str, client_id: str) -> str:
        """Run a README's commands as a participant would, and give what they print."""
        environment = {
            **os.environ,  # noqa: TID251 - a child's
            "IDENTITY_URL": self.identity_url,
            "POPULATION_URL": self.population_url,
            "CLIENT_ID": client_id,
            "CLIENT_SECRET": SECRET,
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def shell_blocks(readme: str) -> str:
    """All `sh` blocks of a README, as one script: later ones use what earlier ones set."""
    parts = readme.split("```sh\n")[1:]
    return "\n".join(part.split("```", 1)[0] for part in parts)


def json_values(printed: str) -> list[Any]:
    """The JSON objects in what was printed, whatever stands between them."""
    found, start = [], printed.find("{")
    while start >= 0:
        value, end = json.JSONDecoder().raw_decode(printed, start)
        found.append(value)
        start = printed.find("{", end)
    return found
