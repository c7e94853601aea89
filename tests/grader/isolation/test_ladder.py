"""Choosing a rung: the best that really works, never one that only says so."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from grader.isolation import Door, Finished, IsolationFailed, Limits, Program, best, rungs, workplace
from grader.isolation.bubblewrap import Bubblewrap
from grader.isolation.keeper.census import Family
from grader.isolation.portable import run as run_anywhere
from grader.isolation.process import Process
from grader.isolation.visibility import own_interpreter
from grader.verdicts import LabFault


def test_best_is_the_first_that_works():
    """Without a wish the best working rung is taken; a wish is granted or refused, never replaced."""
    working = [rung for rung in rungs() if rung.obstacle() is None]
    assert [rung.name for rung in rungs()] == ["bubblewrap", "landlock", "process"]
    assert best() is working[0]
    for rung in working:
        assert best(rung.name) is rung
    with pytest.raises(IsolationFailed, match="no isolation named docker"):
        best("docker")


def test_each_rung_shuts_what_the_next_one_shuts():
    """Going down the ladder opens doors and shuts none."""
    top, middle, bottom = (rung.closes for rung in rungs())
    assert top >= middle >= bottom >= {Door.RUNAWAY}


def test_missing_program_is_an_obstacle(monkeypatch):
    """Without bwrap the rung says what to install, and asking for it is the lab's error."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    obstacle = Bubblewrap().obstacle()
    assert obstacle is not None
    assert "bwrap" in obstacle.render("en")


def test_broken_sandbox_is_an_obstacle(monkeypatch, tmp_path):
    """A bwrap that is there but may not make namespaces is found out by trying it, and its words are kept."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(fake))
    rung = Bubblewrap()
    obstacle = rung.obstacle()
    assert obstacle is not None
    assert "setting up uid map: Permission denied" in obstacle.render("en")


class Sieve(Process):
    """A rung that promises more than it does."""

    @property
    def closes(self) -> frozenset[Door]:
        return frozenset(Door)


def test_rung_that_leaks_is_an_obstacle():
    """A rung whose trial program gets through a door that should be shut does not count as working."""
    obstacle = Sieve().obstacle()
    assert obstacle is not None
    assert obstacle.render("en") == "it does not close what it should: files, ports"


def test_interpreter_that_is_not_there_is_the_labs_fault(rung, tmp_path):
    """A missing interpreter is no failure of the participant's."""
    (tmp_path / "main.py").write_text("")
    with pytest.raises(LabFault) as caught:
        rung.run(Program(argv=["/nowhere/python", "main.py"], work_dir=tmp_path), Limits())
    assert isinstance(caught.value, IsolationFailed)


def test_keeper_that_dies_is_the_labs_fault(bench, alive, eventually):
    """When the keeper is killed from outside, the run is an error and the program is stopped."""
    word = f"kept-{os.getpid()}"
    program = bench.program(
        f"import os, sys, time\nif not sys.argv[1:]:\n"
        f"    os.execv(sys.executable, [sys.executable, 'main.py', '{word}'])\ntime.sleep(600)"
    )

    def kill_keeper() -> None:
        eventually(lambda: bool(alive(word)))
        over_it = psutil.Process(alive(word)[0]).parents()
        # In a container it is right above the program, elsewhere a child of ours, among other tests' agencies.
        contained = bench.rung.name == "container"
        (over_it[0] if contained else next(one for one in over_it if one.ppid() == os.getpid())).kill()

    killer = threading.Thread(target=kill_keeper)
    killer.start()
    with pytest.raises(IsolationFailed):
        bench.rung.run(program, Limits())
    killer.join()
    eventually(lambda: not alive(word))


def test_family_is_found_without_the_kernels_lists():
    """On kernels that do not list children the same processes are found by looking at everybody."""
    source = "import subprocess, sys; subprocess.run(['/bin/sh', '-c', 'echo ready; read line'])"
    with subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        family, slow = Family(child.pid), Family(child.pid)
        slow._listed = False
        assert {child.pid} < set(family.members()) == set(slow.members())
        child.kill()


