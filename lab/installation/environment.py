"""A virtual environment that knows from what it was made and whether it was finished."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

_STATE = "setup.json"


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def python_in(folder: Path) -> Path:
    """Returns where the interpreter of the virtual environment `folder` is, on this system."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class Environment:
    """A virtual environment with its state in `setup.json`.

    The state says "building" from the first moment of the folder and "ready" only at the end, so one that was left
    half-made by a kill or a power cut is recognised.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        """Describes the environment `folder` of the lab at `root`; touches nothing."""
        self.folder = folder
        self.python = python_in(folder)
        self._root = str(root)
        self._state_file = folder / _STATE

    def has_state(self) -> bool:
        """Tells whether the set-up made this folder, finished or not."""
        return bool(self._state())

    def is_sound(self) -> bool:
        """Tells whether it was finished, stands where it was made, and on the same Python as then."""
        state = self._state()
        return state.get("phase") == "ready" and state.get("root") == self._root and state.get("base") == self._base()

    def is_ready(self, wanted: Mapping[str, str]) -> bool:
        """Tells whether it is sound and was made from the `wanted` digests (it may hold more)."""
        return self.is_sound() and wanted.items() <= self._state()["made_from"].items()

    def mark(self, phase: Literal["building", "ready"], made_from: Mapping[str, str]) -> None:
        """Records the phase and the digests of what it is made from, whole or not at all.

        Raises:
            OSError: when the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"phase": phase, "root": self._root, "base": self._base(), "made_from": dict(made_from)}
        draft = self._state_file.with_suffix(".new")
        draft.write_text(json.dumps(state, indent=2), encoding="utf-8")
        draft.replace(self._state_file)

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _base(self) -> str:
        """Returns the interpreter behind the environment: another one after an upgrade of the system's Python."""
        return str(self.python.resolve()) if self.python.exists() else ""
