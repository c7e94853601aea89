"""Programs that run away: each limit is kept, told by its name, and hurts nobody else."""

from pathlib import Path

import pytest

from grader.isolation import Limit

MIB = 1 << 20


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.sleep(600)",
        "import signal, time\nfor n in range(1, 32):\n"
        "    n in (9, 19) or signal.signal(n, signal.SIG_IGN)\ntime.sleep(600)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
def test_waiting_for_ever(bench, source):
    """A program that sleeps, ignores signals or stops itself is ended when its time is over."""
    finished = bench.run("print('mulai', flush=True)\n" + source, limits={"wall_seconds": 1.0})
    assert (finished.limit, finished.stdout) == (Limit.WALL, "mulai\n")
    assert 1.0 <= finished.seconds < 60


@pytest.mark.parametrize(
    "source",
    ["while True: pass", "import os\nos.fork(); os.fork()\nwhile True: pass"],
)
def test_computing_for_ever(bench, source):
    """Computing time is limited for all processes together, whatever the clock says."""
    finished = bench.run(source, limits={"cpu_seconds": 1})
    assert finished.limit == Limit.CPU
    assert finished.seconds < 60


@pytest.mark.parametrize(
    "source",
    [
        "kept = []\nwhile True: kept.append(b'x' * 1_000_000)",
        "kept = b'x' * 10**10",
        "import mmap\nkept = mmap.mmap(-1, 2**31)\nfor n in range(0, 2**31, 4096): kept[n] = 1",
        "import os, time\nfor _ in range(6):\n"
        "    os.fork() or [kept := b'x' * 80_000_000, time.sleep(600)]\ntime.sleep(600)",
    ],
    ids=["pieces", "at once", "shared", "many"],
)
def test_eating_memory(bench, source):
    """Memory is limited for all processes together, whatever kind it is."""
    finished = bench.run(source)
    assert finished.limit == Limit.MEMORY, finished.stderr
    assert finished.seconds < 60


def test_memory_shared_by_processes_counts_once(bench):
    """Processes that look at the same memory do not use it up together."""
    finished = bench.run("""
        import os, time
        kept = b"x" * 100_000_000
        for _ in range(5):
            if os.fork() == 0:
                time.sleep(0.6)
                os._exit(0)
        for _ in range(5):
            os.wait()
    """)
    assert (finished.limit, finished.stderr, finished.exit_code) == (None, "", 0)


@pytest.mark.parametrize(
    "source",
    [
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "import os\nwhile True:\n    try:\n        if os.fork(): os.setsid()\n    except OSError: pass",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=[600]).start()",
    ],
    ids=["processes", "sessions", "threads"],
)
def test_multiplying(bench, source, alive):
    """A bomb of processes or threads is stopped, and leaves no process of its kind."""
    word = "bomb-of-" + bench.rung.name
    finished = bench.run(
        f"import os, sys\nos.execv(sys.executable, [sys.executable, '-S', '-c', {source!r}, {word!r}])"
    )
    assert finished.limit in {Limit.PROCESSES, Limit.CPU}
    assert finished.seconds < 60
    assert alive(word) == []


