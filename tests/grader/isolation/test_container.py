"""The rung `container` by attack: what it shuts beyond what every rung does, and how it says that it cannot work."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from grader.isolation import IsolationFailed, Limit, Limits, Program, ProgramUnknown, command
from grader.isolation import engine as engine_module
from grader.isolation.container import Container
from grader.isolation.engine import LABEL, Engine, Place

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def rung(contained: Container) -> Container:
    return contained


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def neighbour(image: str) -> Iterator[str]:
    """The address of a container on Docker's usual network, which serves files on port 8000."""
    name = docker("run", "--rm", "--detach", image, "python", "-m", "http.server", "8000", "--directory", "/run")
    try:
        yield docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
    finally:
        docker("kill", name)


def addresses_of_this_machine() -> set[str]:
    shown = json.loads(subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True).stdout)
    return {info["local"] for link in shown for info in link["addr_info"] if info["family"] == "inet"}


@pytest.mark.skipif(
    shutil.which("ip") is None, reason="the program ip, which tells this machine's addresses, is missing"
)
def test_nothing_of_the_network_can_be_reached(bench, learner_image):
    """Neither this machine by any of its addresses, nor another container, a name server or the internet."""
    with (
        neighbour(learner_image) as beside,
        closing(socket.create_server(("0.0.0.0", 0))) as server,  # noqa: S104 - open to everybody, for the attack's sake
    ):
        port = server.getsockname()[1]
        there = [f"{address}:{port}" for address in sorted(addresses_of_this_machine())]
        docker_engine, elsewhere = ["172.17.0.1:2375"], ["1.1.1.1:53", "8.8.8.8:443"]
        finished = bench.run(
            """
            import errno, os, socket
            for target in os.environ["TARGETS"].split():
                host, port = target.split(":")
                try:
                    socket.create_connection((host, int(port)), 3).close()
                    print("reached", target)
                except OSError as error:
                    if error.errno not in (errno.ENETUNREACH, errno.ECONNREFUSED):
                        print(target, error)
            for name in ("host.docker.internal", "gateway", "postgres", "identity", "example.com"):
                try:
                    print(name, socket.getaddrinfo(name, 80))
                except OSError:
                    pass
            """,
            TARGETS=" ".join([*there, f"{beside}:8000", *docker_engine, *elsewhere]),
        )
    assert (finished.stdout, finished.stderr, finished.exit_code) == ("", "", 0)


def test_learners_do_not_meet(bench, tmp_path):
    """A program that listens on every address is not reached by one that runs at the same time."""
    other = type(bench)(bench.rung, bench.learner, tmp_path / "other")
    served: list[str] = []
    listening = threading.Thread(
        target=lambda: served.append(
            other.run(
                """
                import socket
                server = socket.create_server(("0.0.0.0", 5555))
                server.settimeout(4)
                try:
                    server.accept()
                    print("visited")
                except TimeoutError:
                    print("nobody came")
                """
            ).stdout
        )
    )
    listening.start()
    finished = bench.run(
        """
        import itertools, socket, time
        hosts = ["127.0.0.1", *(f"172.{net}.0.{last}" for net in (17, 18, 19) for last in range(1, 6))]
        until = time.monotonic() + 2
        while time.monotonic() < until:
            for host in hosts:
                try:
                    socket.create_connection((host, 5555), 0.1).close()
                    print("reached", host)
                except OSError:
                    pass
            time.sleep(0.1)
        """
    )
    listening.join()
    assert (finished.stdout, served) == ("", ["nobody came\n"])


def test_the_gates_lead_only_through_the_relay(bench, listen):
    """The socket files cannot be opened directly, changed, or taken the place of."""
    agency = listen()
    finished = bench.run(
        """
        import os, socket
        gates = "/run/gates"
        print(len(os.listdir(gates)) > 0)
        for name in os.listdir(gates):
            for attempt in (
                lambda: socket.socket(socket.AF_UNIX).connect(f"{gates}/{name}"),
                lambda: os.unlink(f"{gates}/{name}"),
                lambda: os.rename(f"{gates}/{name}", "/tmp/gate"),
                lambda: open(f"{gates}/new", "w"),
                lambda: os.chmod(gates, 0o777),
            ):
                try:
                    attempt()
                    print("did", name)
                except OSError:
                    pass
        """,
        ports=[agency.port],
    )
    assert (finished.stdout, finished.stderr, agency.visits) == ("True\n", "", 0)


