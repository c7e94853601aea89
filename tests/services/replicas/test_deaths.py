"""Replicas die, and so does their database: every answered change is there once, and somebody serves the next call."""

import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from fleet import Fleet, Replica, eventually
from joserfc.jwk import RSAKey
from postgresql_cluster import Cluster
from sample.lab import PATIENCE

WRITERS = 6
END_LOCKS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'lab-homes-%' AND datname = current_database()
"""
"""Ends the sessions that hold the homes' locks, and nothing else."""

SOON = 10.0
"""Seconds within which a city has another home."""


@pytest.fixture
def mortal_fleet(mortal_postgresql: Cluster, key: RSAKey) -> Iterator[Fleet]:
    """Two replicas over a server that the test may stop."""
    with Fleet(mortal_postgresql.made(), key, 2) as started:
        yield started


class Storm:
    """Writers that go on until they are told to end; each write names itself and is sent again until it is answered."""

    def __init__(self, fleet: Fleet, city: str) -> None:
        self.fleet = fleet
        self.city = city
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._ends = threading.Event()

    def run(self, until: Callable[[], None]) -> None:
        with ThreadPoolExecutor(WRITERS) as threads:
            writers = [threads.submit(self._write) for _ in range(WRITERS)]
            try:
                until()
            finally:
                self._ends.set()
            for writer in writers:
                writer.result(PATIENCE * 2)

    def _write(self) -> None:
        while not self._ends.is_set():
            name = secrets.token_hex(8)
            while not self._sent(name):
                """Again, with the same key."""

    def _sent(self, name: str) -> bool:
        body, key = {"id": name, "text": f"storm {name}"}, {"idempotency-key": name}
        try:
            answer = self.fleet.call("POST", "/v1/letters", self.city, json=body, headers=key)
        except httpx.TransportError:
            self.unanswered.add(name)
            return False
        self.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.answered.add(name)
        return answer.status_code == 201

    def several(self, more: int = 30) -> None:
        """Wait until so many more were answered."""
        reached = len(self.answered) + more
        eventually(lambda: len(self.answered) >= reached)


def check(fleet: Fleet, storm: Storm) -> None:
    """Every answered letter is there, once, with its entry; nothing else is."""
    letters = {name for name, text in fleet.letters(storm.city).items() if text.startswith("storm ")}
    assert storm.answered <= letters <= storm.answered | storm.unanswered
    entries = fleet.journal(storm.city)
    committed = Counter(entry["idempotency_key"] for entry in entries if entry["committed"])
    assert set(committed) == letters
    assert set(committed.values()) == {1}
    seqs = [entry["seq"] for entry in entries]
    assert seqs == list(range(1, len(seqs) + 1))
    assert set(storm.statuses) == {201}


def home_of(fleet: Fleet, city: str) -> Replica:
    """Who answers for a city without passing it on."""
    passed = {"x-lab-passed": "1"}
    running = [replica for replica in fleet.replicas if replica.is_running]
    return next(one for one in running if fleet.back("GET", city, one, headers=passed).status_code == 200)


def test_every_answered_write_is_there_once_when_its_home_is_killed_again_and_again(fleet: Fleet) -> None:
    city = fleet.made(durable=True)
    storm = Storm(fleet, city)

    def kill() -> None:
        for _turn in range(2):
            storm.several()
            home = home_of(fleet, city)
            before = fleet.back("GET", city).json()["instance"]
            home.stop(signal.SIGKILL)
            began = time.monotonic()
            assert fleet.call("GET", "/v1/letters/s0001", city).status_code == 200
            assert time.monotonic() - began < SOON
            assert fleet.back("GET", city).json()["instance"] != before
        storm.several()

    storm.run(kill)
    check(fleet, storm)


def test_a_change_without_a_key_is_never_made_twice_though_its_home_dies(fleet: Fleet) -> None:
    """Each letter is discarded by one call: a 404 would be the answer to a call that was carried out twice."""
    city = fleet.made(durable=True)
    names = [f"n{number:03}" for number in range(150)]
    with ThreadPoolExecutor(WRITERS) as threads:
        made = threads.map(
            lambda name: fleet.call("POST", "/v1/letters", city, json={"id": name, "text": "t"}).status_code, names
        )
        assert set(made) == {201}
    told: dict[str, int | None] = {}

    def discard(name: str) -> None:
        try:
            told[name] = fleet.call("DELETE", f"/v1/letters/{name}", city).status_code
        except httpx.TransportError:
            told[name] = None

    with ThreadPoolExecutor(WRITERS) as threads:
        discarding = [threads.submit(discard, name) for name in names]
        eventually(lambda: len(told) >= 30)
        home_of(fleet, city).stop(signal.SIGKILL)
        eventually(lambda: len(told) >= 60)
        with psycopg.connect(fleet.database, autocommit=True) as connection:
            connection.execute(END_LOCKS)
        eventually(lambda: len(told) >= 90)
        home_of(fleet, city).stop(signal.SIGKILL)
        for one in discarding:
            one.result(PATIENCE * 2)
    left = fleet.letters(city).keys() & set(names)
    committed = Counter(entry["path"] for entry in fleet.journal(city) if entry["method"] == "DELETE")
    assert set(told.values()) <= {204, None}
    assert {name for name, status in told.items() if status == 204}.isdisjoint(left)
    # Only what ran when a home died has no answer.
    assert sum(status is None for status in told.values()) <= 2 * WRITERS
    assert {name for name in names if committed[f"/v1/letters/{name}"]} == set(names) - left
    assert set(committed.values()) == {1}


