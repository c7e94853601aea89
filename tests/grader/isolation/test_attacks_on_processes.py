"""Attacks on processes: reading the grader's memory, killing it, hiding from it, outliving it."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from grader.isolation import Door

SPY = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
victim, address = int(os.environ["VICTIM"]), int(os.environ["ADDRESS"])
for pid in (victim, os.getppid()):
    for name in ("environ", "mem", "maps", "auxv", "stack", "syscall"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if name == "mem":
                    file.seek(address)
                print(name, pid == victim, file.read(12))
        except OSError:
            pass
    try:
        print("descriptor", pid == victim, os.readlink(f"/proc/{pid}/fd/0"))
    except OSError:
        pass
    if libc.ptrace(16, pid, None, None) == 0:
        print("ptrace", pid == victim)
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
mine = ctypes.create_string_buffer(12)
here, there = Piece(ctypes.addressof(mine), 12), Piece(address, 12)
if libc.process_vm_readv(victim, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
    print("process_vm_readv", mine.raw)
try:
    if libc.syscall(438, os.pidfd_open(victim), 0, 0) >= 0:
        print("pidfd_getfd")
except OSError:
    pass
"""


def test_reading_memory_of_the_grader(bench, shut, victim):
    """Neither environment nor memory nor files of a protected process can be read, nor can it be traced."""
    shut(Door.MEMORY)
    finished = bench.run(SPY, VICTIM=str(victim.pid), ADDRESS=str(victim.address))
    # bubblewrap's own first process is the parent there; it holds nothing and may be looked at
    told = [line for line in finished.stdout.splitlines() if "True" in line or bench.rung.name != "bubblewrap"]
    assert (told, finished.stderr, finished.exit_code) == ([], "", 0)
    assert "rahasia" not in finished.stdout


def test_other_processes_are_not_to_be_seen(bench, shut, victim):
    """Behind closed files and processes nobody's command line can be read."""
    shut(Door.FILES)
    finished = bench.run(
        "import os; print(open(f'/proc/{os.environ[\"VICTIM\"]}/cmdline').read())", VICTIM=str(victim.pid)
    )
    assert (finished.stdout, finished.exit_code) == ("", 1)


def test_killing_and_slowing_others(bench, shut, victim):
    """Neither the grader nor the keeper can be signalled, limited or slowed, and the run ends as it should."""
    shut(Door.SIGNALS)
    nice = psutil.Process(victim.pid).nice()
    finished = bench.run(
        """
        import os, resource, signal
        victim = int(os.environ["VICTIM"])
        if os.environ["RUNG"] != "bubblewrap":
            targets = (victim, -victim, os.getppid(), -os.getppid())
        else:
            targets = (victim, -victim)
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
            for pid in targets:
                try:
                    os.kill(pid, number)
                    print("killed", number)
                except OSError:
                    pass
            try:
                signal.pidfd_send_signal(os.pidfd_open(victim), number)
                print("killed by descriptor", number)
            except OSError:
                pass
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE):
            try:
                resource.prlimit(victim, limit, (1, 1))
                print("limited")
            except OSError:
                pass
        try:
            os.setpriority(os.PRIO_PROCESS, victim, 19)
            print("slowed")
        except OSError:
            pass
        """,
        VICTIM=str(victim.pid),
        RUNG=bench.rung.name,
    )
    assert (finished.stdout, finished.stderr, finished.exit_code) == ("", "", 0)
    assert victim.process.poll() is None
    assert psutil.Process(victim.pid).nice() == nice
    assert psutil.Process(victim.pid).status() != psutil.STATUS_STOPPED


def test_killing_everybody(bench, shut, victim):
    """A signal to all processes reaches only the program's own."""
    shut(Door.SIGNALS)
    finished = bench.run("import os; os.kill(-1, 9); print('still here')")
    assert finished.limit is None
    assert victim.process.poll() is None


