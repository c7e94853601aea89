"""What a service is told when it starts; nothing else in `services` reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT_BASE = 8100
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one service keeps its data and whom it trusts.

    Attributes:
        data: folder of this service's sandboxes.
        issuer: base URL of the identity service, which signs the tokens.
        backdoor_token: what a caller of `/_lab` must present.
        open_sandboxes: how many sandboxes keep their store open at once.
    """

    data: Path
    issuer: str
    backdoor_token: str
    open_sandboxes: int = 128


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services of one lab listen."""

    host: str
    port_base: int
    identity_url: str

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Addresses":
        """Read `LAB_HOST`, `LAB_PORT_BASE` and `IDENTITY_URL`, with the defaults of a single laptop.

        Raises:
            ValueError: the port base is not a number between 1024 and 65000.
        """
        given = os.environ if environment is None else environment
        base = int(given.get("LAB_PORT_BASE", str(DEFAULT_PORT_BASE)))
        if not 1024 <= base <= 65000:
            message = f"LAB_PORT_BASE must be between 1024 and 65000, not {base}"
            raise ValueError(message)
        host = given.get("LAB_HOST", "127.0.0.1")
        return cls(host, base, given.get("IDENTITY_URL", f"http://127.0.0.1:{base + 1}"))
