"""`kill -9` at any moment: every answered change is there, whole, and nothing is there by half."""

import json
import secrets
import signal
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
from sample.lab import PATIENCE, Served, bearer, eventually, spec

WRITERS = 6


def storm(served: Served, city: str, ends: threading.Event, answered: list[str]) -> None:
    """Write letters one after the other until told to end or cut off, and note those that were answered 201."""
    headers = bearer(served.token(city))
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", trust_env=False, timeout=PATIENCE) as client:
        while not ends.is_set():
            name = secrets.token_hex(8)
            body = {"id": name, "text": f"storm {name}"}
            try:
                answer = client.post("/v1/letters", json=body, headers={**headers, "idempotency-key": name})
            except httpx.TransportError:
                break
            assert answer.status_code == 201, answer.text
            answered.append(name)


def stormed(served: Served, city: str, after: int, end: Callable[[], None]) -> list[str]:
    """Let several write at once, and end the process in the midst of it once so many were answered."""
    ends = threading.Event()
    answered: list[str] = []

    def write() -> None:
        storm(served, city, ends, answered)

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        writers = [threads.submit(write) for _ in range(WRITERS)]
        eventually(lambda: len(answered) >= after)
        end()
        ends.set()
        for writer in writers:
            writer.result(PATIENCE)
    return answered


def test_every_answered_change_is_there_after_a_kill_and_nothing_by_half(mortal: Served) -> None:
    mortal.start()
    city = mortal.made(durable=True)
    answered = stormed(mortal, city, 60, mortal.kill)
    mortal.start()
    letters = {letter["id"]: letter["text"] for letter in mortal.letters(city) if letter["text"].startswith("storm ")}
    entries = {entry["idempotency_key"]: entry for entry in mortal.journal(city) if entry["committed"]}
    assert len(answered) >= 60 - WRITERS
    assert set(answered) <= set(letters)
    # A change whose answer was cut off may be there too; with everything that belongs to it.
    assert set(letters) == set(entries)
    for name, text in letters.items():
        assert text == f"storm {name}"
        assert json.loads(entries[name]["request_body"])["id"] == name
        assert entries[name]["status"] == 201
    for name in list(letters)[-20:]:
        body = {"id": name, "text": f"storm {name}"}
        again = mortal.call("POST", "/v1/letters", city, json=body, headers={"idempotency-key": name})
        assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, "true")
    seqs = [entry["seq"] for entry in mortal.journal(city)]
    assert seqs == sorted(set(seqs))
    mortal.kill()
    if mortal.database is None:
        with closing(sqlite3.connect(mortal.data / "sample" / city / "state-0.db")) as state:
            assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_stop_in_order_loses_no_read_and_no_change(mortal: Served) -> None:
    mortal.start()
    city = mortal.made(durable=True)
    for _ in range(10):
        assert mortal.call("GET", "/v1/letters/s0001", city).status_code == 200
    mortal.stop(signal.SIGTERM)
    mortal.start()
    assert [entry["path"] for entry in mortal.journal(city)] == ["/v1/letters/s0001"] * 10


def test_a_stop_in_order_in_the_middle_of_a_storm_loses_nothing(mortal: Served) -> None:
    mortal.start()
    city = mortal.made(durable=True)
    answered = stormed(mortal, city, 20, mortal.stop)
    mortal.start()
    assert set(answered) <= {letter["id"] for letter in mortal.letters(city)}
    committed = [entry["idempotency_key"] for entry in mortal.journal(city) if entry["committed"]]
    assert set(answered) <= set(committed)
    assert len(committed) == len(set(committed))
    assert "Traceback" not in mortal.log.read_text()


def test_a_reset_killed_between_its_phases_has_not_happened(mortal: Served) -> None:
    mortal.start()
    city = mortal.made(durable=True)
    mortal.call("DELETE", "/v1/letters/s0001", city)
    assert mortal.back("POST", f"{city}/reset", json={"phase": "prepare"}).status_code == 204
    mortal.kill()
    mortal.start()
    assert len(mortal.letters(city)) == 44
    assert mortal.call("GET", "/v1/letters/s0002", city).status_code == 200
    # Whoever asked rolls its intent forward: both phases again.
    for phase in ("prepare", "commit"):
        assert mortal.back("POST", f"{city}/reset", json={"phase": phase}).status_code == 204
    assert len(mortal.letters(city)) == 45


def test_resets_killed_at_any_moment_leave_the_one_state_or_the_other(mortal: Served) -> None:
    """A loop of changes and resets, cut off: never a mixture, never a sandbox that does not open."""
    mortal.start()
    city = mortal.made(durable=True)
    for turn in range(3):
        _killed_in_a_loop_of_resets(mortal, city, resets=turn)
        mortal.start()
        letters = {letter["id"] for letter in mortal.letters(city)}
        extra = letters - {f"s{number:04}" for number in range(45)}
        journal = mortal.journal(city)
        assert len(letters) == 45 + len(extra)
        assert extra == {entry["idempotency_key"] for entry in journal if entry["committed"]}
        assert mortal.database or len(list((mortal.data / "sample" / city).glob("state-*.db"))) == 1


def _killed_in_a_loop_of_resets(mortal: Served, city: str, resets: int) -> None:
    """Change and reset again and again, and kill the process after so many resets, wherever it then is."""
    done = threading.Semaphore(0)

    def work() -> None:
        try:
            while True:
                name = secrets.token_hex(8)
                body = {"id": name, "text": "t"}
                mortal.call("POST", "/v1/letters", city, json=body, headers={"idempotency-key": name})
                mortal.back("POST", f"{city}/reset")
                done.release()
        except (httpx.TransportError, RuntimeError):
            """The process is gone, and its client closed."""

    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        for _ in range(resets + 1):
            assert done.acquire(timeout=PATIENCE)
        mortal.kill()
        working.result(PATIENCE)


def test_a_sandbox_killed_while_it_was_made_is_not_there(mortal: Served) -> None:
    """Many are made at once and the process is killed: each is there whole, or not at all, and can be made again."""
    mortal.start()
    names = [f"city{number:03}" for number in range(60)]
    kept = threading.Semaphore(0)

    def make(name: str) -> str | None:
        try:
            answer = mortal.back("PUT", name, json=spec(durable=True))
        except (httpx.TransportError, RuntimeError):
            return None
        kept.release()
        return name if answer.status_code == 201 else None

    with ThreadPoolExecutor(4) as threads:
        making = [threads.submit(make, name) for name in names]
        for _ in range(8):
            assert kept.acquire(timeout=PATIENCE)
        mortal.kill()
        answered = {name for made in making if (name := made.result(PATIENCE))}
    mortal.start()
    there = {row["id"] for row in mortal.back("GET").json()["data"]}
    assert answered <= there < set(names)
    for name in there:
        assert len(mortal.letters(name)) == 45
    assert mortal.database or {path.name for path in (mortal.data / "sample").iterdir()} == there
    missing = sorted(set(names) - there)[0]
    assert mortal.back("PUT", missing, json=spec(durable=True)).status_code == 201
    assert len(mortal.letters(missing)) == 45


def test_throw_away_sandboxes_end_with_the_process_that_was_killed(own: Served) -> None:
    own.start()
    own.made(durable=False)
    lasting = own.made(durable=True)
    own.kill()
    own.start()
    assert own.back("GET").json() == {"data": [{"id": lasting}]}
