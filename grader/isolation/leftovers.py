"""Finding what a run has left alive when nobody watched over it: every program carries a mark in its environment."""

import secrets
from collections.abc import Mapping

_NAME = "LAB_RUN"


def new_mark() -> dict[str, str]:
    """Return an environment variable that no other run has."""
    return {_NAME: secrets.token_hex(16)}


def stop_marked(environment: Mapping[str, str]) -> None:
    """Kill every process with the mark in `environment`, as far as it has not rubbed it off."""
    import psutil  # noqa: PLC0415 - needed only when something has gone wrong, and slow to import

    for process in psutil.process_iter(["environ"]):
        found = process.info["environ"] or {}
        if found.get(_NAME) == environment[_NAME]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