def test_workplace_without_rights(tmp_path):
    """A folder that is closed to its owner, deep without end and full of links is removed all the same."""
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / "kept").write_text("x")
    with workplace() as place:
        (place / "link").symlink_to(aside)
        (place / "broken").symlink_to("/nowhere")
        (place / "closed").mkdir()
        (place / "closed" / "link").symlink_to(aside)
        (place / "closed" / "file").write_text("x")
        (place / "closed").chmod(0)
        os.mkfifo(place / "pipe")
        deep = os.open(place, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("d", dir_fd=deep)
            inner = os.open("d", os.O_RDONLY, dir_fd=deep)
            os.close(deep)
            deep = inner
        os.close(deep)
    assert not place.exists()
    assert (aside / "kept").read_text() == "x"


def run_portable(tmp_path: Path, source: str, **limits: float) -> Finished:
    (tmp_path / "main.py").write_text(source)
    program = Program(argv=[str(own_interpreter()), "main.py"], work_dir=tmp_path)
    return run_anywhere(program, Limits(**{"wall_seconds": 20, **limits}))


@pytest.mark.parametrize(
    ("source", "limits", "limit"),
    [
        ("import time; time.sleep(600)", {"wall_seconds": 0.5}, "wall"),
        ("while True: pass", {"cpu_seconds": 1}, "cpu"),
        ("kept = []\nwhile True: kept.append(b'x' * 1_000_000)", {"memory_bytes": 100 << 20}, "memory"),
        ("import threading, time\nfor _ in range(99): threading.Thread(target=time.sleep, args=[9]).start()",
         {"processes": 20}, "processes"),
        ("import time\nopen('x', 'wb').write(b'x' * 9_000_000); time.sleep(9)", {"work_bytes": 1 << 20}, "disk"),
    ],
)  # fmt: skip
def test_limits_without_a_keeper(tmp_path, source, limits, limit):
    """Where there is no keeper, the limits are kept by looking on."""
    assert run_portable(tmp_path, source, **limits).limit == limit


def test_endings_without_a_keeper(tmp_path):
    """Output, exit code and signal are told as with a keeper."""
    finished = run_portable(tmp_path, "import sys; print('é'); print('x', file=sys.stderr); sys.exit(4)")
    assert (finished.stdout, finished.stderr, finished.exit_code, finished.signal) == ("é\n", "x\n", 4, None)
    finished = run_portable(tmp_path, "import os; os.kill(os.getpid(), 15)")
    assert (finished.exit_code, finished.signal, finished.limit) == (None, 15, None)
    flood = run_portable(tmp_path, "print('x' * 5_000_000)")
    assert flood.cut
    assert len(flood.stdout) < (1 << 20) + 100


def test_daemons_without_a_keeper(tmp_path, alive):
    """A process that leaves its family is found by the mark in its environment."""
    word = f"portable-{os.getpid()}"
    source = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(600)", "{word}"])
    os._exit(0)
os.wait()
"""
    assert run_portable(tmp_path, source).exit_code == 0
    assert alive(word) == []


def test_unstartable_without_a_keeper(tmp_path):
    """A main file without the right to execute is the participant's affair, a missing interpreter the lab's."""
    (tmp_path / "main").write_text("#!/bin/sh\n")
    assert run_anywhere(Program(argv=["main"], work_dir=tmp_path), Limits()).exit_code == 126
    with pytest.raises(IsolationFailed):
        run_anywhere(Program(argv=["/nowhere/python"], work_dir=tmp_path), Limits())


AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env"]
"""With `env` because setpriv itself, with root's rights still, passes through closed folders."""


WHERE_THE_USER_MATTERS = (
    "attacks_on_files or killing or memory_of_the_grader or daemons or multiplying or of_its_own or node"
)


def reachable_interpreter(packages: str) -> str | None:
    """Return an interpreter of this version that everybody may run, and that can use these packages."""
    for name in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}", "/usr/bin/python3"):
        words = [*AS_NOBODY, name, "-c", "import pydantic_core"]
        try:
            subprocess.run(words, check=True, capture_output=True, env={"PYTHONPATH": packages}, cwd="/")
        except (OSError, subprocess.CalledProcessError):
            continue
        return name
    return None


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="the tests are not run by root")
def test_same_doors_are_shut_without_root(request):
    """The attacks that a user could do more with fail, and right programs run, where the grader is not root."""
    packages = os.pathsep.join(path for path in sys.path if path)
    interpreter = reachable_interpreter(packages)
    if interpreter is None:
        pytest.skip("no interpreter of this version that another user may run")
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o777)
        words = [
            *AS_NOBODY, interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={base}/temporary",
            "-k", WHERE_THE_USER_MATTERS, str(Path(__file__).parent),
        ]  # fmt: skip
        environment = {"PYTHONPATH": packages, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": base}
        where = request.config.rootpath
        run = subprocess.run(words, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


def test_a_rung_that_was_proven_is_not_tried_again_until_something_changes(tmp_path, monkeypatch):
    """The trial is spared while the memory of it holds; a forged or outdated memory only means another trial."""
    trials: list[str] = []

    class Counted(Process):
        def obstacle(self):
            trials.append(self.name)

    counted = Counted()
    monkeypatch.setattr("grader.isolation.ladder.rungs", lambda: (counted,))
    proven = tmp_path / "state" / "isolation"
    assert best(proven=proven) is counted
    assert best(proven=proven) is counted
    assert trials == ["process"]
    proven.write_text("bubblewrap works, believe me\n", encoding="utf-8")
    assert best(proven=proven) is counted
    assert trials == ["process"] * 2
    monkeypatch.setenv("PATH", str(tmp_path))
    assert best(proven=proven) is counted
    assert best("process", proven=proven) is counted
    assert trials == ["process"] * 4


def test_only_the_best_rung_is_remembered(tmp_path, monkeypatch):
    """Where the best one does not work, it is tried every time: it may have been installed meanwhile."""

    class Lacking(Process):
        def obstacle(self):
            return "it is not here"

    working = Process()
    monkeypatch.setattr("grader.isolation.ladder.rungs", lambda: (Lacking(), working))
    assert best(proven=tmp_path / "isolation") is working
    assert list(tmp_path.iterdir()) == []
