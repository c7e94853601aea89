"""A right program runs unharmed on every rung: what it may need, it has."""

import json
import shutil
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from grader.isolation import Limits, Program, command

LIMITS = Limits(wall_seconds=20)


def test_environment_is_made_not_inherited(bench, monkeypatch):
    """A program gets exactly the variables that are stated, and none of the grader's."""
    monkeypatch.setenv("GRADER_SECRET", "rahasia")
    finished = bench.run("import json, os; print(json.dumps(dict(os.environ)))", PERMITS_URL="http://127.0.0.1:8103")
    variables = json.loads(finished.stdout)
    assert set(variables) == {
        "HOME", "LAB_RUN", "LANG", "LC_ALL", "LOGNAME", "PATH", "PERMITS_URL", "PWD", "PYTHONDONTWRITEBYTECODE",
        "PYTHONNOUSERSITE", "PYTHONUNBUFFERED", "PYTHONUTF8", "TMPDIR", "TZ", "USER",
    }  # fmt: skip
    assert variables["TZ"] == "Asia/Makassar"


def test_surroundings_are_those_of_the_city(bench):
    """Time is Makassar's, text is UTF-8, standard input is empty, and the start is in a folder of its own."""
    finished = bench.run("""
        import sys, time, os
        assert time.strftime("%z %Z") == "+0800 WITA", time.strftime("%z %Z")
        assert sys.flags.utf8_mode and sys.stdout.encoding == "utf-8"
        assert sys.stdin.read() == ""
        assert os.getcwd() == os.path.dirname(os.path.abspath(__file__)) == os.environ["HOME"]
        print("é 🏙", end="")
    """)
    assert (finished.stdout, finished.stderr, finished.exit_code, finished.signal) == ("é 🏙", "", 0, None)
    assert (finished.limit, finished.cut) == (None, False)


def test_files_of_its_own(bench):
    """A program imports its own modules, writes, moves and removes files in its folder and in the temporary one."""
    finished = bench.run(
        """
        import os, shutil, tempfile
        from pathlib import Path
        import helper
        Path("made/deep").mkdir(parents=True)
        Path("made/deep/answer.json").write_text(helper.ANSWER)
        os.replace("made/deep/answer.json", "made/answer.json")
        shutil.copy("made/answer.json", "copy.json")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree("made", folder + "/again")
            os.chmod(folder + "/again/answer.json", 0o600)
            assert Path(folder, "again/answer.json").read_text() == helper.ANSWER
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 100_000)
        os.symlink("copy.json", "link.json")
        print(Path("link.json").read_text())
        """,
        files={"helper.py": "ANSWER = '[1, 2]'"},
    )
    assert (finished.stdout, finished.stderr) == ("[1, 2]\n", "")
    assert sorted(path.name for path in bench.folder.iterdir()) == ["helper.py", "main.py"]


def test_http_clients(bench, listen):
    """HTTP clients, httpx and urllib, one after the other and many at a time, reach an agency."""
    agency = listen()
    finished = bench.run(
        """
        import asyncio, json, os, urllib.request
        from concurrent.futures import ThreadPoolExecutor
        import httpx
        url = os.environ["AGENCY_URL"]
        assert httpx.get(url).json() == [1, 2, 3]
        assert json.load(urllib.request.urlopen(url)) == [1, 2, 3]
        assert json.load(urllib.request.urlopen(url.replace("127.0.0.1", "localhost"))) == [1, 2, 3]
        with ThreadPoolExecutor(16) as pool, httpx.Client() as client:
            assert [answer.json() for answer in pool.map(client.get, [url] * 40)] == [[1, 2, 3]] * 40
        async def many():
            async with httpx.AsyncClient() as client:
                return await asyncio.gather(*(client.get(url) for _ in range(60)))
        assert [answer.json() for answer in asyncio.run(many())] == [[1, 2, 3]] * 60
        """,
        ports=[agency.port],
        AGENCY_URL=f"http://127.0.0.1:{agency.port}/",
    )
    assert (finished.stderr, finished.exit_code, agency.visits) == ("", 0, 103)


def test_processes_of_its_own(bench):
    """Child processes of asyncio, threads, itself as a child, and multiprocessing with its locks all work."""
    finished = bench.run("""
        import asyncio, subprocess, sys, threading
        from multiprocessing import get_context, shared_memory
        def square(number):
            return number * number
        async def child():
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(7)", stdout=subprocess.PIPE)
            return (await process.communicate())[0]
        def main():
            assert asyncio.run(child()) == b"7\\n"
            assert subprocess.run([sys.executable, __file__, "child"], capture_output=True).stdout == b"child\\n"
            assert subprocess.check_output("echo $((6 * 7))", shell=True) == b"42\\n"
            threads = [threading.Thread(target=square, args=[1]) for _ in range(20)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            for method in ("fork", "spawn"):
                with get_context(method).Pool(2) as pool:
                    assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]
            memory = shared_memory.SharedMemory(create=True, size=4096)
            memory.buf[:2] = b"ok"
            memory.close()
            memory.unlink()
        if __name__ == "__main__":
            print("child") if sys.argv[1:] else main()
    """)
    assert (finished.stderr, finished.exit_code, finished.limit) == ("", 0, None)


