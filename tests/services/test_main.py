"""`python -m services`: starts what it is told to, says plainly what is wrong, stops in order."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from ast import literal_eval
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from free_ports import free_base

from services.__main__ import load, names
from services.kit import health, settings
from services.kit.settings import Addresses, Database, WrongSettingError, database, secrets_folder

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


def test_it_knows_every_service_there_is() -> None:
    assert {"finance", "identity", "permits", "population"} <= set(names())
    assert [load(name).name for name in names()] == names()


def test_it_serves_what_it_is_told_to_and_stops_in_order(tmp_path: Path, run_folder: Path) -> None:
    running = Process("identity", "population", data=tmp_path / "data", run=run_folder, base=free_base(range(1, 5)))
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
    running = Process("identity", data=tmp_path / "data", run=run_folder, base=free_base(range(1, 5)))
    try:
        running.ready(1)
    finally:
        running.process.send_signal(signal.SIGINT)
        code, said = running.ended()
    assert (code, "Traceback" in said) == (0, False), said


def test_a_port_that_is_taken_is_named(tmp_path: Path, run_folder: Path) -> None:
    base = free_base(range(1, 5))
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", base + 2))
        taken.listen()
        code, said = Process("identity", "population", data=tmp_path / "data", run=run_folder, base=base).ended()
    assert (code, "Traceback" in said) == (1, False)
    assert f"population cannot listen on 127.0.0.1:{base + 2}" in said


def test_a_service_that_is_not_there_is_wrong_usage(tmp_path: Path, run_folder: Path) -> None:
    code, said = Process(
        "identity", "kitt", data=tmp_path / "data", run=run_folder, base=free_base(range(1, 5))
    ).ended()
    assert (code, "Traceback" in said) == (2, False)
    assert "identity" in said
    assert "kitt" in said


def test_a_sandbox_made_in_one_process_is_there_in_the_next(tmp_path: Path, run_folder: Path) -> None:
    spec = {"seed": 3, "reference_date": "2026-11-02"}
    seen = []
    for _turn in range(2):
        running = Process("population", data=tmp_path / "data", run=run_folder, base=free_base(range(1, 5)))
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
    with pytest.raises(WrongSettingError, match="LAB_PORT_BASE"):
        Addresses.read({"LAB_PORT_BASE": base})


def test_without_settings_it_serves_a_single_laptop() -> None:
    assert Addresses.read({}) == Addresses("127.0.0.1", 8100, "http://127.0.0.1:8101", "http://127.0.0.1:8101")
    assert database(None, {}) is None
    assert secrets_folder({}) is None


def test_in_a_container_keys_are_fetched_at_one_address_and_tokens_name_another() -> None:
    told = {
        "LAB_PORT_BASE": "9000",
        "LAB_HOST": "0.0.0.0",  # noqa: S104 - only compared
        "IDENTITY_URL": "http://identity:9001",
        "LAB_ISSUER": "http://127.0.0.1:9001",
        "LAB_BACKDOOR_PORT": "9900",
    }
    expected = Addresses("0.0.0.0", 9000, "http://identity:9001", "http://127.0.0.1:9001", 9900)  # noqa: S104 - same
    assert Addresses.read(told) == expected


def test_a_database_has_its_password_from_a_file_and_a_bound_on_connections(tmp_path: Path) -> None:
    (tmp_path / "database_password").write_text("rahasia\n")
    told = {"LAB_DATABASE": "postgresql://lab@postgres:5432/lab"}
    assert database(tmp_path, told) == Database(told["LAB_DATABASE"], "rahasia", 8)
    assert database(None, {**told, "LAB_DATABASE_CONNECTIONS": "3"}) == Database(told["LAB_DATABASE"], None, 3)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"LAB_DATABASE": "mysql://lab@db/lab"}, "must look like postgresql://"),
        ({"LAB_DATABASE": "postgresql://lab@db"}, "must look like postgresql://"),
        ({"LAB_DATABASE": "postgresql://lab:rahasia@db/lab"}, "may not hold the password"),
        ({"LAB_DATABASE": "postgresql://lab@db/lab", "LAB_DATABASE_CONNECTIONS": "1"}, "between 2 and 1000"),
    ],
)
def test_a_database_that_cannot_be_is_refused_without_telling_a_secret(told: dict[str, str], words: str) -> None:
    with pytest.raises(WrongSettingError) as wrong:
        database(None, told)
    assert words in str(wrong.value)
    assert "rahasia" not in str(wrong.value)


SHARED = {"LAB_DATABASE": "postgresql://lab@127.0.0.1:9/lab", "LAB_BACKDOOR_PORT": "50999"}


@pytest.mark.parametrize(
    ("agency", "environment", "line"),
    [
        ("population", {}, "say where the sandboxes are kept: --data FOLDER, or LAB_DATABASE"),
        ("population", {"LAB_DATABASE": SHARED["LAB_DATABASE"]}, "say where the back doors are"),
        ("population", {**SHARED, "LAB_SECRETS": "/no/such/folder"}, "LAB_SECRETS must name a folder that is there"),
        ("population", SHARED, "there is no back-door token"),
        ("identity", {**SHARED, "LAB_SECRETS": "."}, "there is no signing_key under LAB_SECRETS"),
        ("population", {**SHARED, "LAB_BACKDOOR_PORT": "none"}, "LAB_BACKDOOR_PORT must be a number"),
    ],
)
def test_settings_that_cannot_be_are_told_in_one_line(
    tmp_path: Path, agency: str, environment: dict[str, str], line: str
) -> None:
    (tmp_path / "backdoor_token").write_text("the-labs-own")
    done = subprocess.run(
        [sys.executable, "-m", "services", agency],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAB_PORT_BASE": str(free_base(range(1, 5))), **environment},  # noqa: TID251
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_its_health_is_asked_without_curl(tmp_path: Path, run_folder: Path) -> None:
    running = Process("population", data=tmp_path / "data", run=run_folder, base=free_base(range(1, 5)))

    def healthy(*agencies: str) -> int:
        command = [sys.executable, "-S", "-m", "services.kit.health", *agencies]
        environment = {**os.environ, "LAB_PORT_BASE": str(running.base)}  # noqa: TID251 - a child's
        return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=PATIENCE).returncode

    try:
        running.ready(2)
        assert healthy("population") == 0
        assert healthy("population", "permits") == 1
    finally:
        running.process.send_signal(signal.SIGTERM)
        assert running.ended()[0] == 0
    assert healthy("population") == 1


def test_asking_for_health_imports_nothing_that_a_service_is_made_of() -> None:
    code = "import sys, services.kit.health; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"fastapi", "pydantic", "asyncio", "pathlib", "dataclasses", "re"} & set(literal_eval(done.stdout))
    assert health.DEFAULT_PORT_BASE == settings.DEFAULT_PORT_BASE


def test_one_process_for_all_imports_no_postgresql() -> None:
    code = (
        "import sys; from services.__main__ import load, names; [load(name) for name in names()]; "
        "ours = ('psycopg', 'services.kit.repl', 'sqlalchemy.dialects.postgresql'); "
        "print([name for name in sys.modules if name.startswith(ours)])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