DAEMON = """
import os, subprocess, sys, time
word = sys.argv[1] if sys.argv[1:] else os.environ["WORD"]
def double_fork():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            return True
        os._exit(0)
    return False
if double_fork():
    source = "import signal, time\\nfor n in range(1, 32):\\n  n in (9, 19) or signal.signal(n, signal.SIG_IGN)\\n"
    os.execve(sys.executable, [sys.executable, "-S", "-c", source + "time.sleep(600)", word], {})
os.wait()
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)", word], start_new_session=True,
                 stdin=-3, stdout=-3, stderr=-3, env={})
"""


def test_daemons_do_not_outlive_the_run(bench, shut, alive):
    """Who forks twice, leaves the session, ignores every signal and clears its environment is stopped all the same."""
    shut(Door.DAEMONS)
    word = "daemon-of-" + bench.rung.name
    finished = bench.run(DAEMON, WORD=word)
    assert (finished.stderr, finished.exit_code) == ("", 0)
    assert alive(word) == []


def test_daemons_that_run_away(bench, shut, alive):
    """A process that forks and ends, again and again, so that its number is never the same, is outrun."""
    shut(Door.DAEMONS)
    word = "hopper-of-" + bench.rung.name
    # Where the limit of processes is met for a moment, it tries again.
    source = (
        "import os\\nwhile True:\\n  try:\\n    if os.fork(): os._exit(0)\\n    os.setsid()\\n"
        "  except BlockingIOError: pass"
    )
    finished = bench.run(
        f"""
        import subprocess, sys
        for _ in range(3):
            subprocess.Popen([sys.executable, "-S", "-c", "{source}", "{word}"])
        """,
    )
    assert (finished.stderr, finished.exit_code, finished.limit) == ("", 0, None)
    assert alive(word) == []


def test_holding_the_output_open(bench, shut):
    """A daemon that keeps the output open does not keep the grader waiting."""
    shut(Door.DAEMONS)
    finished = bench.run(
        "import os, time\nprint('selesai', flush=True)\nif os.fork() == 0:\n    os.setsid(); time.sleep(600)"
    )
    assert (finished.stdout, finished.exit_code) == ("selesai\n", 0)
    assert finished.seconds < 60


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_end_of_the_grader_is_the_end_of_the_program(bench, grader_running, alive, eventually, number):
    """When the grader is killed, or interrupted, whatever it had running is stopped."""
    word = f"orphan-{number}-of-{bench.rung.name}-{os.getpid()}"
    program = bench.program(
        "import os, sys, time\nif not sys.argv[1:]:\n"
        "    os.execv(sys.executable, [sys.executable, 'main.py', os.environ['WORD']])\ntime.sleep(600)",
        WORD=word,
    )
    with grader_running(bench.rung.name, program) as process:
        eventually(lambda: bool(alive(word)))
        os.kill(process.pid, number)
        process.wait(30)
        eventually(lambda: not alive(word))


def test_nothing_is_left_in_memory_or_on_disk(bench, shut, monkeypatch, tmp_path):
    """After a run its folder is gone whatever was done to it, and so are its files in shared memory."""
    place = tmp_path / "places"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    shared = set(Path("/dev/shm").glob("lab-test-*"))  # noqa: S108 - looked at, not used
    finished = bench.run(
        """
        import os
        for name in ("work", "tmp"):
            os.makedirs(os.environ["TMPDIR"] + f"/{name}/a/b")
            os.chmod(os.environ["TMPDIR"] + f"/{name}/a", 0)
        os.chmod(".", 0)
        """
    )
    assert (finished.stderr, finished.exit_code) == ("", 0)
    assert list(place.iterdir()) == []
    if os.geteuid() == 0 or bench.rung.name == "bubblewrap":
        bench.run("open('/dev/shm/lab-test-left', 'w').write('x')")
        assert set(Path("/dev/shm").glob("lab-test-*")) == shared  # noqa: S108 - looked at, not used