def test_node(bench, listen):
    """A program in JavaScript fetches, writes a file and starts a child of its own."""
    node = shutil.which("node")
    if node is None or bench.rung.name == "container":
        pytest.skip("node is not installed, or not in the image")
    agency = listen()
    source = """
        import { execFileSync } from "node:child_process";
        import { readFileSync, writeFileSync } from "node:fs";
        import os from "node:os";
        const answers = await Promise.all([1, 2, 3].map(() => fetch(process.env.AGENCY_URL).then((r) => r.json())));
        writeFileSync("answer.json", JSON.stringify(answers));
        const said = execFileSync(process.execPath, ["-e", "console.log(6 * 7)"]).toString().trim();
        console.log(readFileSync("answer.json", "utf8"), said, os.tmpdir().length > 0, os.cpus().length > 0);
    """
    bench.folder.mkdir()
    (bench.folder / "main.mjs").write_text(source)
    program = Program(
        argv=command(bench.folder, bench.learner),
        work_dir=bench.folder,
        environment={"AGENCY_URL": f"http://127.0.0.1:{agency.port}/"},
        ports=[agency.port],
    )
    finished = bench.rung.run(program, LIMITS)
    assert (finished.stdout, finished.stderr) == ("[[1,2,3],[1,2,3],[1,2,3]] 42 true true\n", "")


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [
        ("main.sh", "echo salam; cat beside.txt", 0o644),
        ("main", "#!/bin/sh\necho salam; cat beside.txt", 0o755),
    ],
)
def test_scripts(bench, name, text, mode):
    """A shell script and an executable file of any kind start in their own folder."""
    bench.folder.mkdir()
    (bench.folder / name).write_text(text)
    (bench.folder / name).chmod(mode)
    (bench.folder / "beside.txt").write_text("dari berkas")
    program = Program(argv=command(bench.folder, bench.learner), work_dir=bench.folder)
    assert bench.rung.run(program, LIMITS).stdout == "salam\ndari berkas"


def test_large_traffic(bench, listen):
    """Megabytes pass unharmed in both directions, and half a connection may be closed before the other."""

    def echo(visitor: socket.socket) -> None:
        received = bytearray()
        while piece := visitor.recv(65536):
            received += piece
        visitor.sendall(received[::-1])

    agency = listen(echo)
    finished = bench.run(
        """
        import hashlib, os, socket
        sent = os.urandom(5_000_000)
        with socket.create_connection(("127.0.0.1", int(os.environ["AGENCY"]))) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: line.recv(65536), b""))
        assert received == sent[::-1], len(received)
        """,
        ports=[agency.port],
        AGENCY=str(agency.port),
    )
    assert (finished.stderr, finished.exit_code) == ("", 0)


def hang_up(visitor: socket.socket) -> None:
    visitor.recv(65536)


def reset(visitor: socket.socket) -> None:
    visitor.recv(65536)
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(("how", "seen"), [(hang_up, "RemoteDisconnected"), (reset, "ConnectionResetError")])
def test_broken_connections(bench, listen, how, seen):
    """How an agency breaks a connection off looks the same to the program on every rung.

    But for a container, where a socket file stands between, which has no way to say "reset": there it is an end.
    """
    if bench.rung.name == "container":
        seen = "RemoteDisconnected"
    agency = listen(how)
    finished = bench.run(
        """
        import http.client, os
        try:
            line = http.client.HTTPConnection("127.0.0.1", int(os.environ["AGENCY"]))
            line.request("GET", "/")
            line.getresponse()
        except Exception as error:
            print(type(error).__name__)
        """,
        ports=[agency.port],
        AGENCY=str(agency.port),
    )
    assert finished.stdout == f"{seen}\n", finished


@pytest.mark.parametrize(
    ("source", "exit_code", "signal"),
    [
        ("raise SystemExit(3)", 3, None),
        ("import os; os.close(0); os.close(1); os.close(2); os._exit(5)", 5, None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", None, 11),
        ("import os; os.abort()", None, 6),
    ],
)
def test_endings(bench, source, exit_code, signal):
    """However a program ends, it is told as it was."""
    finished = bench.run(source)
    assert (finished.exit_code, finished.signal, finished.limit) == (exit_code, signal, None)


@pytest.mark.parametrize(("text", "mode", "code"), [("#!/bin/sh\n", 0o644, 126), ("#!/nowhere/sh\n", 0o755, 127)])
def test_unstartable_main(bench, text, mode, code):
    """A main file that the system refuses to start is the participant's affair, and says why."""
    bench.folder.mkdir()
    (bench.folder / "main").write_text(text)
    (bench.folder / "main").chmod(mode)
    finished = bench.rung.run(Program(argv=["main"], work_dir=bench.folder), LIMITS)
    assert finished.exit_code == code
    assert finished.stderr.startswith("main: ")


def test_runs_side_by_side(bench, tmp_path):
    """Programs that run at the same time do not get in one another's way."""

    def run(number: int) -> str:
        own = replace(bench, folder=Path(tmp_path, f"submission{number}"))
        return own.run(f"import os; open('x', 'w').write('{number}'); print(open('x').read())").stdout

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == [f"{number}\n" for number in range(8)]