def test_nothing_of_the_lab_is_in_the_image(bench):
    """There are the interpreter, its packages and the keeper: no grader, check, solution, service or secret."""
    finished = bench.run(
        """
        import os
        words = ("exercises", "checks", "solution", "right", "grading.py", "plugin.py", "city.py", "services")
        for folder, names, files in os.walk("/"):
            if folder.startswith(("/proc", "/sys", "/usr/share", "/usr/lib/python3", "/lib")):
                names.clear()
            for name in (*names, *files):
                path = f"{folder}/{name}".replace("//", "/")
                if name in words and not path.startswith("/etc/services"):
                    print(path)
        print(sorted(os.listdir("/opt")), os.listdir("/opt/keeper"), os.listdir("/opt/keeper/grader/isolation"))
        print(os.path.exists("/run/secrets"), os.path.exists("/var/run/docker.sock"))
        """
    )
    assert finished.stdout == "['keeper', 'learner'] ['grader'] ['keeper']\nFalse False\n"


def test_nothing_can_be_written_but_what_is_limited(bench):
    """All that can be written lies in memory: the folder, the temporary one and shared memory."""
    finished = bench.run(
        """
        import os
        for folder, names, files in os.walk("/"):
            if folder.startswith(("/proc/", "/sys/")):
                names.clear()
                continue
            if os.access(folder, os.W_OK):
                try:
                    open(f"{folder}/mine", "w").close()
                    names.clear()
                    print(folder)
                except OSError:
                    pass
        limit = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
        for switch in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", limit):
            try:
                open(switch, "w").write("1")
                print("wrote", switch)
            except OSError:
                pass
        """
    )
    assert sorted(finished.stdout.split()) == ["/dev/shm", "/submission", "/tmp"]  # noqa: S108 - the container's own


def test_rights_are_given_up_for_good(bench):
    """The program is nobody, without capabilities, behind a filter, and cannot gain any right."""
    finished = bench.run(
        """
        import ctypes, os, subprocess
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        print(os.getuid() > 1000, os.getgroups() == [os.getgid()] or os.getgroups(), os.getpid() > 1)
        print(*(status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")))
        for way in (lambda: os.setuid(0), lambda: os.chroot("/"), lambda: os.mknod("/tmp/d", 0o60600, 1)):
            try:
                way()
                print("could")
            except OSError:
                pass
        print(ctypes.CDLL(None).unshare(0x10000000), ctypes.CDLL(None).mount(None, b"/tmp", b"tmpfs", 0, None))
        """
    )
    none = "0000000000000000"
    assert finished.stdout.splitlines()[1:] == [f"{none} {none} {none} {none} {none} 1 2", "-1 -1"], finished.stderr
    assert finished.stdout.startswith("True")


def test_the_keeper_beside_the_program_cannot_be_hurt(bench):
    """The keeper, the container's first process and of the same user, is neither ended, stopped, limited nor read."""
    finished = bench.run(
        """
        import ctypes, os, resource, signal
        def attempt(name, action, *arguments):
            try:
                action(*arguments)
                print(name)
            except OSError:
                pass
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGXCPU):
            attempt(f"kill {number}", os.kill, 1, number)
            try:
                signal.pidfd_send_signal(os.pidfd_open(1), number)
            except OSError:
                pass
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS):
            attempt("limit", resource.prlimit, 1, limit, (1, 1))
        attempt("slow", os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt("slow all", os.setpriority, os.PRIO_USER, 0, 19)
        attempt("affinity", os.sched_setaffinity, 1, {0})
        for name in ("environ", "mem", "maps", "fd/0", "root/etc/passwd"):
            attempt(name, open, f"/proc/1/{name}", "rb")
        print(ctypes.CDLL(None).ptrace(16, 1, None, None))
        """
    )
    assert (finished.stdout, finished.stderr, finished.exit_code) == ("-1\n", "", 0)


def test_an_agency_that_is_not_there_is_the_labs_fault(learner_image, tmp_path):
    """A program that knocks at a socket file with nobody behind it is not blamed for it."""
    gates = tmp_path / "gates"
    gates.mkdir()
    tmp_path.chmod(0o755)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "main.py").write_text("import socket\nsocket.create_connection(('127.0.0.1', 8102)).recv(1)")
    with closing(Container(Place(learner_image, str(gates), {8102: "population.sock"}))) as container:
        words = command(tmp_path / "work", Path("-"), container.interpreters())
        with pytest.raises(IsolationFailed, match="could not be reached"):
            container.run(Program(argv=words, work_dir=tmp_path / "work", ports=[8102]), Limits(wall_seconds=20))


