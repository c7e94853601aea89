"""The service as it is run: its own process, real sockets, a real issuer of keys."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from joserfc.jwk import KeySet, RSAKey

SPEC = {"seed": 3, "size": "small", "reference_date": "2026-11-02", "durable": True}
LAB = {"authorization": "Bearer lab"}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def issuer(signing_key: RSAKey) -> Iterator[str]:
    """An address that publishes our key, as the identity service publishes its own."""
    published = json.dumps(KeySet([signing_key]).as_dict(private=False)).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(published)))
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class Served:
    """A running process, its public address and its back door."""

    def __init__(self, run: Path, data: Path, issuer: str, patch: pytest.MonkeyPatch) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        patch.setenv("LAB_PORT_BASE", str(port - 3))
        patch.setenv("IDENTITY_URL", issuer)
        command = [sys.executable, "-m", "services", "permits", "--data", str(data), "--run", str(run)]
        self.process = subprocess.Popen(command, cwd=ROOT)
        self.public = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        self.back = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(run / "permits.sock")), base_url="http://back/_lab", headers=LAB
        )
        self._wait()

    def _wait(self) -> None:
        pause = threading.Event()
        for _ in range(1200):
            assert self.process.poll() is None
            try:
                self.public.get("/readyz")
                self.back.get("")
            except httpx.TransportError:
                pause.wait(0.05)
            else:
                return
        pytest.fail("the service did not start")

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(10)
        self.public.close()
        self.back.close()


@pytest.fixture
def places(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A short folder for the socket, and one for the data."""
    with TemporaryDirectory(prefix="lab") as run:
        (Path(run) / "token").write_text("lab", encoding="ascii")
        yield Path(run), tmp_path / "data"


@pytest.fixture
def served(places: tuple[Path, Path], issuer: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    running = Served(*places, issuer, monkeypatch)
    assert running.back.put("/sandboxes/uji1", json=SPEC).status_code == 201
    yield running
    running.end(signal.SIGTERM)
    assert running.process.returncode == 0


def test_of_two_writers_one_is_told_to_read_again(served: Served, issuer: str, signed: Callable[..., str]):
    """Two programs read the same version and decide at the same moment: one decision is kept, none is lost."""
    headers = {"authorization": f"Bearer {signed(issuer=issuer)}"}
    queue = served.public.get("/v1/applications?status=20&limit=8", headers=headers).json()["data"]
    start = threading.Barrier(2)

    def write(row: dict, tag: str, status: str, reason: str) -> httpx.Response:
        start.wait(10)
        return served.public.post(
            f"/v1/applications/{row['id']}/decisions",
            headers={**headers, "if-match": tag},
            json={"status": status, "reason_code": reason},
        )

    with ThreadPoolExecutor(2) as writers:
        for row in queue:
            tag = served.public.get(f"/v1/applications/{row['id']}", headers=headers).headers["etag"]
            calls = [
                writers.submit(write, row, tag, *outcome) for outcome in (("45", "verified"), ("41", "name_mismatch"))
            ]
            answers = [call.result() for call in calls]
            assert sorted(answer.status_code for answer in answers) == [201, 412]
            kept = next(answer.json() for answer in answers if answer.status_code == 201)
            steps = served.public.get(f"/v1/applications/{row['id']}/history", headers=headers).json()["data"]
            assert [step["status"] for step in steps] == ["05", "10", "20", kept["status"]]


def test_an_answer_lost_after_the_commit_is_not_a_second_decision(
    served: Served, issuer: str, signed: Callable[..., str]
):
    """The line is cut after the change: the same key brings the first answer, and without a key 412 says to look."""
    headers = {"authorization": f"Bearer {signed(issuer=issuer)}"}
    first, second = served.public.get("/v1/applications?status=20&limit=2", headers=headers).json()["data"]
    rules = [
        {
            "id": row["id"],
            "method": "POST",
            "path": f"/v1/applications/{row['id']}/*",
            "kind": "close_after_commit",
            "times": 1,
        }
        for row in (first, second)
    ]
    assert served.back.put("/sandboxes/uji1/faults", json={"rules": rules}).status_code == 200
    body = {"status": "45", "reason_code": "verified"}
    for row, key, expected in ((first, {"idempotency-key": "satu"}, 201), (second, {}, 412)):
        tag = served.public.get(f"/v1/applications/{row['id']}", headers=headers).headers["etag"]
        path = f"/v1/applications/{row['id']}/decisions"
        sent = {**headers, **key, "if-match": tag}
        with pytest.raises(httpx.RemoteProtocolError):
            served.public.post(path, headers=sent, json=body)
        again = served.public.post(path, headers=sent, json=body)
        assert again.status_code == expected
        shown = served.public.get(f"/v1/applications/{row['id']}", headers=headers).json()
        assert (shown["status"], shown["version"]) == ("45", row["version"] + 1)


def test_a_decision_survives_a_killed_process(
    places: tuple[Path, Path], issuer: str, signed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    """What was answered 201 is there after `kill -9` and a new start."""
    headers = {"authorization": f"Bearer {signed(issuer=issuer)}"}
    running = Served(*places, issuer, monkeypatch)
    assert running.back.put("/sandboxes/uji1", json=SPEC).status_code == 201
    row = running.public.get("/v1/applications?status=20&limit=1", headers=headers).json()["data"][0]
    path = f"/v1/applications/{row['id']}"
    tag = running.public.get(path, headers=headers).headers["etag"]
    body = {"status": "93", "reason_code": "nik_unknown"}
    written = running.public.post(f"{path}/decisions", headers={**headers, "if-match": tag}, json=body)
    assert written.status_code == 201
    running.end(signal.SIGKILL)

    again = Served(*places, issuer, monkeypatch)
    shown = again.public.get(path, headers=headers)
    assert (shown.json()["status"], shown.headers["etag"]) == ("93", written.headers["etag"])
    steps = again.public.get(f"{path}/history", headers=headers).json()["data"]
    assert steps[-1]["reason_code"] == "nik_unknown"
    again.end(signal.SIGTERM)
