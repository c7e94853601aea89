"""Calls that give up waiting for PostgreSQL: nothing by half, nothing done behind the back of one who was refused."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from joserfc.jwk import RSAKey
from postgresql_cluster import Cluster
from sample.lab import InProcess, bearer
from shelves import Shelf, nothing
from sqlalchemy import Column, Integer, MetaData, String, Table, select
from wires import Wire

from services.kit.pipeline import CLOSE
from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.store import StoreUnavailableError, Transaction

TABLES = MetaData()
notes = Table("notes", TABLES, Column("id", String, primary_key=True), Column("turn", Integer))
PATIENCE = 0.5
COMMIT = b"COMMIT\0"
SLOW = """
CREATE FUNCTION sample_city.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sample_city.notes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION sample_city.slow()
"""
"""Lets every COMMIT of a note take longer than a call waits."""


class Wired(Shelf):
    """A store that has half a second's patience with a server behind a wire."""

    wire: Wire


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.made()


@pytest.fixture
def wire(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Wire:
    return Wire(postgresql.root, tmp_path_factory.mktemp("w"))


@pytest.fixture
def hasty(url: str, postgresql: Cluster, wire: Wire) -> Iterator[Wired]:
    by_wire = url.replace(str(postgresql.root), str(wire.folder))

    def make(tables: MetaData, worker: Any) -> PostgreSqlStore:
        return PostgreSqlStore(Connections(by_wire, 4, PATIENCE), "sample", tables, worker)

    with Wired(make, TABLES) as shelf:
        shelf.wire = wire
        shelf.run(wire.up())
        shelf.create("city", [])
        yield shelf
        shelf.run(wire.down())


def names(shelf: Shelf) -> list[str]:
    return [row["id"] for row in shelf.all(shelf.open("city").reading, select(notes).order_by(notes.c.id))]


async def added(name: str, session: Transaction) -> str:
    await session.run(notes.insert(), rows=[{"id": name, "turn": 0}])
    return name


def test_who_goes_away_in_the_first_statement_of_a_transaction_leaves_nothing(hasty: Wired) -> None:
    """The server may be faster than the word that nobody wants it any more; it was once committed then."""
    database = hasty.open("city")

    async def leave(name: str) -> None:
        asker = asyncio.current_task()
        assert asker is not None

        async def work(session: Transaction) -> None:
            asyncio.get_running_loop().call_soon(asker.cancel)
            await added(name, session)

        await database.write(work, nothing)

    async def play() -> None:
        for number in range(20):
            with pytest.raises(asyncio.CancelledError):
                await asyncio.create_task(leave(f"n{number}"))
        assert await database.write(partial(added, "stayed"), nothing) == "stayed"

    hasty.run(play())
    assert names(hasty) == ["stayed"]


def test_a_commit_that_is_answered_when_patience_is_just_over_is_told_as_it_was(hasty: Wired, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute(SLOW)
    database = hasty.open("city")
    told: list[str] = []
    given = hasty.run(database.write(partial(added, "late"), lambda: told.append("committed")))
    assert (given, told) == ("late", ["committed"])
    assert names(hasty) == ["late"]


@pytest.mark.parametrize("at", [COMMIT, b"INSERT"])
def test_only_a_commit_that_was_sent_is_doubtful(hasty: Wired, at: bytes) -> None:
    database = hasty.open("city")
    hasty.wire.cut_at(at, reaches=True, stays_down=True)
    with pytest.raises(StoreUnavailableError) as refused:
        hasty.run(database.write(partial(added, "lost"), nothing))
    assert refused.value.is_doubtful == (at == COMMIT)


def test_writers_of_one_sandbox_wait_for_an_absent_server_side_by_side(hasty: Wired) -> None:
    """Not one after the other, to be carried out minutes after their callers have given up."""
    database = hasty.open("city")

    async def play() -> list[object]:
        await hasty.wire.down()
        writers = [database.write(partial(added, f"n{number}"), nothing) for number in range(40)]
        async with asyncio.timeout(len(writers) * PATIENCE / 2):
            refused = await asyncio.gather(*writers, return_exceptions=True)
        await hasty.wire.up()
        return refused

    assert {type(one) for one in hasty.run(play())} == {StoreUnavailableError}
    assert names(hasty) == []


@pytest.mark.parametrize("keyed", [True, False])
def test_only_who_can_repeat_it_without_harm_is_told_to(
    tmp_path: Path, key: RSAKey, url: str, postgresql: Cluster, wire: Wire, keyed: bool
) -> None:
    """A change that may have been made is answered by a closed line, as by a server that dies."""
    by_wire = url.replace(str(postgresql.root), str(wire.folder))
    with InProcess(tmp_path / "data", key, database=by_wire, patience=PATIENCE) as lab:
        lab.run(wire.up())
        lab.made(durable=True)
        headers = bearer(lab.token()) | ({"idempotency-key": "k"} if keyed else {})
        method, path = ("POST", "/v1/letters") if keyed else ("DELETE", "/v1/letters/s0001")
        sent: list[dict[str, Any]] = []
        closed: list[str] = []
        body = b'{"id":"n","text":"n"}' if keyed else b""
        received = iter([{"type": "http.request", "body": body}])

        async def receive() -> Any:
            return next(received, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "server": ("lab", 80), "client": None,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()]
            + [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
            "extensions": {CLOSE: {"cut": lambda: closed.append("cut")}},
        }  # fmt: skip
        wire.cut_at(COMMIT, reaches=True, stays_down=True)
        lab.run(lab.agency.public(scope, receive, send))
        assert closed == ([] if keyed else ["cut"])
        assert [message["status"] for message in sent if "status" in message] == ([503] if keyed else [])
        lab.run(wire.up())
        if keyed:
            again = lab.call("POST", path, json={"id": "n", "text": "n"}, headers={"idempotency-key": "k"})
            assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
        [first, *_] = lab.journal()
        assert (first["method"], first["status"], first["committed"]) == (method, 201 if keyed else 204, True)
        lab.run(wire.down())
