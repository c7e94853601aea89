"""`python -m services`: starts what it is told to, says plainly what is wrong, stops in order."""

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
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from services.__main__ import load, names
from services.kit.settings import Addresses

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


@pytest.fixture
def run_folder() -> Iterator[Path]:
    """A private folder with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="main-"))
    (folder / "token").write_text("the-labs-own\n")
    yield folder
    shutil.rmtree(folder)


class Process:
    """The services' process."""

    def __init__(self, *agencies: str, data: Path, run: Path, base: int) -> None:
        self.base = base
        self.run = run
        environment = {**os.environ, "LAB_PORT_BASE": str(base)}  # noqa: TID251 - a child's
        environment.pop("IDENTITY_URL", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services", *agencies, "--data", str(data), "--run", str(run)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, offset: int, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.base + offset}{path}", trust_env=False)

    def back(self, service: str, method: str, path: str, **more: object) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(self.run / f"{service}.sock"))
        headers = {"authorization": "Bearer the-labs-own"}
        with httpx.Client(transport=transport, base_url="http://lab", timeout=PATIENCE) as client:
            return client.request(method, path, headers=headers, **more)  # type: ignore[arg-type] # httpx's own words

    def ready(self, *offsets: int) -> None:
        ends = time.monotonic() + PATIENCE
        pause = threading.Event()
        for offset in offsets:
            while not self._answers(offset):
                assert self.process.poll() is None, self.process.communicate()
                assert time.monotonic() < ends
                pause.wait(0.02)

    def _answers(self, offset: int) -> bool:
        try:
            return self.get(offset, "/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def ended(self) -> tuple[int, str]:
        """The exit code, and what was said."""
        said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, "".join(said)


def free_base() -> int:
    """A port base under which the agencies' ports are free."""
    while True:
        base = 20_000 + secrets.randbelow(20_000)
        try:
            for offset in range(1, 5):
                with closing(socket.socket()) as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return base


def test_it_knows_every_service_there_is() -> None:
    assert {"finance", "identity", "permits", "population"} <= set(names())
    assert [load(name).name for name in names()] == names()


def test_it_serves_what_it_is_told_to_and_stops_in_order(tmp_path: Path, run_folder: Path) -> None:
    running = Process("identity", "population", data=tmp_path / "data", run=run_folder, base=free_base())
    try:
        running.ready(1, 2)
        assert running.get(1, "/livez").json() == {"status": "ok", "service": "identity"}
        assert running.get(2, "/version").json()["service"] == "population"
        assert running.get(2, "/metrics").status_code == 200
        assert running.back("population", "GET", "/_lab").json()["service"] == "population"
        with pytest.raises(httpx.TransportError):
            running.get(3, "/livez")
    finally:
        running.process.send_signal(signal.SIGTERM)
        code, said = running.ended()
    assert (code, "Traceback" in said) == (0, False), said


def test_ctrl_c_stops_it_in_order_too(tmp_path: Path, run_folder: Path) -> None:
    running = Process("identity", data=tmp_path / "data", run=run_folder, base=free_base())
    try:
        running.ready(1)
    finally:
        running.process.send_signal(signal.SIGINT)
        code, said = running.ended()
    assert (code, "Traceback" in said) == (0, False), said


def test_a_port_that_is_taken_is_named(tmp_path: Path, run_folder: Path) -> None:
    base = free_base()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", base + 2))
        taken.listen()
        code, said = Process("identity", "population", data=tmp_path / "data", run=run_folder, base=base).ended()
    assert (code, "Traceback" in said) == (1, False)
    assert f"population cannot listen on 127.0.0.1:{base + 2}" in said


def test_a_service_that_is_not_there_is_wrong_usage(tmp_path: Path, run_folder: Path) -> None:
    code, said = Process("identity", "kitt", data=tmp_path / "data", run=run_folder, base=free_base()).ended()
    assert (code, "Traceback" in said) == (2, False)
    assert "identity" in said
    assert "kitt" in said


def test_a_sandbox_made_in_one_process_is_there_in_the_next(tmp_path: Path, run_folder: Path) -> None:
    spec = {"seed": 3, "reference_date": "2026-11-02"}
    seen = []
    for _turn in range(2):
        running = Process("population", data=tmp_path / "data", run=run_folder, base=free_base())
        try:
            running.ready(2)
            assert running.back("population", "PUT", "/_lab/sandboxes/city", json=spec).status_code == (
                200 if seen else 201
            )
            seen.append(running.back("population", "GET", "/_lab/sandboxes/city/truth/residents").content)
        finally:
            running.process.send_signal(signal.SIGTERM)
            assert running.ended()[0] == 0
    assert seen[0] == seen[1]
    assert len(seen[0]) > 10_000


@pytest.mark.parametrize("base", ["80", "65001", "ten", ""])
def test_a_port_base_that_cannot_be_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r"LAB_PORT_BASE|invalid literal"):
        Addresses.read({"LAB_PORT_BASE": base})


def test_without_settings_it_serves_a_single_laptop() -> None:
    assert Addresses.read({}) == Addresses("127.0.0.1", 8100, "http://127.0.0.1:8101")
    told = Addresses.read({"LAB_PORT_BASE": "9000", "LAB_HOST": "0.0.0.0", "IDENTITY_URL": "http://id:1"})  # noqa: S104
    assert told == Addresses("0.0.0.0", 9000, "http://id:1")  # noqa: S104 - only compared
