"""`lab.json` of a lab in containers: how to reach it, written by whoever started it and read by every command."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from lab import recordfile
from lab.agencies import agencies
from lab.docker.compose import CONTROL
from lab.docker.keys import TOKEN
from lab.settings import DEFAULT_BIND, DEFAULT_VERSION, DOCKER, Settings


@dataclass(frozen=True, slots=True)
class ContainersRecord:
    """A lab in containers.

    Attributes:
        project: of Compose.
        port_base: the agencies' ports are this plus their offsets.
        fingerprint: of the code and settings that it was started with.
        services: the base URL of each agency.
        offsets: of each agency's port.
        secrets: the folder of the lab's secrets.
        engine: the environment variables that lead to the engine.
        version: the tag of its images; empty in records that were written before it was kept.
        bind: the address at which its agencies are published; empty likewise.
    """

    project: str
    port_base: int
    fingerprint: str
    services: Mapping[str, str]
    offsets: Mapping[str, int]
    secrets: Path
    engine: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    bind: str = ""

    @classmethod
    def of(
        cls, settings: Settings, *, project: str, port_base: int, fingerprint: str, secrets: Path,
        engine: Mapping[str, str],
    ) -> Self:  # fmt: skip
        """Returns the record of the lab of `settings`, whose agencies are those of its clone."""
        served = agencies(settings.root)
        services = {agency.name: agency.url(port_base) for agency in served}
        offsets = {agency.name: agency.port_offset for agency in served}
        version, bind = settings.version or DEFAULT_VERSION, settings.bind or DEFAULT_BIND
        return cls(project, port_base, fingerprint, services, offsets, secrets, engine, version, bind)

    def filled(self, settings: Settings) -> Settings:
        """Returns the settings, with what nobody asks for now as it was when this lab was started."""
        return replace(
            settings, version=settings.version or self.version or None, bind=settings.bind or self.bind or None
        )

    def backdoor(self, service: str) -> str:
        """Returns the URL of an agency's back door."""
        return f"http://127.0.0.1:{self.port_base + CONTROL + self.offsets[service]}"

    def token(self) -> str:
        """Returns the back doors' token.

        Raises:
            OSError: when the secrets are gone.
        """
        return (self.secrets / TOKEN).read_text(encoding="ascii").strip()

    def write(self, file: Path) -> None:
        """Writes the record, whole or not at all."""
        recordfile.save(file, DOCKER, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Reads the record; None when there is none, or none of this format and mode."""
        members = recordfile.load(file, DOCKER, ("secrets",))
        try:
            return None if members is None else cls(**members)
        except TypeError:
            return None
