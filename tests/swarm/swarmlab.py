"""A lab on a Swarm as the tests handle it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from machines import Machine

ROOT = Path(__file__).resolve().parents[2]
VERSION = "swarm-test"


@dataclass(frozen=True)
class SwarmLab:
    """A lab whose manager is the first of the machines."""

    home: Path
    machines: list[Machine]
    surroundings: Mapping[str, str]
    replicas: int = 1

    def command(self, *words: str) -> list[str]:
        return self.machines[0].within(sys.executable, "-m", "lab", *words)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **self.surroundings,
            "LAB_MODE": "swarm",
            "LAB_HOME": str(self.home),
            "LAB_VERSION": VERSION,
            "LAB_LANG": "en",
            "LAB_REPLICAS": str(self.replicas),
            "DOCKER_HOST": self.machines[0].socket,
        }

    def lab(self, *words: str, code: int = 0, patience: float = 500) -> str:
        """What a lab command prints, given on the manager."""
        done = subprocess.run(
            self.command(*words), cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
            timeout=patience,
        )  # fmt: skip
        assert done.returncode == code, (
            f"lab {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.trouble}"
        )
        return done.stdout + done.stderr

    @property
    def trouble(self) -> str:
        """What the last command kept of an error that nobody foresaw."""
        file = self.home / ".lab" / "last-error.txt"
        return file.read_text() if file.exists() else ""

    @property
    def stack(self) -> str:
        return str(json.loads((self.home / ".lab" / "lab.json").read_text())["stack"])
