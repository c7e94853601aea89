"""The container engine of this machine: where it is, whether it answers, what it says of a lab's containers."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import docker
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from docker.models.containers import Container
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from grader.isolation.engine import knock
from lab.docker import words
from lab.running import Part
from lab.settings import Settings

DEFAULT_HOST = "unix:///var/run/docker.sock"
PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_PATIENCE_SECONDS = 60


def where(settings: Settings) -> Mapping[str, str]:
    """Returns the environment variables that say where the engine is: as given, else as `docker context use` chose."""
    given = dict(settings.engine)
    if "DOCKER_HOST" in given:
        return given
    with contextlib.suppress(DockerException, OSError, ValueError):
        context = ContextAPI.get_context(given["DOCKER_CONTEXT"]) if "DOCKER_CONTEXT" in given else None
        context = context or ContextAPI.get_current_context()
        if context is not None and context.Host:
            return {**given, "DOCKER_HOST": str(context.Host)}
    return {**given, "DOCKER_HOST": DEFAULT_HOST}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine says of itself: its version, its machine's memory in bytes, and the folder of its data."""

    version: str
    memory_bytes: int
    folder: Path


class Engine:
    """A connection with the engine. Close it, or use it as a context.

    Attributes:
        variables: the environment variables that lead to it, for the command line and for graders.
    """

    def __init__(self, settings: Settings) -> None:
        """Connects.

        Raises:
            LabFailedError: when there is no engine, it does not answer, or this user may not use it.
        """
        self.variables = where(settings)
        host = self.variables["DOCKER_HOST"]
        try:
            knock(host)
            given = kwargs_from_env(environment=dict(self.variables))
            self.client = docker.DockerClient(**given, version="auto", timeout=_PATIENCE_SECONDS)
        except (DockerException, RequestException, OSError) as error:
            found = shutil.which("docker", path=settings.passed_on.get("PATH"))
            raise words.not_connected(error, host, installed=found is not None) from error

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Closes the connection."""
        self.client.close()

    def facts(self) -> Facts:
        """Returns what the engine says of itself."""
        with _worded():
            told = self.client.info()
        return Facts(told["ServerVersion"], int(told["MemTotal"]), Path(told["DockerRootDir"]))

    def containers(self, project: str) -> dict[str, Container]:
        """Returns the containers of a lab, running or not, by what they are."""
        with _worded():
            wanted: dict[str, str | list[str] | bool] = {"label": f"{PROJECT}={project}"}
            found = self.client.containers.list(all=True, filters=wanted, ignore_removed=True)
        return {one.labels.get(SERVICE, one.name or ""): one for one in found}

    def parts(self, project: str) -> list[Part]:
        """Returns what the containers of a lab are doing."""
        found = self.containers(project)
        with ThreadPoolExecutor(max(len(found), 1)) as pool:
            return list(pool.map(self._part, sorted(found), (found[name] for name in sorted(found))))

    def publisher(self, port: int) -> str:
        """Returns the name of the container that has `port` of this machine; empty where none has."""
        with _worded():
            for one in self.client.api.containers():
                if any(each.get("PublicPort") == port for each in one["Ports"]):
                    return str(one["Names"][0]).lstrip("/")
        return ""

    def has_volume(self, name: str) -> bool:
        """Tells whether there is a volume of this name."""
        with _worded():
            try:
                self.client.volumes.get(name)
            except docker.errors.NotFound:
                return False
        return True

    def image_label(self, image: str, label: str) -> str | None:
        """Returns a label of an image, empty where it has no such label; None where there is no such image."""
        with _worded():
            try:
                labels = self.client.images.get(image).labels
            except docker.errors.ImageNotFound:
                return None
        return str(labels.get(label, ""))

    def pull(self, image: str) -> Iterator[int]:
        """Fetches an image; gives the bytes fetched so far, again and again.

        Raises:
            LabFailedError: it cannot be fetched.
        """
        name, _colon, tag = image.rpartition(":")
        layers: dict[str, int] = {}
        try:
            for line in self.client.api.pull(name, tag=tag, stream=True, decode=True):
                if "error" in line:
                    raise words.image_missing(image, str(line["error"]))
                layers[line.get("id", "")] = int(line.get("progressDetail", {}).get("current", 0))
                yield sum(layers.values())
        except (DockerException, RequestException) as error:
            raise words.image_missing(image, _explained(error)) from error

    def _part(self, name: str, container: Container) -> Part:
        facts: dict[str, Any] = container.attrs
        state = facts["State"]
        shown = state.get("Health", {}).get("Status") if state["Running"] else None
        return Part(name, str(shown or state["Status"]), int(facts["RestartCount"]), self._memory(container, state))

    def _memory(self, container: Container, state: Mapping[str, Any]) -> int | None:
        if not state["Running"]:
            return None
        with contextlib.suppress(DockerException, RequestException, KeyError):
            used = self.client.api.stats(str(container.id), stream=False, one_shot=True)["memory_stats"]
            counted = used["stats"]
            reclaimable = counted.get("total_inactive_file", counted.get("inactive_file", 0))
            return int(used["usage"]) - int(reclaimable)
        return None


@contextlib.contextmanager
def _worded() -> Iterator[None]:
    """Turns what the engine refuses into words for people."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise words.engine_failed(_explained(error)) from error


def _explained(error: Exception) -> str:
    return str(error.explanation or error) if isinstance(error, APIError) else str(error)
