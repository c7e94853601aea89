"""Writing new sandboxes' files with two hands, whatever becomes of the second one."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest
import uvloop
from sqlalchemy.schema import CreateTable

from services.kit.seeding import seeded
from services.kit.specs import SandboxSpec
from services.kit.sqlite_image import POSITIONAL, Image, Writers
from services.kit.store import Seed
from services.permits import seed, tables

ROOT = Path(__file__).resolve().parents[3]
SECOND = "services.kit.sqlite_image"

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a second process is of no use on one processor")


def image(folder: Path, number: int) -> Image:
    spec = SandboxSpec(seed=number, reference_date="2026-11-02")
    definitions = [str(CreateTable(table).compile(dialect=POSITIONAL)) for table in tables.TABLES.sorted_tables]
    return Image(folder / f"{number}.db", definitions, [], partial(seeded, seed.rows, spec))


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


def second(of: int | None = None) -> psutil.Process | None:
    return next((one for one in psutil.Process(of).children() if SECOND in one.cmdline()), None)


@pytest.fixture
def worker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process's doing, which sends no event
            await asyncio.sleep(0.01)


def play(worker: ThreadPoolExecutor, folder: Path, disturb: Callable[[psutil.Process], None] | None = None) -> None:
    """Write twelve images with both hands, and disturb the second one as soon as it is there."""

    async def scene() -> None:
        writers = Writers(worker, helped=True)
        work = [asyncio.create_task(writers.write(f"s{number}", image(folder, number))) for number in range(12)]
        await until(lambda: second() is not None)
        helper = second()
        assert helper is not None
        if disturb is not None:
            disturb(helper)
        await asyncio.gather(*work)
        await writers.close()
        assert second() is None

    asyncio.run(scene())


def test_both_hands_write_the_same(worker, tmp_path):
    """What the second process writes is what the first one would have written."""
    (tmp_path / "two").mkdir()
    (tmp_path / "one").mkdir()
    play(worker, tmp_path / "two")

    async def alone() -> None:
        for number in range(12):
            await Writers(worker).write("s", image(tmp_path / "one", number))

    asyncio.run(alone())
    for number in range(12):
        assert content(tmp_path / "two" / f"{number}.db") == content(tmp_path / "one" / f"{number}.db")


def test_a_hand_stays_with_a_sandbox_while_there_is_something_to_write_for_it(worker, tmp_path):
    """What agencies share of a city is then generated once, though a room's orders come all mixed up."""
    written: list[str] = []

    def seed(name: str) -> Seed:
        written.append(name)
        return ()

    async def scene() -> None:
        writers = Writers(worker)
        orders = [
            (name, Image(tmp_path / str(place), [], [], partial(seed, name))) for place, name in enumerate("abcacba")
        ]
        await asyncio.gather(*(writers.write(name, order) for name, order in orders))

    asyncio.run(scene())
    assert written == ["a", "a", "a", "b", "b", "c", "c"]


def test_one_sandbox_alone_begins_no_second_process(worker, tmp_path):
    """Its start would take the processor from whoever made the sandbox, and is worth it for a room only."""

    async def scene() -> None:
        writers = Writers(worker, helped=True)
        await asyncio.gather(*(writers.write("s1", image(tmp_path, number)) for number in range(4)))
        await writers.write("s2", image(tmp_path, 4))
        assert second() is None
        await writers.close()

    asyncio.run(scene())


def test_a_killed_second_process_costs_nobody_a_sandbox(worker, tmp_path):
    """Whatever it was at, the first hand does it again."""
    play(worker, tmp_path, disturb=psutil.Process.kill)
    assert all(len(content(tmp_path / f"{number}.db")) > 1000 for number in range(12))


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_second_process_that_is_killed_while_it_waits_costs_nobody_a_sandbox(worker, tmp_path, loop):
    """A system short of memory does that; what a loop says to a pipe without another end differs."""

    async def scene() -> None:
        writers = Writers(worker, helped=True)
        async with asyncio.timeout(60):
            await asyncio.gather(*(writers.write(f"s{number}", image(tmp_path, number)) for number in range(30)))
            helper = second()
            assert helper is not None
            helper.kill()
            await until(lambda: not psutil.pid_exists(helper.pid))
            await asyncio.gather(*(writers.write(f"s{number}", image(tmp_path, number)) for number in range(30, 36)))
        await writers.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scene())
    assert len(list(tmp_path.glob("*.db"))) == 36


def broken() -> object:
    message = "no such city"
    raise LookupError(message)


def test_a_mistake_in_the_rows_reaches_whoever_asked(worker, tmp_path):
    """And only them: the next image is written."""

    async def scene() -> None:
        writers = Writers(worker, helped=True)
        wrong = Image(tmp_path / "wrong.db", [], [], broken)  # type: ignore[arg-type] # it gives none
        results = await asyncio.gather(
            writers.write("s0", wrong),
            writers.write("s1", image(tmp_path, 1)),
            writers.write("s2", Image(tmp_path / "wrong2.db", [], [], broken)),  # type: ignore[arg-type]
            writers.write("s3", image(tmp_path, 3)),
            return_exceptions=True,
        )
        await writers.close()
        assert [type(result) for result in results] == [LookupError, type(None), LookupError, type(None)]

    asyncio.run(scene())


def test_what_the_second_process_cannot_write_is_written_by_the_first_one(worker, tmp_path):
    """Such as rows that cannot be told to another process: it tries each once, and nobody waits for ever."""

    async def scene() -> None:
        writers = Writers(worker, helped=True)
        async with asyncio.timeout(60):
            # So many that the second process is there when the others come.
            await asyncio.gather(*(writers.write(f"s{number}", image(tmp_path, number)) for number in range(30)))
            assert second() is not None
            for turn in range(30, 40):
                orders = [
                    image(tmp_path, turn),
                    *(Image(tmp_path / f"{turn}-{n}.db", [], [], lambda: ()) for n in range(3)),
                ]
                await asyncio.gather(*(writers.write(f"s{turn}", order) for order in orders))
        await writers.close()

    asyncio.run(scene())
    assert len(list(tmp_path.glob("*-*.db"))) == 30


PARENT = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from services.kit.sqlite_image import Image, Writers

async def main():
    writers = Writers(ThreadPoolExecutor(1), helped=True)
    folder = Path(sys.argv[1])
    await asyncio.gather(*(writers.write(name, Image(folder / name, [], [], tuple)) for name in ("s1", "s2")))
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def test_the_second_process_does_not_outlive_a_killed_first_one(tmp_path):
    """Its orders come through a pipe, and the pipe ends with the one who holds it."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=ROOT)
    try:

        async def scene() -> psutil.Process:
            await until(lambda: second(parent.pid) is not None)
            helper = second(parent.pid)
            assert helper is not None
            return helper

        helper = asyncio.run(scene())
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _gone, alive = psutil.wait_procs([helper], timeout=30)
    assert not alive