def test_memory_that_is_used_up_at_once_is_told_as_such(learner_image, tmp_path):
    """Where the kernel ends a program before anybody looked, the result says why."""
    (tmp_path / "main.py").write_text(
        "kept = bytearray(3_000_000_000)\nfor n in range(0, len(kept), 4096): kept[n] = 1"
    )
    with closing(Container(Place(learner_image, str(tmp_path), {}))) as container:
        words = command(tmp_path, Path("-"), container.interpreters())
        limits = Limits(wall_seconds=30, memory_bytes=64 << 20, work_bytes=1 << 20)
        assert container.run(Program(argv=words, work_dir=tmp_path), limits).limit == Limit.MEMORY


def test_languages_that_the_image_lacks_are_told(bench, contained):
    """A program in a language that the image has not is refused with what to do, and not failed."""
    bench.folder.mkdir()
    (bench.folder / "main.mjs").write_text("")
    with pytest.raises(ProgramUnknown, match=r"containers that have no node.*Python program") as refused:
        command(bench.folder, Path("/learner/python"), contained.interpreters())
    assert refused.value.code == "no_interpreter"


def test_walls_that_do_not_stand_are_noticed_before_anything_runs(learner_image):
    """In a container that was started without them, the keeper names what is missing and takes no order."""
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", "--user", "0", learner_image, *engine_module.KEEPER],
        input=b"an order",
        capture_output=True,
        check=False,
    )
    problem = done.stdout.decode().removeprefix("problem=")
    missing = "a user without rights, no capabilities, no new privileges, no network, a read-only root"
    assert (done.returncode, problem.strip()) == (0, missing)


GRADER = """
import sys
from pathlib import Path
from grader.isolation import Limits, Program
from grader.isolation.container import Container
from grader.isolation.engine import Place
image, project, folder = sys.argv[1:]
container = Container(Place(image, folder, {}, project))
words = [container.interpreters()["python"], "main.py"]
print("ready", flush=True)
container.run(Program(argv=words, work_dir=Path(folder)), Limits(wall_seconds=600, cpu_seconds=600))
"""


def test_a_killed_grader_leaves_no_container(learner_image, tmp_path, eventually):
    """Neither the one that ran the program nor the one that waited for the next outlives a grader that is killed."""
    project = f"test-{secrets.token_hex(4)}"
    (tmp_path / "main.py").write_text("import time; time.sleep(600)")
    words = [sys.executable, "-c", GRADER, learner_image, project, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as grader:
        assert grader.stdout is not None
        assert grader.stdout.readline() == b"ready\n"
        label = f"label={LABEL}={project}"
        eventually(lambda: len(docker("ps", "--quiet", "--filter", label).split()) == 2)
        grader.kill()
        grader.wait()
    eventually(lambda: docker("ps", "--all", "--quiet", "--filter", label) == "")


def test_containers_that_were_never_started_are_swept_away(learner_image, monkeypatch):
    """What a grader made and did not live to start is removed by the next one, and nobody else's."""
    mine, other = f"test-{secrets.token_hex(4)}", f"test-{secrets.token_hex(4)}"
    for project in (mine, other):
        docker("create", "--label", f"{LABEL}={project}", learner_image)
    monkeypatch.setattr(engine_module, "_STALE_SECONDS", -5)
    with closing(Engine(Place(learner_image, "/nowhere", {}, mine))) as engine:
        engine.sweep()
    assert docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={mine}") == ""
    left = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={other}")
    docker("rm", left)


@pytest.mark.parametrize(
    ("image", "engine", "said"),
    [
        ("spbe-lab-test/nowhere:1", {}, "No such image"),
        (None, {"DOCKER_HOST": "unix:///nowhere/docker.sock"}, "No such file"),
        (None, {"DOCKER_HOST": "tcp://127.0.0.1:1"}, "Connection refused"),
    ],
)
def test_an_engine_that_cannot_is_an_obstacle(learner_image, image, engine, said):
    """Without the image, or without an engine, the rung says why, and a run on it is the lab's fault."""
    with closing(Container(Place(image or learner_image, "/nowhere", {}, engine=engine))) as container:
        obstacle = container.obstacle()
        assert obstacle is not None
        assert said in obstacle.render("en")
        with pytest.raises(IsolationFailed):
            container.run(Program(argv=["python", "main.py"], work_dir=ROOT / "docs"), Limits())
