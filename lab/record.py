"""`lab.json`: how to reach the running lab, written by whoever started it and read by every command."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from lab.settings import EMBEDDED

FORMAT_VERSION = 1


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
        draft = file.with_suffix(".new")
        content = {"format_version": FORMAT_VERSION, "mode": EMBEDDED, **asdict(self), "run": str(self.run)}
        draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
        draft.replace(file)

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Reads the record; None when there is none, or none of this format."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content.pop("format_version") != FORMAT_VERSION or content.pop("mode", EMBEDDED) != EMBEDDED:
                return None
            return cls(**{**content, "run": Path(content["run"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
