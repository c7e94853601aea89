"""What the attacks need: every rung that works here, a learner's interpreter, victims to attack, programs to run."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socket import AF_UNIX, SHUT_RDWR, SHUT_WR, SOCK_STREAM, create_connection, create_server, socket

import httpx
import psutil
import pytest

from grader.isolation import Door, Finished, Limits, Program, Rung, best, prefixes, rungs
from grader.isolation.container import Container
from grader.isolation.engine import Place
from grader.isolation.visibility import own_interpreter

LIMITS = Limits(
    wall_seconds=20, cpu_seconds=10, memory_bytes=256 << 20, processes=64, work_bytes=24 << 20, file_bytes=8 << 20
)
"""Small, so that reaching one takes no time."""

REQUIRED_IN_CI = {"bubblewrap", "process"}


ROOT = Path(__file__).resolve().parents[3]
IMAGE = "spbe-lab-test/learner:rung"


class Gates(dict[int, str]):
    """The socket files that stand for ports: whoever names a port of the rung gets a file that leads there."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, port: int) -> str:
        name = f"{port}.sock"
        server = socket(AF_UNIX, SOCK_STREAM)
        server.bind(str(self.folder / name))
        (self.folder / name).chmod(0o666)
        server.listen(256)
        threading.Thread(target=self._serve, args=(server, port), daemon=True).start()
        self[port] = name
        return name

    def _serve(self, server: socket, port: int) -> None:
        """Carry each connection to the port as the gateway does, by a relay of its own."""
        while True:
            inner, _ = server.accept()
            threading.Thread(target=carry, args=(inner, port), daemon=True).start()


def carry(inner: socket, port: int) -> None:
    # Where there is no agency, whoever called meets the end of the connection.
    with inner, suppress(ConnectionRefusedError), create_connection(("127.0.0.1", port)) as outer:
        back = threading.Thread(target=pour, args=(outer, inner), daemon=True)
        back.start()
        pour(inner, outer)
        back.join()


