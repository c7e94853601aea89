"""`make bench`: the lab's figures in one table, each beside what it has to reach.

Everything is measured on the real thing: `lab` itself in a home of its own, the agencies it starts, a real submission.
Rates are printed as ratios against an empty FastAPI route on the same server in the same run. Times are printed as they
were, and at `PACE`: how quick a machine is varies by half within minutes, on a laptop as on a rented one, so each
time is taken between two measurements of plain Python and put into proportion to them.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import get, load
from grader.city import Address, City
from services.world.city import World

SPEC: dict[str, Any] = {"size": "small", "reference_date": "2026-11-02", "durable": False}
ROUNDS = 5
REFERENCE = date(2026, 11, 2)
PACE = 0.150
"""Seconds for two million rounds of plain Python on the machine that the lab is built on, when its host is idle."""


def row(what: str, measured: str, at_pace: str, reach: str) -> None:
    print(f"{what:<50} {measured:>18} {at_pace:>18}   {reach}", flush=True)


def plain() -> float:
    """Seconds that two million rounds of plain Python take at this moment."""
    return 4 * min(seconds(lambda: sum(n * n % 7 for n in range(500_000))) for _ in range(2))


@dataclass(frozen=True)
class Timed:
    """How long something took, and how long it would have taken at `PACE`."""

    measured: float
    at_pace: float

    def __add__(self, other: "Timed") -> "Timed":
        return Timed(self.measured + other.measured, self.at_pace + other.at_pace)


def timed(work: Callable[[], float | None]) -> Timed:
    """Time some work; where it gives a number itself, that is the time that counts."""
    before = plain()
    began = time.perf_counter()
    given = work()
    measured = time.perf_counter() - began if given is None else given
    return Timed(measured, measured * 2 * PACE / (before + plain()))


def row_of(what: str, times: Sequence[Timed], reach: str, form: Callable[[float], str]) -> None:
    """Print the middle of several times."""
    middle = [median(getattr(one, name) for one in times) for name in ("measured", "at_pace")]
    row(what, form(middle[0]), form(middle[1]), reach)


def in_seconds(number: float) -> str:
    return f"{number:.2f} s"


def in_milliseconds(number: float) -> str:
    return f"{number * 1000:.1f} ms"


def free_base() -> int:
    while True:
        base = 20_000 + secrets.randbelow(10_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for offset in range(7):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            return base


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Lab:
    """A lab in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.base = free_base()
        self.environment = {**os.environ, "LAB_HOME": str(home), "LAB_PORT_BASE": str(self.base), "LAB_LANG": "en"}
        self.record = home / ".lab" / "lab.json"

    def run(self, *words: str) -> str:
        command = [sys.executable, "-m", "lab", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 1}:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(json.loads(self.record.read_text())["pid"])

    def city(self) -> City:
        told = json.loads(self.record.read_text())
        run = Path(told["run"])
        names = ("identity", "population", "permits", "finance")
        addresses = {
            name: Address(f"http://127.0.0.1:{self.base + offset}", f"unix:{run / name}.sock")
            for offset, name in enumerate(names, 1)
        }
        return City(addresses, (run / "token").read_text().strip())


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    home = Path(tempfile.mkdtemp(prefix="lab-bench-"))
    found = Lab(home)
    try:
        yield found
    finally:
        found.run("down")
        shutil.rmtree(home)


def start_and_memory(found: Lab) -> None:
    found.run("up")
    times = []
    for _ in range(ROUNDS):
        found.run("down")
        times.append(timed(lambda: seconds(lambda: found.run("up"))))
    row_of("lab ready from `lab up`", times, "<= 2 s", in_seconds)
    row("resident memory of all four agencies", f"{rss(found):.0f} MB", "", "<= 200 MB")


def rss(found: Lab) -> float:
    return found.process.memory_info().rss / 1e6


def sandboxes(city: City) -> None:
    created, restored = [], []
    for number in range(ROUNDS + 2):
        name, spec = f"bench{number}", {**SPEC, "seed": 10_000 + number}
        created.append(timed(partial(city.create, name, spec)))
        restored.append(timed(partial(city.restore, name)))
        city.delete(name)
    row_of("fresh small sandbox in all agencies", created, "<= 300 ms", in_milliseconds)
    row_of("reset of one", restored, "<= 50 ms", in_milliseconds)


