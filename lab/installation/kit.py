"""The offline kit that this copy of the lab may have come in: its wheels, and the computers that it is for."""

import json
import platform
import sys
from pathlib import Path
from typing import Any

_SYSTEMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}


def kit_wheels(root: Path) -> Path | None:
    """Returns the folder of the kit's wheels; None where the lab did not come in a kit."""
    folder = root / "kit" / "wheels"
    return folder if folder.is_dir() else None


def this_computer() -> str:
    """Returns what this computer is, in the words of a kit's contents."""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{platform.machine().lower()} Python {python}"


def covered(root: Path) -> str:
    """Returns the computers that the kit is for, as one line."""
    return ", ".join(_computers(root))


def covers(root: Path) -> bool:
    """Tells whether the kit says that it is for this computer."""
    return kit_wheels(root) is not None and this_computer() in _computers(root)


def _computers(root: Path) -> list[str]:
    try:
        told: dict[str, Any] = json.loads((root / "kit" / "contents.json").read_text(encoding="utf-8"))
        return [f"{one['platform']} Python {one['python']}" for one in told["targets"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
