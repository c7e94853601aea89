"""A PostgreSQL server of the tests' own, which they may stop in any way and start again."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

PATIENCE = 30.0


def binaries() -> Path | None:
    """The folder with `postgres` and `initdb`, if there is one."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found and shutil.which("postgres") else None


class Cluster:
    """A server on a UNIX socket, that orders text by the rules of a language wherever nobody says otherwise.

    Args:
        safe: whether it waits for the disk, as a real one does.
    """

    def __init__(self, folder: Path, *, safe: bool) -> None:
        self._bin = folder
        self._safe = safe
        self._made = 0
        # A socket's path may not be longer than about 100 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="lab-pg-"))
        self.log = self.root / "log"
        # PostgreSQL refuses to be run by root.
        self._as: dict[str, str | int] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self.root, "nobody", "nogroup")
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            [folder / "initdb", "--no-sync", "--auth=trust", "--username=lab", "--encoding=UTF8", "--locale=C.UTF-8",
             "--locale-provider=icu", "--icu-locale=id", "-D", self.root / "data"]
        )  # fmt: skip

    def _run(self, command: list[object]) -> None:
        done = subprocess.run(list(map(str, command)), cwd=self.root, capture_output=True, check=False, **self._as)
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.root,
            "fsync": "on" if self._safe else "off",
            "max_connections": 60,
            "shared_buffers": "32MB",
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.root / "data", *arguments],
                cwd=self.root,
                stdout=log,
                stderr=log,
                **self._as,
            )
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()

    def _answers(self) -> bool:
        """Whether it takes connections; asking again and again is the waiting."""
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server: SIGINT in order, SIGQUIT at once, as if it had crashed."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://lab@/{database}?host={self.root}"

    def made(self) -> str:
        """Make an empty database and tell where it is."""
        self._made += 1
        name = f"test{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def remove(self) -> None:
        """Stop the server and remove all that it has."""
        self.stop()
        shutil.rmtree(self.root)