def pour(source: socket, target: socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(SHUT_WR)
    except OSError:
        # Closing would not do: the other thread still reads from it, which keeps the connection open.
        with suppress(OSError):
            target.shutdown(SHUT_RDWR)


def engine_answers() -> bool:
    done = subprocess.run(["docker", "info"], capture_output=True, check=False) if shutil.which("docker") else None
    return done is not None and done.returncode == 0


@pytest.fixture(scope="session")
def learner_image() -> str:
    """The image of participants' programs, built from this clone."""
    if not engine_answers():
        assert os.environ.get("LAB_REQUIRE_DOCKER") != "1", "docker info does not answer, and LAB_REQUIRE_DOCKER is 1"
        pytest.skip("docker info does not answer")
    command = ["docker", "build", "--quiet", "--target", "learner", "--tag", IMAGE, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return IMAGE


@pytest.fixture(scope="session")
def contained(learner_image: str) -> Iterator[Container]:
    folder = Path(tempfile.mkdtemp(prefix="gates-"))
    folder.chmod(0o755)
    found = Container(Place(learner_image, str(folder), Gates(folder)))
    assert found.obstacle() is None
    yield found
    found.close()
    shutil.rmtree(folder)


@pytest.fixture(params=["container", "bubblewrap", "landlock", "process"])
def rung(request: pytest.FixtureRequest) -> Rung:
    if request.param == "container":
        return request.getfixturevalue("contained")
    found = next(rung for rung in rungs() if rung.name == request.param)
    obstacle = found.obstacle()
    if obstacle is not None:
        in_ci = os.environ.get("CI") == "true"
        assert not (in_ci and sys.platform == "linux" and found.name in REQUIRED_IN_CI), obstacle.render("en")
        pytest.skip(f"{found.name}: {obstacle.render('en')}")
    return found


@pytest.fixture
def shut(rung: Rung) -> Callable[[Door], None]:
    """Say which door the test is about; where the rung leaves it open there is nothing to hold it to."""

    def require(door: Door) -> None:
        if door not in rung.closes:
            pytest.skip(f"{rung.name} leaves the door {door} open on this machine")

    return require


@pytest.fixture(scope="session")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment as participants have it: httpx and what it needs, by a link."""
    home = tmp_path_factory.mktemp("learner") / "venv"
    subprocess.run([str(own_interpreter()), "-m", "venv", "--without-pip", str(home)], check=True)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "httpx.pth").write_text(str(Path(httpx.__file__).parents[1]))
    return home / "bin" / "python"


@dataclass(frozen=True)
class Bench:
    """Runs programs on one rung."""

    rung: Rung
    learner: Path
    folder: Path

    def run(
        self,
        source: str,
        *,
        limits: Mapping[str, float] | Limits = LIMITS,
        ports: Sequence[int] = (),
        files: Mapping[str, str] | None = None,
        **environment: str,
    ) -> Finished:
        """Run Python source as a participant's main.py, as a grading run does; `environment` becomes variables."""
        program = self.program(source, ports=ports, files=files, **environment)
        given = limits if isinstance(limits, Limits) else replace(LIMITS, **limits)
        self.rung.prepare(given, program)
        return self.rung.run(program, given)

    def program(
        self, source: str, *, ports: Sequence[int] = (), files: Mapping[str, str] | None = None, **environment: str
    ) -> Program:
        self.folder.mkdir(exist_ok=True)
        for name, text in {"main.py": textwrap.dedent(source), **(files or {})}.items():
            (self.folder / name).write_text(text)
        readable = [*prefixes(self.learner), Path(httpx.__file__).parents[1]]
        return Program(
            argv=[str(self.learner), "main.py"],
            work_dir=self.folder,
            environment=environment,
            readable=readable,
            ports=ports,
        )


@pytest.fixture
def bench(rung: Rung, learner: Path, tmp_path: Path) -> Bench:
    if isinstance(rung, Container):
        learner = Path(rung.interpreters()["python"])
    return Bench(rung, learner, tmp_path / "submission")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that anybody may change, with a secret that anybody may read: only the rung stands before it."""
    folder = Path(tempfile.mkdtemp(prefix="outside-"))
    folder.chmod(0o777)
    (folder / "secret.txt").write_text("rahasia-7679")
    (folder / "secret.txt").chmod(0o666)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so."""

    def wait(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < deadline, "it did not come about"
            threading.Event().wait(0.01)

    return wait


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """Tell the processes, of anybody, that have a word in their command line."""

    def find(word: str) -> list[int]:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if any(word in given for given in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        return found

    return find


class Listener:
    """A server on a port of its own; it answers every connection alike and counts them."""

    def __init__(self, server: socket, answer: Callable[[socket], None]) -> None:
        self.port: int = server.getsockname()[1]
        self.visits = 0
        self._server = server
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._server.accept()
            except OSError:
                return
            self.visits += 1
            with visitor:
                try:
                    self._answer(visitor)
                except OSError:
                    continue


def answer_http(visitor: socket) -> None:
    visitor.recv(65536)
    visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n[1, 2, 3]")


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Open a port; without more words it answers HTTP requests with `[1, 2, 3]`."""
    servers = []

    def open_port(answer: Callable[[socket], None] = answer_http) -> Listener:
        server = create_server(("127.0.0.1", 0), backlog=256)
        servers.append(server)
        return Listener(server, answer)

    yield open_port
    for server in servers:
        server.shutdown(2)
        server.close()


@contextmanager
def python(source: str, *, start_new_session: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Run `source` in an interpreter like this one until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=start_new_session,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "SECRET": "rahasia-7679"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@dataclass(frozen=True)
class Victim:
    """A process of the lab that has protected itself, with a secret in its environment and in its memory."""

    process: subprocess.Popen[str]
    address: int

    @property
    def pid(self) -> int:
        return self.process.pid


@pytest.fixture
def victim() -> Iterator[Victim]:
    source = """
        import ctypes, sys
        from grader.isolation import protect_this_process
        assert protect_this_process() or sys.platform != "linux"
        kept = ctypes.create_string_buffer(b"rahasia-7679")
        print(ctypes.addressof(kept), flush=True)
        sys.stdin.read() or ctypes.CDLL(None).pause()
    """
    with python(source) as process:
        assert process.stdout is not None
        yield Victim(process, int(process.stdout.readline()))
        assert process.poll() is None, "the victim was killed"


@pytest.fixture
def grader_running() -> Callable[[str, Program], contextmanager]:
    """Run a program on a rung from another process, which can be ended in ways that this one cannot."""

    def run(name: str, program: Program):
        source = f"""
            from pathlib import Path, PosixPath
            from grader.isolation import Limits, Program, best
            rung, program = best({name!r}), {program!r}
            rung.prepare(Limits(), program)
            rung.run(program, Limits())
        """
        return python(source, start_new_session=True)

    return run


@pytest.fixture
def grader_preparing() -> Callable[[str, Program], contextmanager]:
    """Prepare a run from another process, which says so, and then ends, or stays until it is ended."""

    def prepare(name: str, program: Program, *, stays: bool):
        source = f"""
            import ctypes
            from pathlib import Path, PosixPath
            from grader.isolation import Limits, Program, rungs
            next(rung for rung in rungs() if rung.name == {name!r}).prepare(Limits(), {program!r})
            print("prepared", flush=True)
            if {stays}:
                ctypes.CDLL(None).pause()
        """
        return python(source)

    return prepare


@pytest.fixture
def grader_on() -> Callable[[Path, str, Program], str]:
    """Run a program on a rung from a process in a control group; give how the lab's own error begins, if any."""

    def run(group: Path, name: str, program: Program) -> str:
        source = f"""
            import os
            from pathlib import Path, PosixPath
            from grader.isolation import IsolationFailed, Limits, Program, best
            Path({str(group / "cgroup.procs")!r}).write_text(str(os.getpid()))
            rung = best({name!r})
            try:
                finished = rung.run({program!r}, Limits(memory_bytes=1 << 30))
            except IsolationFailed as error:
                print(error.message.render("en").partition(" while")[0])
            else:
                print(finished)
        """
        with python(source) as process:
            assert process.stdout is not None
            said = process.stdout.read().strip()
            process.wait()
        return said

    return run


@pytest.fixture
def small_machine() -> Iterator[Path]:
    """A control group with little memory, for processes that are to find the machine's memory used up."""
    for root, name in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = root / f"lab-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                (group / name).write_text(str(160 << 20))
                yield group
                return
            finally:
                group.rmdir()
    pytest.skip("this user may make no control group for memory")


__all__ = ["Bench", "best", "closing"]
