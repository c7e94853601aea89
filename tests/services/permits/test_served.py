"""The service as it is run: processes of their own, real sockets, tokens from the real identity service."""

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from free_ports import free_base

CLIENT, SECRET = "uji1-app", "rahasia-untuk-pengujian"
SPEC = {
    "seed": 3,
    "size": "small",
    "reference_date": "2026-11-02",
    "clients": [{"client_id": CLIENT, "client_secret": SECRET, "scopes": ["permits:read", "permits:decide"]}],
}
ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "services" / "permits" / "README.md").read_text(encoding="utf-8")


class Served:
    """A running process with both agencies: their public addresses and the back door of the permit office."""

    def __init__(self, run: Path, data: Path, patch: pytest.MonkeyPatch) -> None:
        base = free_base([1, 3])
        self.environment = {
            "LAB_PORT_BASE": str(base),
            "IDENTITY_URL": f"http://127.0.0.1:{base + 1}",
            "PERMITS_URL": f"http://127.0.0.1:{base + 3}",
            "CLIENT_ID": CLIENT,
            "CLIENT_SECRET": SECRET,
        }
        for name, value in self.environment.items():
            patch.setenv(name, value)
        command = [sys.executable, "-m", "services", "identity", "permits", "--data", str(data), "--run", str(run)]
        self.process = subprocess.Popen(command, cwd=ROOT)
        self.identity = httpx.Client(base_url=self.environment["IDENTITY_URL"], trust_env=False)
        self.public = httpx.Client(base_url=self.environment["PERMITS_URL"], trust_env=False)
        self.doors = {
            name: httpx.Client(
                transport=httpx.HTTPTransport(uds=str(run / f"{name}.sock")),
                base_url="http://back/_lab",
                headers={"authorization": "Bearer lab"},
            )
            for name in ("permits", "identity")
        }
        self._wait()

    def _wait(self) -> None:
        pause = threading.Event()
        for _ in range(1200):
            assert self.process.poll() is None
            try:
                for client in (self.identity, self.public):
                    client.get("/readyz")
            except httpx.TransportError:
                pause.wait(0.05)
            else:
                return
        pytest.fail("the service did not start")

    def create(self) -> None:
        for door in self.doors.values():
            assert door.put("/sandboxes/uji1", json=SPEC).status_code == 201

    def sign_in(self) -> None:
        answer = self.identity.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(CLIENT, SECRET))
        self.public.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def queue(self, count: int) -> list[dict]:
        return self.public.get("/v1/applications", params={"status": "20", "limit": count}).json()["data"]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(30)
        for client in (self.public, self.identity, *self.doors.values()):
            client.close()
        return status


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Served]]:
    """Starts the two agencies, each time on the same data; a short folder holds the sockets."""
    running: list[Served] = []

    def begin() -> Served:
        running.append(Served(Path(run), tmp_path / "data", monkeypatch))
        return running[-1]

    with TemporaryDirectory(prefix="lab") as run:
        (Path(run) / "token").write_text("lab", encoding="ascii")
        yield begin
        for served in running:
            if served.process.poll() is None:
                assert served.end(signal.SIGTERM) == 0


@pytest.fixture
def served(start: Callable[[], Served]) -> Served:
    running = start()
    running.create()
    running.sign_in()
    return running


def test_of_two_writers_one_is_told_to_read_again(served: Served):
    """Two programs read the same version and decide at the same moment: one decision is kept, none is lost."""
    together = threading.Barrier(2)

    def write(path: str, tag: str, status: str, reason: str) -> httpx.Response:
        together.wait(10)
        body = {"status": status, "reason_code": reason}
        return served.public.post(f"{path}/decisions", headers={"if-match": tag}, json=body)

    with ThreadPoolExecutor(2) as writers:
        for row in served.queue(8):
            path = f"/v1/applications/{row['id']}"
            tag = served.public.get(path).headers["etag"]
            outcomes = [("45", "verified"), ("41", "name_mismatch")]
            calls = [writers.submit(write, path, tag, *outcome) for outcome in outcomes]
            answers = [call.result() for call in calls]
            assert sorted(answer.status_code for answer in answers) == [201, 412]
            kept = next(answer.json() for answer in answers if answer.status_code == 201)
            steps = served.public.get(f"{path}/history").json()["data"]
            assert [step["status"] for step in steps] == ["05", "10", "20", kept["status"]]


def test_an_answer_lost_after_the_commit_is_not_a_second_decision(served: Served):
    """The line is cut after the change: the same key brings the first answer, and without a key 412 says to look."""
    first, second = served.queue(2)
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
    assert served.doors["permits"].put("/sandboxes/uji1/faults", json={"rules": rules}).status_code == 200
    body = {"status": "45", "reason_code": "verified"}
    for row, key, expected in ((first, {"idempotency-key": "satu"}, 201), (second, {}, 412)):
        path = f"/v1/applications/{row['id']}"
        sent = {**key, "if-match": served.public.get(path).headers["etag"]}
        with pytest.raises(httpx.RemoteProtocolError):
            served.public.post(f"{path}/decisions", headers=sent, json=body)
        assert served.public.post(f"{path}/decisions", headers=sent, json=body).status_code == expected
        shown = served.public.get(path).json()
        assert (shown["status"], shown["version"]) == ("45", row["version"] + 1)


def test_a_decision_survives_a_killed_process(start: Callable[[], Served]):
    """What was answered 201 is there after `kill -9` and a new start."""
    running = start()
    running.create()
    running.sign_in()
    path = f"/v1/applications/{running.queue(1)[0]['id']}"
    sent = {"if-match": running.public.get(path).headers["etag"]}
    body = {"status": "93", "reason_code": "nik_unknown"}
    written = running.public.post(f"{path}/decisions", headers=sent, json=body)
    assert written.status_code == 201
    running.end(signal.SIGKILL)

    again = start()
    again.sign_in()
    shown = again.public.get(path)
    assert (shown.json()["status"], shown.headers["etag"]) == ("93", written.headers["etag"])
    assert again.public.get(f"{path}/history").json()["data"][-1]["reason_code"] == "nik_unknown"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_readme_s_curl_lines_work_as_they_stand(served: Served):
    """Pasted into one shell, they read the queue, write a decision and show the dialect's answer."""
    blocks = re.findall(r"```sh\n(.+?)```", README, re.S)
    shell = shutil.which("bash") or "sh"
    done = subprocess.run([shell, "-eu", "-c", "\n".join(blocks)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"meta"' in done.stdout
    decided = re.search(r'"reason_code":"nik_deceased".*?"application_id":"(PMH-\d+)"', done.stdout) or re.search(
        r'"application_id":"(PMH-\d+)".*?"reason_code":"nik_deceased"', done.stdout
    )
    assert decided, done.stdout
    assert served.public.get(f"/v1/applications/{decided[1]}").json()["status"] == "93"
    promised = re.search(r"^# (\{.+\})$", "\n".join(blocks), re.M)
    assert promised
    assert promised[1] in done.stdout
