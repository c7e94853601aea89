"""A lab of docker-compose.yml as the tests handle it, and the docker command they handle it with."""

import json
import secrets
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.city import Address

ROOT = Path(__file__).resolve().parents[2]
OFFSETS = {
    file.parent.name: int(tomllib.loads(file.read_text(encoding="utf-8"))["port_offset"])
    for file in sorted((ROOT / "services").glob("*/service.toml"))
}
"""Every agency that exists, and its port's place after the base."""

VERSION = "test"
TARGETS = ("services", "learner", "grader", "load")
CONTROL = 50
"""A back door's port lies this far above its agency's."""

READY_SECONDS = 300
SECRETS = ("backdoor_token", "database_password", "signing_key")


def docker(*arguments: str, patience: float = 300, check: bool = True) -> str:
    """What a docker command prints to standard output; its complaint is shown where it fails."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, timeout=patience)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def lacking() -> str | None:
    """Why no container can be started here, or None."""
    if shutil.which("docker") is None:
        return "there is no docker command here"
    for words in (["info"], ["compose", "version"]):
        done = subprocess.run(["docker", *words], check=False, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            return f"`docker {' '.join(words)}` does not answer here: {done.stderr.strip()[-200:]}"
    return None


@dataclass(frozen=True)
class Stack:
    """One lab of docker-compose.yml."""

    project: str
    base: int
    secrets: Path

    def compose(self, *arguments: str, patience: float = 330, check: bool = True, more: Path | None = None) -> str:
        """What Compose prints; `more` is a file of further settings."""
        where = ["--project-directory", str(ROOT), "--project-name", self.project]
        for file in filter(None, (self.settings, more)):
            where += ["--env-file", str(file)]
        return docker("compose", *where, *arguments, patience=patience, check=check)

    @property
    def settings(self) -> Path:
        """The file of what `lab` would tell Compose."""
        return self.secrets / "settings.env"

    def write_settings(self) -> None:
        base = self.base
        settings = {
            "LAB_VERSION": VERSION,
            "LAB_SECRETS": str(self.secrets),
            "LAB_PORTS": f"{base}-{base + 9}",
            "LAB_CONTROL_PORTS": f"{base + CONTROL}-{base + CONTROL + 9}",
            "LAB_ISSUER": f"http://127.0.0.1:{base + OFFSETS['identity']}",
            "LAB_PROMETHEUS_PORT": str(base + 90),
            "LAB_GRAFANA_PORT": str(base + 91),
        }
        self.settings.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def up(self) -> None:
        """Start it; everything has to be healthy within a bound that a busy machine keeps, too."""
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", str(READY_SECONDS))

    def down(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--all", "--quiet", service).split()

    def inspect(self) -> list[dict[str, Any]]:
        """Every container as the engine describes it."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", *self.compose("ps", "--all", "--quiet").split()))
        return found

    @property
    def addresses(self) -> dict[str, Address]:
        host = "http://127.0.0.1"
        return {
            name: Address(f"{host}:{self.base + offset}", f"{host}:{self.base + CONTROL + offset}")
            for name, offset in OFFSETS.items()
        }

    @property
    def token(self) -> str:
        return (self.secrets / "backdoor_token").read_text().strip()


def make_secrets(folder: Path) -> None:
    """As `lab` makes them: nobody but the owner gets into the folder, a container's user may read the files."""
    folder.mkdir(mode=0o700)
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True).stdout
    for name, content in zip(SECRETS, (secrets.token_hex(16), secrets.token_hex(16), key), strict=True):
        file = folder / name
        file.write_text(content)
        file.chmod(0o444)


def free_base() -> int:
    """A base whose next hundred ports are free just now; below those that other tests and outgoing calls take."""
    while True:
        base = 10_000 + 100 * secrets.randbelow(98)
        try:
            for port in (*range(base, base + 10), *range(base + CONTROL, base + CONTROL + 10), base + 90, base + 91):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base


def new_stack(folder: Path) -> Stack:
    make_secrets(folder)
    made = Stack(f"spbe-t-{secrets.token_hex(3)}", free_base(), folder)
    made.write_settings()
    return made


def started(folder: Callable[[], Path]) -> Stack:
    """A new lab that runs; another one if somebody took one of its ports meanwhile."""
    for attempt in range(3):
        made = new_stack(folder())
        try:
            made.up()
        except AssertionError as error:
            made.down()
            if "already allocated" not in str(error) or attempt == 2:
                raise
        except BaseException:
            made.down()
            raise
        else:
            return made
    raise AssertionError


def borrowed(file: Path, change: int) -> int:
    """How many processes use the stack, after `change`."""
    users = (int(file.read_text()) if file.exists() else 0) + change
    file.write_text(str(users))
    return users
