"""A real browser without a window, which writes down every address that a page makes it ask for."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

HOST = "kota.test"
"""Not `localhost`, for which pages make exceptions; it leads to this machine, and every other name to nowhere."""


@dataclass(frozen=True)
class Visit:
    """What a page became, and what it asked for.

    Attributes:
        html: the document after its scripts have run.
        asked: every address, in order.
    """

    html: str
    asked: list[str]


def visit(browser: str, address: str, folder: Path) -> Visit:
    """Open an address of this machine, and wait until its page has come to rest."""
    parts = urlsplit(address)
    log = folder / "net.json"
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={log}",
            f"--host-resolver-rules=MAP {HOST} {parts.hostname}, MAP * ~NOTFOUND, EXCLUDE {parts.hostname}",
            "--virtual-time-budget=30000",
            "--dump-dom",
            f"http://{HOST}:{parts.port}{parts.path}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Visit(done.stdout, _asked(json.loads(log.read_text(encoding="utf-8"))))


def _asked(log: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    """Addresses asked for by our page; the browser asks for some on its own account, for no page."""
    start = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    started = [event.get("params", {}) for event in log["events"] if event["type"] == start]
    return [event["url"] for event in started if event.get("network_isolation_key", "").startswith(f"http://{HOST} ")]
