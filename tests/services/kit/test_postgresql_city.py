"""A city over PostgreSQL: what its callers see of a database that is away, or that forgot."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from joserfc.jwk import RSAKey
from postgresql_cluster import Cluster
from sample.lab import InProcess, bearer


@pytest.fixture
def hasty(tmp_path: Path, key: RSAKey, mortal_postgresql: Cluster) -> Iterator[InProcess]:
    """The sample agency over a server of its own, for which it waits half a second only."""
    with InProcess(tmp_path / "data", key, database=mortal_postgresql.made(), patience=0.5) as opened:
        yield opened
        if not mortal_postgresql.is_running:
            mortal_postgresql.start()


def letter(name: str) -> dict[str, object]:
    return {"json": {"id": name, "text": name}, "headers": {"idempotency-key": name}}


def test_while_the_database_is_away_callers_are_told_kindly_and_nothing_is_lost(
    hasty: InProcess, mortal_postgresql: Cluster
) -> None:
    hasty.made(durable=True)
    assert hasty.call("POST", "/v1/letters", **letter("before")).status_code == 201
    assert hasty.call("GET", "/v1/letters/s0001").status_code == 200
    mortal_postgresql.stop()
    for method, path, more in (("GET", "/v1/letters/s0001", {}), ("POST", "/v1/letters", letter("away"))):
        for language, words in (("id", "sedang tidak dapat menjangkau datanya"), ("en", "cannot reach its records")):
            headers = more.get("headers", {}) | {"accept-language": language}
            answer = hasty.call(method, path, **(more | {"headers": headers}))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json()["code"] == "store_unavailable"
            assert words in answer.json()["detail"]
    assert hasty.back("GET", "city/journal").status_code == 503
    assert hasty.back("POST", "city/reset").status_code == 503
    mortal_postgresql.start()
    assert hasty.call("POST", "/v1/letters", **letter("away")).status_code == 201
    entries = hasty.journal()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert [(entry["method"], entry["status"], entry["committed"]) for entry in entries] == [
        ("POST", 201, True),
        ("GET", 200, False),
        ("GET", 503, False),
        ("GET", 503, False),
        ("POST", 503, False),
        ("POST", 503, False),
        ("POST", 201, True),
    ]
    assert {"before", "away"} <= {row["id"] for row in hasty.letters()}


def test_a_city_that_the_database_forgot_the_end_of_goes_on_and_is_known_as_another(
    room: InProcess,
) -> None:
    """A throw-away city's last writes are gone after a crash: a run in it must end as an error of the lab."""
    room.made(durable=False)
    assert room.call("POST", "/v1/letters", **letter("kept")).status_code == 201
    before = room.back("GET", "city").json()["instance"]
    with psycopg.connect(room._database) as other:
        other.execute("UPDATE lab_sample.sandboxes SET mark = 7")
    assert room.call("POST", "/v1/letters", **letter("after")).status_code == 201
    assert {"kept", "after"} <= {row["id"] for row in room.letters()}
    shown = room.back("GET", "city").json()
    assert shown["instance"] != before
    again = room.call("POST", "/v1/letters", **letter("kept"))
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    seqs = [entry["seq"] for entry in room.journal()]
    assert seqs == sorted(set(seqs))


def test_a_past_that_a_fault_shows_holds_no_connection(room: InProcess) -> None:
    room.made()
    room.fault("stale_read", times=3, seconds=60)
    assert room.call("DELETE", "/v1/letters/s0001").status_code == 204
    with psycopg.connect(room._database) as other:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert other.execute(query).fetchone() == (0,)
        past = other.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'sample_city__past'")
        assert past.fetchone() == (1,)
    assert [room.call("GET", "/v1/letters/s0001").status_code for _ in range(4)] == [200, 200, 200, 404]
    assert room.back("DELETE", "city").status_code == 204
    with psycopg.connect(room._database) as other:
        names = other.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sample_%'").fetchall()
        assert names == []


def test_a_token_is_checked_before_the_database_is_asked(hasty: InProcess, mortal_postgresql: Cluster) -> None:
    hasty.made()
    mortal_postgresql.stop()
    answer = hasty.call("GET", "/v1/letters/s0001", headers=bearer("no.token.atall"))
    assert answer.status_code == 401
