"""A disk that is full, as far as SQLite can see: an honest 500, nothing changed, and all well again afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sample.lab import InProcess

BIG = {"id": "big", "text": "x" * 2000}


@contextmanager
def full_disk(lab: InProcess, sandbox: str = "city") -> Iterator[None]:
    """Let the sandbox's file not grow by a single page: SQLite then says that the disk is full."""
    opened = lab.run(lab.agency.sandboxes.get(sandbox))
    lab.run(opened.remember("clock", opened.clock.stored()))
    connections = [opened.database.reading.raw, opened.database._writer.raw]
    filler = connections[1]
    filler.execute("CREATE TABLE filler (bytes BLOB)")
    for raw in connections:
        raw.execute(f"PRAGMA max_page_count={raw.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        # What room there is left in the last pages is used up.
        filler.executemany("INSERT INTO filler VALUES (randomblob(?))", [(400,)] * 10_000)
    try:
        yield
    finally:
        # The sandbox may have been closed meanwhile.
        with suppress(sqlite3.ProgrammingError):
            for raw in connections:
                raw.execute("PRAGMA max_page_count=1000000")
            filler.execute("DROP TABLE filler")


def test_a_change_that_does_not_fit_is_an_honest_500_and_rolled_back(lab: InProcess) -> None:
    lab.made(durable=True)
    before = lab.letters()
    with full_disk(lab):
        for _ in range(3):
            answer = lab.call("POST", "/v1/letters", json=BIG, headers={"idempotency-key": "k"})
            assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
            assert answer.json()["trace_id"] not in {"", "-"}
        assert lab.call("GET", "/v1/letters/s0001").status_code == 200
        assert lab.letters() == before
    again = lab.call("POST", "/v1/letters", json=BIG, headers={"idempotency-key": "k"})
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, None)
    entries = lab.journal()
    assert [(entry["status"], entry["committed"]) for entry in entries] == [
        *[(500, False)] * 3,
        (200, False),
        (201, True),
    ]
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]


def test_the_lab_is_told_when_its_own_change_does_not_fit(lab: InProcess) -> None:
    lab.made(durable=True)
    rule = {"id": "r" * 40, "path": "/" + "p" * 4000, "kind": "status", "times": 1}
    with full_disk(lab):
        answer = lab.back("PUT", "city/faults", json={"rules": [rule]})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert lab.back("GET", "city/faults").json()["rules"] == []
    assert lab.back("PUT", "city/faults", json={"rules": [rule]}).status_code == 200


def test_a_journal_that_cannot_be_written_waits_and_the_others_keep_theirs(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.made("other", durable=True)
    with full_disk(lab):
        for _ in range(5):
            assert lab.call("GET", f"/v1/letters/{'n' * 2000}").status_code == 404
        assert lab.back("GET", "city/journal").status_code == 500
        assert lab.call("GET", "/v1/letters/s0001", "other").status_code == 200
        assert len(lab.journal("other")) == 1
    assert [entry["status"] for entry in lab.journal()] == [404] * 5


def test_closing_one_that_cannot_be_written_does_not_cost_the_others_theirs(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.made("other", durable=True)
    for name in ("city", "other"):
        lab.call("GET", f"/v1/letters/{'n' * 2000}", name)
    with full_disk(lab):
        lab.restarted()
        assert len(lab.journal("other")) == 1
        assert lab.call("GET", "/v1/letters/s0001").status_code == 200


def test_a_sandbox_that_cannot_be_written_can_still_be_removed(lab: InProcess) -> None:
    lab.made(durable=True)
    lab.call("GET", f"/v1/letters/{'n' * 2000}")
    with full_disk(lab):
        assert lab.back("DELETE", "city").status_code == 204
        assert lab.back("GET").json() == {"data": []}
        lab.made(durable=True)


def test_a_sandbox_whose_seed_fails_leaves_nothing_behind(lab: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_arguments: object) -> object:
        message = "no space left on device"
        raise OSError(28, message)

    with monkeypatch.context() as patched:
        patched.setattr("services.kit.sqlite.shutil.copyfile", failing)
        answer = lab.back("PUT", "city", json={"seed": 7, "reference_date": "2026-11-02"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert list(lab.data.iterdir()) == []
    lab.made()
    with monkeypatch.context() as patched:
        patched.setattr("services.kit.sqlite.shutil.copyfile", failing)
        assert lab.back("POST", "city/reset").status_code == 500
    assert lab.call("GET", "/v1/letters/s0001").status_code == 200
    assert lab.back("POST", "city/reset").status_code == 204
