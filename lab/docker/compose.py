"""Compose, which only its command line offers: the lab's containers up and down."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.docker import words
from lab.settings import DEFAULT_BIND, DEFAULT_VERSION, Settings

CONTROL = 50
"""A back door's port is its agency's plus this."""
PORTS = 10
READY_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 20
_OLDEST = (2, 20)
_PROMETHEUS, _GRAFANA = 90, 91
_POLL_SECONDS = 0.5
_ATTEMPTS = 3
_READABLE = 0o444


def open_configs(root: Path) -> None:
    """Lets everybody read the clone's configurations, which containers get as they are and read as another user.

    Raises:
        OSError: they are somebody else's, and closed.
    """
    for file in (root / "deploy").rglob("*"):
        mode = file.stat().st_mode
        if file.is_file() and mode & _READABLE != _READABLE:
            file.chmod(mode | _READABLE)


class Compose:
    """The docker-compose.yml of a clone, under one project name and on one range of ports."""

    def __init__(
        self,
        settings: Settings,
        project: str,
        port_base: int,
        secrets: Path,
        engine: Mapping[str, str],
        also: Mapping[str, str] | None = None,
    ) -> None:
        """Describes it; touches nothing.

        Args:
            settings: of the lab.
            project: what tells this lab's containers, volumes and networks from others'.
            port_base: the agencies' ports are this plus their offsets.
            secrets: the folder of the lab's secrets.
            engine: the environment variables that lead to the engine.
            also: more variables of the compose file.
        """
        self._settings = settings
        self._project = project
        self._environment = {
            **settings.passed_on,
            **engine,
            "LAB_VERSION": settings.version or DEFAULT_VERSION,
            "LAB_SECRETS": str(secrets),
            "LAB_BIND": settings.bind or DEFAULT_BIND,
            "LAB_PORTS": f"{port_base}-{port_base + PORTS - 1}",
            "LAB_CONTROL_PORTS": f"{port_base + CONTROL}-{port_base + CONTROL + PORTS - 1}",
            "LAB_ISSUER": f"http://127.0.0.1:{port_base + 1}",
            "LAB_PROMETHEUS_PORT": str(port_base + _PROMETHEUS),
            "LAB_GRAFANA_PORT": str(port_base + _GRAFANA),
            **(also or {}),
        }

    def require(self) -> None:
        """Makes sure that Compose is there and new enough.

        Raises:
            LabFailedError: it is not.
        """
        done = self._run("version", "--short", plain=True)
        found = done.stdout.strip().lstrip("v")
        numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
        if done.returncode != 0 or not numbers:
            raise words.compose_missing("")
        if numbers < _OLDEST:
            raise words.compose_missing(found)

    def config(self) -> dict[str, Any]:
        """Returns the compose file as Compose reads it: the usual services, every variable filled in.

        Raises:
            LabFailedError: the compose file cannot be read.
        """
        done = self._run("config", "--format", "json")
        if done.returncode != 0:
            raise words.compose_failed(done.stderr.splitlines())
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def images(self) -> list[str]:
        """Returns the images of the usual services.

        Raises:
            LabFailedError: the compose file cannot be read.
        """
        return sorted({str(service["image"]) for service in self.config()["services"].values()})

    def up(self, meanwhile: Callable[[], None]) -> None:
        """Starts what does not run, replaces what has changed, and waits until all say that they are well.

        Args:
            meanwhile: is called again and again while that goes on.

        Raises:
            LabFailedError: something did not start.
        """
        open_configs(self._settings.root)
        said = self._up(meanwhile)
        for _again in range(_ATTEMPTS - 1):
            # A container that is short of processors is unhealthy for a while, which Compose takes for its last word.
            if said is not None and any("is unhealthy" in line for line in said):
                said = self._up(meanwhile)
        if said is not None:
            raise words.compose_failed(said)

    def _up(self, meanwhile: Callable[[], None]) -> list[str] | None:
        """Tries it once; returns what Compose said where it failed, None where all is well."""
        arguments = ("up", "--detach", "--no-build", "--pull", "never", "--remove-orphans", "--wait")
        command = [*self._command(), *arguments, "--wait-timeout", str(READY_TIMEOUT_SECONDS)]
        with subprocess.Popen(  # noqa: S603 - the docker command, found in the PATH
            command,
            cwd=self._settings.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as starting:
            said: list[str] = []
            listener = threading.Thread(target=lambda: said.extend(starting.stderr or ()), daemon=True)
            listener.start()
            try:
                while listener.is_alive():
                    meanwhile()
                    listener.join(_POLL_SECONDS)
            finally:
                listener.join()
        return [line.rstrip() for line in said] if starting.returncode != 0 else None

    def down(self) -> None:
        """Stops and removes the containers and networks; volumes, in which everything is kept, stay.

        Raises:
            LabFailedError: something could not be stopped.
        """
        done = self._run("--profile", "*", "down", "--remove-orphans", "--timeout", str(STOP_TIMEOUT_SECONDS))
        if done.returncode != 0:
            raise words.compose_failed(done.stderr.splitlines())

    def _command(self) -> list[str]:
        docker = shutil.which("docker", path=self._settings.passed_on.get("PATH"))
        if docker is None:
            raise words.engine_missing()
        root = self._settings.root
        place = ("--project-directory", str(root), "--file", str(root / "docker-compose.yml"))
        return [docker, "compose", "--project-name", self._project, "--ansi", "never", *place]

    def _run(self, *arguments: str, plain: bool = False) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = [*(self._command()[:2] if plain else self._command()), *arguments]
        return subprocess.run(  # noqa: S603 - the docker command, found in the PATH
            command,
            cwd=self._settings.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