def eighty(found: Lab, city: City) -> None:
    before = rss(found)
    took = Timed(0, 0)
    names = [f"room{number}" for number in range(80)]
    with ThreadPoolExecutor(4) as room:  # a room comes in all at once
        for group in range(0, len(names), 20):
            specs = [{**SPEC, "seed": 500 + number} for number in range(group, group + 20)]
            took += timed(lambda specs=specs, group=group: wait(room.map(city.create, names[group:], specs)))
    for name in names:
        city.instances(name)  # which opens it in every agency
        city.truth(name, "permits", "queue")
    row_of("80 sandboxes: time to create all", [took], "<= 10 s", in_seconds)
    row("80 sandboxes: memory of each", f"{(rss(found) - before) / 80:.2f} MB", "", "<= 2 MB")
    for name in names:
        city.delete(name)


def wait(results: Iterable[object]) -> None:
    for _ in results:
        pass


def one_resident(found: Lab, city: City) -> None:
    secret = secrets.token_urlsafe(24)
    client = {"client_id": "rate-app", "client_secret": secret, "scopes": ["population:read"]}
    city.create("rate", {**SPEC, "seed": 77, "durable": True, "clients": [client], "requests_per_minute": 10_000_000})
    answer = httpx.post(
        city.services["identity"].url + "/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("rate-app", secret),
    )
    token = answer.raise_for_status().json()["access_token"]
    niks = [row["nik"] for row in city.truth("rate", "population", "residents")]
    once = [nik for nik in niks if niks.count(nik) == 1]
    port = found.base + 2
    reads = [get(f"/v1/residents/{nik}", port, authorization=f"Bearer {token}") for nik in once[:200]]
    baseline = free_base()
    empty = subprocess.Popen(
        [sys.executable, ROOT / "bench" / "empty.py", str(baseline)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    rates: dict[int, list[float]] = {baseline: [], port: []}
    slowest: dict[int, list[Timed]] = {baseline: [], port: []}

    def p99(at: int, requests: list[bytes]) -> float:
        done = asyncio.run(load(at, requests))
        rates[at].append(done.rate)
        return done.p99

    try:
        while not answers(baseline):
            pass
        nothing = [get("/empty", baseline)]
        for _ in range(ROUNDS):
            slowest[baseline].append(timed(lambda: p99(baseline, nothing)))
            slowest[port].append(timed(lambda: p99(port, reads)))
    finally:
        empty.kill()
        empty.wait()
    city.delete("rate")
    ratios = [real / floor for real, floor in zip(rates[port], rates[baseline], strict=True)]
    row("GET one resident / empty FastAPI route", f"{median(rates[port]):.0f}/s", f"{median(ratios):.2f}", ">= 0.6")
    row_of("GET one resident, p99 at 16 connections", slowest[port], "<= 15 ms", in_milliseconds)
    row_of("  the same of the empty route", slowest[baseline], "", in_milliseconds)


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/empty", trust_env=False).is_success
    return False


def exercise(found: Lab) -> None:
    submission = str(ROOT / "exercises" / "03_verified_permits" / "solution")

    def above() -> float:
        began = time.perf_counter()
        told = json.loads(found.run("exercise", "3", "--submission", submission, "--json"))
        took = time.perf_counter() - began
        return float(took - told["extra_data"]["program"]["seconds"])

    times = [timed(above) for _ in range(ROUNDS)]
    row_of("warm `lab exercise 3`, above the program's own time", times, "<= 1.0 s", in_seconds)


def large_world() -> None:
    def generate(seed: int) -> float:
        began = time.perf_counter()
        world = World(seed, "large", REFERENCE)
        count = len(world.residents)
        return (time.perf_counter() - began) / count

    times = [timed(partial(generate, seed)) for seed in range(ROUNDS)]
    row_of("large world generated", times, ">= 50,000/s", lambda each: f"{1 / each:,.0f}/s")


def main() -> None:
    row("what", "measured", "at the pace", "reach")
    row("plain Python, two million rounds", f"{plain() * 1000:.0f} ms", f"{PACE * 1000:.0f} ms", "")
    large_world()
    with lab() as found:
        start_and_memory(found)
        with found.city() as city:
            sandboxes(city)
            eighty(found, city)
            one_resident(found, city)
        exercise(found)


if __name__ == "__main__":
    main()
