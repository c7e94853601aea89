"""`lab.json`: how to reach the running lab, written by whoever started it and read by every command."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from lab import recordfile
from lab.settings import EMBEDDED


@dataclass(frozen=True, slots=True)
class Record:
    """The background process of this lab.

    Attributes:
        pid: of the process.
        run: its private run directory, which also tells it from another process that got the same pid later.
        port_base: the agencies' ports are this plus their offsets.
        fingerprint: of the services' code that it runs.
        services: the base URL of each agency.
    """

    pid: int
    run: Path
    port_base: int
    fingerprint: str
    services: Mapping[str, str]

    def backdoor(self, service: str) -> str:
        """Returns where an agency's back door is: `unix:PATH`, or its loopback URL where there are no such sockets.

        Raises:
            OSError: when the lab is not ready yet, or no longer there.
        """
        port = self.run / f"{service}.port"
        if port.exists():
            return f"http://127.0.0.1:{port.read_text(encoding='ascii').strip()}"
        return f"unix:{self.run / service}.sock"

    def token(self) -> str:
        """Returns the back doors' token.

        Raises:
            OSError: when the run directory is gone.
        """
        return (self.run / "token").read_text(encoding="ascii").strip()

    def write(self, file: Path) -> None:
        """Writes the record, whole or not at all."""
        recordfile.save(file, EMBEDDED, asdict(self))

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Reads the record; None when there is none, or none of this format."""
        members = recordfile.load(file, EMBEDDED, ("run",))
        try:
            return None if members is None else cls(**members)
        except TypeError:
            return None
