"""The participant's own sandbox: one city to explore, which lives as long as they want it to."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from grader.filing import replace

FORMAT_VERSION = 1
SIZE = "small"
REFERENCE_DATE = "2026-11-02"
"""The city's today when its clock starts: fixed, so that everybody in a room explores the same days."""

_PRIVATE = 0o600
_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox and the client that explores it.

    Attributes:
        id: its name in every service.
        client_id: for the token endpoint.
        client_secret: for the token endpoint.
        scopes: what the client may do.
        seed: what the city is made from; with `size` and `reference_date` it makes a lost store anew.
    """

    id: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    seed: int
    size: str = SIZE
    reference_date: str = REFERENCE_DATE

    @classmethod
    def invent(cls, scopes: Iterable[str]) -> Self:
        """Returns a new sandbox, with a random seed and secret, whose client may use `scopes`."""
        name = f"kota{secrets.token_hex(4)}"
        return cls(
            id=name,
            client_id=f"{name}-jelajah",
            client_secret=secrets.token_urlsafe(24),
            scopes=tuple(sorted(scopes)),
            seed=secrets.randbelow(_SEEDS),
        )

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Reads the sandbox that was kept in `file`; None when there is none that can be read."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content.pop("format_version") != FORMAT_VERSION:
                return None
            return cls(**{**content, "scopes": tuple(content["scopes"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, file: Path) -> None:
        """Keeps the sandbox in `file`, which only this user may read."""
        content = json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, indent=2)
        file.parent.mkdir(parents=True, exist_ok=True)
        mask = os.umask(0o777 ^ _PRIVATE)
        try:
            replace(file, content)
        finally:
            os.umask(mask)

    def spec(self) -> Mapping[str, Any]:
        """Returns the specification that every service gets."""
        client = {"client_id": self.client_id, "client_secret": self.client_secret, "scopes": list(self.scopes)}
        return {
            "seed": self.seed,
            "size": self.size,
            "reference_date": self.reference_date,
            "clients": [client],
        }
