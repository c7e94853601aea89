"""`lab.json` of a lab on a Swarm: how to reach it from the manager on which it was started."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from lab import recordfile
from lab.docker.compose import CONTROL
from lab.docker.keys import TOKEN
from lab.settings import SWARM, Settings


@dataclass(frozen=True, slots=True)
class SwarmRecord:
    """A lab on a Swarm.

    Attributes:
        stack: what tells its services, networks and volumes from others'.
        port_base: the agencies' ports are this plus their offsets.
        fingerprint: of the code and settings that it was started with.
        services: the base URL of each agency.
        offsets: of each agency's port.
        secrets: the folder of the lab's secrets.
        run: the private folder that the desk shares with this machine.
        images: by name, the identifiers of the images that the lab runs on.
        engine: the environment variables that lead to the engine.
        version: the tag of its images; empty in records that were written before it was kept.
        replicas: of each agency; 0 likewise.
    """

    stack: str
    port_base: int
    fingerprint: str
    services: Mapping[str, str]
    offsets: Mapping[str, int]
    secrets: Path
    run: Path
    images: Mapping[str, str]
    engine: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    replicas: int = 0

    def filled(self, settings: Settings) -> Settings:
        """Returns the settings, with what nobody asks for now as it was when this lab was started."""
        return replace(
            settings,
            version=settings.version or self.version or None,
            replicas=settings.replicas or self.replicas or None,
        )

    @property
    def counter(self) -> Path:
        """The socket at which the desk expects the command that hands out submissions."""
        return self.run / "desk" / "grading.sock"

    def backdoor(self, service: str) -> str:
        """Returns the URL of an agency's back door, which the desk publishes on this machine."""
        return f"http://127.0.0.1:{self.port_base + CONTROL + self.offsets[service]}"

    def token(self) -> str:
        """Returns the back doors' token.

        Raises:
            OSError: when the secrets are gone.
        """
        return (self.secrets / TOKEN).read_text(encoding="ascii").strip()

    def write(self, file: Path) -> None:
        """Writes the record, whole or not at all."""
        recordfile.save(file, SWARM, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Reads the record; None when there is none, or none of this format and mode."""
        members = recordfile.load(file, SWARM, ("secrets", "run"))
        try:
            return None if members is None else cls(**members)
        except TypeError:
            return None
