"""`make bench`: the lab's figures in one table, each beside what it has to reach. Run it on a quiet machine.

Everything is measured on the real thing: `lab` itself in a home of its own, the agencies it starts, a real submission.
Rates are printed as ratios against an empty FastAPI route on the same server in the same run.
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
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


def row(what: str, measured: str, reach: str) -> None:
    print(f"{what:<52} {measured:>22}   {reach}", flush=True)


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
        times.append(seconds(lambda: found.run("up")))
    row("lab ready from `lab up`", f"{median(times):.2f} s", "<= 2 s")
    row("resident memory of all four agencies", f"{rss(found):.0f} MB", "<= 200 MB")


def rss(found: Lab) -> float:
    return found.process.memory_info().rss / 1e6


def sandboxes(city: City) -> None:
    created, restored = [], []
    for number in range(ROUNDS + 2):
        name = f"bench{number}"
        created.append(seconds(lambda name=name, number=number: city.create(name, {**SPEC, "seed": 10_000 + number})))
        restored.append(seconds(lambda name=name: city.restore(name)))
        city.delete(name)
    row("fresh small sandbox in all agencies", f"{median(created) * 1000:.0f} ms", "<= 300 ms")
    row("reset of one", f"{median(restored) * 1000:.0f} ms", "<= 50 ms")


def eighty(found: Lab, city: City) -> None:
    before = rss(found)
    names = [f"room{number}" for number in range(80)]
    with ThreadPoolExecutor(4) as room:  # a room comes in all at once
        specs = [{**SPEC, "seed": 500 + number} for number in range(len(names))]
        took = seconds(lambda: list(room.map(city.create, names, specs)))
    for name in names:
        city.instances(name)  # which opens it in every agency
        city.truth(name, "permits", "queue")
    row("80 sandboxes: time to create all", f"{took:.1f} s", "<= 10 s")
    row("80 sandboxes: memory of each", f"{(rss(found) - before) / 80:.2f} MB", "<= 2 MB")
    for name in names:
        city.delete(name)


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
    try:
        while not answers(baseline):
            pass
        nothing = [get("/empty", baseline)]
        ratios, slowest, least = [], [], []
        for _ in range(ROUNDS):
            floor = asyncio.run(load(baseline, nothing))
            real = asyncio.run(load(port, reads))
            ratios.append(real.rate / floor.rate)
            slowest.append(real.p99)
            least.append(floor.p99)
    finally:
        empty.kill()
        empty.wait()
    city.delete("rate")
    row("GET one resident / empty FastAPI route", f"{median(ratios):.2f} ({real.rate:.0f}/s)", ">= 0.6")
    row("GET one resident, p99 at 16 connections", f"{median(slowest) * 1000:.1f} ms", "<= 15 ms")
    row("  the same of the empty route", f"{median(least) * 1000:.1f} ms", "")


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/empty", trust_env=False).is_success
    return False


def exercise(found: Lab) -> None:
    submission = str(ROOT / "exercises" / "03_verified_permits" / "solution")
    above = []
    for _ in range(3):
        began = time.perf_counter()
        told = json.loads(found.run("exercise", "3", "--submission", submission, "--json"))
        took = time.perf_counter() - began
        above.append(took - told["extra_data"]["program"]["seconds"])
    row("warm `lab exercise 3`, above the program's own time", f"{median(above):.2f} s", "<= 1.0 s")


def machine() -> None:
    """How quick this machine is now, to compare tables by: plain Python, and starting it."""
    calculated = min(seconds(lambda: sum(n * n % 7 for n in range(2_000_000))) for _ in range(ROUNDS))
    row("this machine: plain Python, 2 million rounds", f"{calculated * 1000:.0f} ms", "")
    start = [sys.executable, "-I", "-S", "-c", "pass"]
    started = min(seconds(lambda: subprocess.run(start, check=True)) for _ in range(ROUNDS))
    row("this machine: start of an interpreter", f"{started * 1000:.0f} ms", "")


def large_world() -> None:
    count, times = 0, []
    for seed in range(3):
        began = time.perf_counter()
        world = World(seed, "large", REFERENCE)
        count = len(world.residents)
        times.append(time.perf_counter() - began)
    row("large world generated", f"{count / median(times):,.0f} residents/s", ">= 50,000/s")


def main() -> None:
    print(f"{'what':<52} {'measured':>22}   reach")
    machine()
    large_world()
    with lab() as found:
        start_and_memory(found)
        with found.city() as city:
            sandboxes(city)
            eighty(found, city)
            one_resident(found, city)
        exercise(found)
    machine()


if __name__ == "__main__":
    main()