def test_a_home_that_ends_in_order_hands_everything_over(fleet: Fleet) -> None:
    city = fleet.made(fleet.replicas[0])
    fleet.fault("status", city, times=5, path="/v1/letters/s0002")
    assert fleet.call("GET", "/v1/letters/s0002", city).status_code == 503
    fleet.back("PATCH", f"{city}/clock", json={"advance_seconds": 86_400})
    began = time.monotonic()
    assert fleet.replicas[0].stop() == 0
    assert time.monotonic() - began < SOON
    assert [fleet.call("GET", "/v1/letters/s0002", city).status_code for _ in range(5)] == [503] * 4 + [200]
    assert fleet.back("GET", f"{city}/clock").json()["now"].startswith("2026-11-03T08:0")
    assert [entry["seq"] for entry in fleet.journal(city)] == [1, 2, 3, 4, 5, 6]
    assert "Traceback" not in "".join(replica.said for replica in fleet.replicas)


def test_every_answered_write_is_there_once_when_the_database_crashes_and_comes_back(
    mortal_fleet: Fleet, mortal_postgresql: Cluster
) -> None:
    fleet = mortal_fleet
    city = fleet.made(durable=True)
    instance = fleet.back("GET", city).json()["instance"]
    fleet.fault("status", city, times=3, path="/v1/letters/s0002")
    storm = Storm(fleet, city)

    def crash() -> None:
        for how in (signal.SIGQUIT, signal.SIGINT):
            storm.several()
            mortal_postgresql.stop(how)
            mortal_postgresql.start()
        storm.several()

    storm.run(crash)
    check(fleet, storm)
    # What was in memory is still there, wherever its home is now.
    home = home_of(fleet, city)
    if fleet.back("GET", city).json()["instance"] == instance:
        assert home is not None
    codes = [fleet.call("GET", "/v1/letters/s0002", city).status_code for _ in range(4)]
    assert codes == [503, 503, 503, 200]


def test_without_its_database_a_replica_lives_but_is_not_ready(mortal_fleet: Fleet, mortal_postgresql: Cluster) -> None:
    fleet = mortal_fleet
    city = fleet.made(durable=True)
    mortal_postgresql.stop(signal.SIGINT)
    for replica in fleet.replicas:
        eventually(lambda replica=replica: replica.answers("/readyz", 503))
        assert replica.answers("/livez", 200)
        assert "lab_store_up{" in httpx.get(f"{replica.front}/metrics", trust_env=False).text
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(fleet.call, "GET", "/v1/letters/s0001", city)
        mortal_postgresql.start()
        assert waiting.result(PATIENCE * 2).status_code == 200
    for replica in fleet.replicas:
        eventually(replica.answers)


def test_a_replica_waits_for_a_database_that_is_not_there_yet_and_stops_meanwhile(
    mortal_postgresql: Cluster, key: RSAKey
) -> None:
    url = mortal_postgresql.made()
    mortal_postgresql.stop(signal.SIGINT)
    fleet = Fleet(url, key, 2)
    try:
        early, late = (replica.start() for replica in fleet.replicas)
        for replica in (early, late):
            eventually(lambda replica=replica: replica.answers("/livez"))
            assert replica.answers("/readyz", 503)
            eventually(lambda replica=replica: "waiting for PostgreSQL: connection is bad" in replica.said)
        began = time.monotonic()
        assert early.stop() == 0
        assert time.monotonic() - began < SOON
        mortal_postgresql.start()
        eventually(late.answers)
        assert fleet.call("GET", "/v1/letters/s0001", fleet.made(late), late).status_code == 200
        assert "Traceback" not in late.said + early.said
    finally:
        fleet.end()


def test_a_lock_that_is_lost_alone_leaves_one_home(fleet: Fleet) -> None:
    """The server ends the session that holds the locks, in the midst of writes; nothing else breaks."""
    city = fleet.made(durable=True)
    storm = Storm(fleet, city)

    def end_sessions() -> None:
        for _turn in range(5):
            storm.several(15)
            with psycopg.connect(fleet.database, autocommit=True) as connection:
                connection.execute(END_LOCKS)
        storm.several(15)

    storm.run(end_sessions)
    check(fleet, storm)
    home_of(fleet, city)


def test_throw_away_cities_are_cleared_when_nobody_has_been_home_for_an_hour(fleet: Fleet) -> None:
    one, two, three = fleet.replicas
    before = {row["id"] for row in fleet.back("GET").json()["data"]}
    old, young, lasting, lived_in = fleet.made(one), fleet.made(one), fleet.made(one, durable=True), fleet.made(two)
    assert one.stop(signal.SIGKILL) < 0
    with psycopg.connect(fleet.database, autocommit=True) as connection:
        connection.execute(
            "UPDATE lab_sample.homes SET claimed_at = now() - interval '61 minutes' WHERE sandbox = ANY(%s)",
            [[old, lasting, lived_in]],
        )
    three.stop()
    three.start()
    eventually(three.answers)

    def names() -> set[str]:
        return {row["id"] for row in fleet.back("GET", at=three).json()["data"]}

    eventually(lambda: old not in names())
    assert names() == before | {young, lasting, lived_in}
