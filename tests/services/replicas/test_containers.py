"""The real agencies as they run in containers: no folder to write to, settings and secrets only, two replicas each."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
import pytest
from fleet import ROOT, eventually
from free_ports import free_port
from joserfc import jwt
from joserfc.jwk import KeySet
from postgresql_cluster import Cluster
from sample.lab import PATIENCE

from services.identity.signing import SigningKey

AGENCIES = ("identity", "population", "permits")
OFFSETS = {"identity": 1, "population": 2, "permits": 3}
ISSUER = "http://127.0.0.1:8101"
SECRET = "rahasia-uji-coba-" + "k" * 20
SCOPES = ["population:read", "population:verify", "permits:read", "permits:decide"]


class Town:
    """Two processes that each serve identity, population and permits, in a folder that they may only read."""

    def __init__(self, folder: Path, database: str) -> None:
        self.database = database
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        self.door_token = secrets.token_hex(16)
        (self.secrets / "backdoor_token").write_text(self.door_token + "\n")
        SigningKey(self.secrets / "signing_key").load()
        self.here = folder / "here"
        self.here.mkdir(mode=0o555)
        self.log = folder / "log"
        self.bases = [free_port() for _ in range(2)]
        self.doors = [free_port() for _ in range(2)]
        self.chance = Random(3)  # noqa: S311 - no secret
        self.client = httpx.Client(trust_env=False, timeout=PATIENCE)
        self.processes = [
            self._started(base, door, database) for base, door in zip(self.bases, self.doors, strict=True)
        ]

    def _started(self, base: int, door: int, database: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251 - a child's
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAB_PORT_BASE": str(base),
            "LAB_BACKDOOR_PORT": str(door),
            "LAB_DATABASE": database,
            "LAB_DATABASE_CONNECTIONS": "3",
            "LAB_SECRETS": str(self.secrets),
            "LAB_ISSUER": ISSUER,
            "IDENTITY_URL": f"http://127.0.0.1:{base + 1}",
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "services", *AGENCIES], cwd=self.here, env=environment, stdout=log, stderr=log
            )

    def ready(self) -> bool:
        try:
            return all(
                self.client.get(self.url(name, at) + "/readyz").status_code == 200 for name in AGENCIES for at in (0, 1)
            )
        except httpx.TransportError:
            assert all(process.poll() is None for process in self.processes), self.log.read_text()
            return False

    def url(self, agency: str, at: int | None = None) -> str:
        base = self.bases[self.chance.randrange(2) if at is None else at]
        return f"http://127.0.0.1:{base + OFFSETS[agency]}"

    def back(self, agency: str, method: str, path: str, **more: Any) -> httpx.Response:
        """The lab's own call, to either replica of an agency."""
        door = self.doors[self.chance.randrange(2)] + AGENCIES.index(agency)
        headers = {"authorization": f"Bearer {self.door_token}"}
        url = f"http://127.0.0.1:{door}/_lab/sandboxes/{path}"
        return self.client.request(method, url, headers=headers, **more)

    def made(self) -> str:
        """A city in all agencies."""
        name = "t" + secrets.token_hex(4)
        client = {"client_id": f"{name}-app", "client_secret": SECRET, "scopes": SCOPES}
        spec = {"seed": 11, "reference_date": "2026-11-02", "clients": [client], "durable": True}
        for agency in ("population", "permits", "identity"):
            answer = self.back(agency, "PUT", name, json=spec)
            assert answer.status_code == 201, answer.text
        return name

    def asked(self, city: str, at: int | None = None) -> httpx.Response:
        """A token request."""
        auth = (f"{city}-app", SECRET)
        return self.client.post(
            self.url("identity", at) + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth
        )

    def bearer(self, city: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.asked(city).json()['access_token']}"}

    def journal(self, agency: str, city: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.back(agency, "GET", f"{city}/journal?limit=5000").json()["data"]
        return entries


@pytest.fixture(scope="module")
def town(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    found = Town(tmp_path_factory.mktemp("town"), postgresql.made())
    try:
        eventually(found.ready)
        yield found
    finally:
        for process in found.processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(PATIENCE) for process in found.processes] == [0, 0], found.log.read_text()
        found.client.close()
    assert "Traceback" not in found.log.read_text()


def test_a_token_of_one_replica_opens_the_others_and_names_the_lab_s_issuer(town: Town) -> None:
    city = town.made()
    keys = [town.client.get(town.url("identity", at) + "/.well-known/jwks.json").json() for at in (0, 1)]
    assert keys[0] == keys[1]
    for at in (0, 1):
        token = town.asked(city, at).json()["access_token"]
        claims = jwt.decode(token, KeySet.import_key_set(keys[1 - at]), algorithms=["RS256"]).claims
        assert (claims["iss"], claims["sandbox"]) == (ISSUER, city)
        for other in (0, 1):
            headers = {"authorization": f"Bearer {token}"}
            residents = town.client.get(town.url("population", other) + "/v1/residents?limit=1", headers=headers)
            assert residents.status_code == 200
    described = town.client.get(town.url("identity") + "/.well-known/oauth-authorization-server").json()
    assert described["token_endpoint"] == f"{ISSUER}/oauth2/token"


def test_a_client_s_token_quota_is_one_for_all_replicas(town: Town) -> None:
    city = town.made()
    answers = [town.asked(city) for _ in range(63)]
    assert Counter(answer.status_code for answer in answers) == {200: 60, 429: 3}
    assert {answer.json()["error"] for answer in answers[60:]} == {"slow_down"}
    given = {row["token_id"] for row in town.back("identity", "GET", f"{city}/truth/tokens").json()["data"]}
    assert len(given) == 60
    assert [entry["seq"] for entry in town.journal("identity", city)] == list(range(1, 64))
    assert SECRET not in json.dumps(town.journal("identity", city))


def test_who_is_not_known_is_told_so_by_every_replica(town: Town) -> None:
    city = town.made()
    for client_id in (f"{city}-other", "nosuchcity-app"):
        for at in (0, 1):
            answer = town.client.post(
                town.url("identity", at) + "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(client_id, SECRET),
            )
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_queue_is_decided_by_several_at_once_over_both_replicas(town: Town) -> None:
    """Each application has one decision, made with the ETag that was read; the journals tell all of it once."""
    city = town.made()
    headers = town.bearer(city)
    queue: list[str] = []
    path = "/v1/applications?status=20&limit=7"
    while path:
        page = town.client.get(town.url("permits") + path, headers=headers)
        queue += [row["id"] for row in page.json()["data"]]
        path = page.links["next"]["url"] if "next" in page.links else ""
    assert len(queue) == len(set(queue)) > 30
    queue = queue[:30]
    decided: Counter[int] = Counter()
    lock = threading.Lock()

    def decide(application: str) -> None:
        read = town.client.get(town.url("permits") + f"/v1/applications/{application}", headers=headers)
        person = town.client.get(town.url("population") + "/v1/residents?limit=1", headers=headers)
        assert (read.status_code, person.status_code) == (200, 200)
        body = {"status": "93", "reason_code": "nik_unknown"}
        given = {**headers, "if-match": read.headers["etag"]}
        target = f"/v1/applications/{application}/decisions"
        answers = [town.client.post(town.url("permits", at) + target, headers=given, json=body) for at in (0, 1)]
        with lock:
            decided.update(answer.status_code for answer in answers)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(decide, application) for application in queue]:
            done.result(PATIENCE)
    # The second of each was sent with an ETag that the first has used up.
    assert decided == {201: len(queue), 412: len(queue)}
    entries = town.journal("permits", city)
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert sum(entry["committed"] for entry in entries) == len(queue)
    assert {entry["client_id"] for entry in entries} == {f"{city}-app"}


def test_the_process_holds_no_more_connections_than_it_was_told(town: Town, postgresql: Cluster) -> None:
    cities = [town.made() for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        for answer in threads.map(town.asked, cities * 4):
            assert answer.status_code == 200
    with psycopg.connect(postgresql.url("postgres")) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [town.database.split("/")[3].split("?")[0]]
        ).fetchone()
    # Three for records and one for the homes, in each of the two processes.
    assert counted is not None
    assert 2 < counted[0] <= 2 * 4