@pytest.mark.parametrize(
    "source",
    [
        "for n in range(100): open(f'{n}', 'wb').write(b'x' * 1_000_000)",
        "import tempfile\nfor n in range(100): open(f'{tempfile.gettempdir()}/{n}', 'wb').write(b'x' * 1_000_000)",
        "for n in range(100): open(f'/dev/shm/lab-test-{n}', 'wb').write(b'x' * 1_000_000)",
        "kept = []\nimport os\nfor n in range(100):\n"
        "    kept.append(open('x', 'wb', 0)); os.remove('x'); kept[-1].write(b'x' * 1_000_000)\n"
        "import time; time.sleep(9)",
        "import mmap, os\nkept = []\nfor n in range(400):\n"
        "    with open('x', 'w+b', 0) as file:\n"
        "        file.write(b'x' * 1_000_000); kept.append(mmap.mmap(file.fileno(), 4096)); os.remove('x')\n"
        "import time; time.sleep(9)",
        "for n in range(10**9): open(f'{n}', 'w').close()",
        "import os\nwhile True: os.mkdir('d'); os.chdir('d')",
    ],
    ids=["files", "temporary", "shared memory", "nameless", "mapped", "empty", "folders"],
)
def test_filling_the_disk(bench, source):
    """Room on disk is limited, whatever hides it; the disk of the machine is not filled."""
    finished = bench.run(source, limits={"work_bytes": 4 * MIB})
    try:
        assert finished.limit == Limit.DISK, finished.stderr
    finally:
        for left in Path("/dev/shm").glob("lab-test-*"):  # noqa: S108 - the one door that the lower rungs leave ajar
            left.unlink()


def test_hiding_what_is_used(bench):
    """A program that makes itself unreadable is stopped, or hides nothing by it."""
    finished = bench.run(
        """
        import ctypes, os, time
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
        kept = []
        for n in range(100):
            kept.append(open("x", "wb", 0)); os.remove("x"); kept[-1].write(b"x" * 1_000_000)
        time.sleep(9)
        """,
        limits={"work_bytes": 4 * MIB},
    )
    assert finished.limit == Limit.DISK, finished.stderr


def test_one_big_file(bench):
    """A single file has a limit of its own."""
    finished = bench.run("""
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        with open("big", "wb", 0) as file:
            while True:
                file.write(b"x" * 1_000_000)
    """)
    assert finished.limit == Limit.FILE
    handled = bench.run("open('big', 'wb').write(b'x' * 20_000_000)")
    assert "File too large" in handled.stderr


def test_many_open_files(bench):
    """Open files are limited, and the program hears it in the usual words."""
    finished = bench.run("kept = [open('/dev/null') for _ in range(10_000)]")
    assert "Too many open files" in finished.stderr


def test_printing_for_ever(bench):
    """Of endless output the beginning and the end are kept; the grader's memory does not grow with it."""
    finished = bench.run(
        """
        import os
        os.write(1, b"awal\\n")
        for _ in range(300):
            os.write(1, b"x" * 1_000_000)
            os.write(2, b"y" * 100_000)
        os.write(1, b"\\nakhir")
        """,
    )
    assert (finished.limit, finished.cut, finished.exit_code) == (None, True, 0)
    assert MIB <= len(finished.stdout) < MIB + 100
    assert finished.stdout.startswith("awal\n")
    assert finished.stdout.endswith("\nakhir")
    assert "\n[... 298951435 bytes ...]\n" in finished.stdout
    assert len(finished.stderr) < MIB + 100


def test_odd_bytes(bench):
    """Bytes that are no text arrive as replacement characters, all others as they are."""
    finished = bench.run("import os; os.write(1, b'\\xff\\x00\\x1b[31m\\xc3\\xa9\\r\\n')")
    assert finished.stdout == "\ufffd\x00\x1b[31mé\r\n"
    assert not finished.cut


def test_a_machine_that_runs_out_of_memory_is_nobodys_fail(bench, small_machine, grader_on):
    """The kernel ends programs first then; this one was far from its own limit."""
    if bench.rung.name == "container":
        pytest.skip("its memory is that of the container")
    program = bench.program("b = [bytes([1]) * (1 << 20) for _ in range(400)]; print('done')")
    assert grader_on(small_machine, bench.rung.name, program) == "This computer ran out of memory"


@pytest.mark.parametrize(("code", "told"), [(255, 255), (7, 7), (129, None)])
def test_an_exit_code_is_told_as_it_was(bench, code, told):
    """PHP ends every error with 255. A sandbox tells signals as shells do, so a code may be taken for one."""
    if bench.rung.name != "bubblewrap" and told is None:
        told = code
    assert bench.run(f"import os; os._exit({code})").exit_code == told
