"""`lab.json`: how to reach the lab that runs, in whichever way it does; always whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.settings import EMBEDDED

FORMAT_VERSION = 1


def save(file: Path, mode: str, members: Mapping[str, Any]) -> None:
    """Writes the members of a record of this mode, whole or not at all; paths become text."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in members.items()}
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"format_version": FORMAT_VERSION, "mode": mode, **plain}, indent=2), encoding="utf-8")
    draft.replace(file)


def load(file: Path, mode: str, paths: tuple[str, ...]) -> dict[str, Any] | None:
    """Reads the members of a record; None when there is none, or none of this format and mode.

    Args:
        paths: the members that are paths.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if (content.pop("format_version"), content.pop("mode", EMBEDDED)) != (FORMAT_VERSION, mode):
            return None
        return {**content, **{name: Path(content[name]) for name in paths}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
