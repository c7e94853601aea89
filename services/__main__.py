"""Serve agencies: `python -m services identity population … --data DIR --run DIR`.

The composition root of the services' side: the only place that knows which services there are. In a container neither
folder is given; `services.kit.settings` has the environment's names.
"""

import argparse
import gc
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.kit.service import Service


def names() -> list[str]:
    """Give the names of all services there are."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/service.toml"))


def load(name: str) -> "Service":
    """Give the `SERVICE` that `services/<name>/app.py` declares.

    Raises:
        ModuleNotFoundError: there is no such service.
    """
    service: Service = importlib.import_module(f"services.{name}.app").SERVICE
    return service


def main() -> None:
    """Read the command line and serve."""
    gc.disable()  # all that is loaded now stays; to look for garbage in it takes a tenth of the start
    from services.kit.process import run_until_stopped  # noqa: PLC0415 - so that this is not looked through either

    parser = argparse.ArgumentParser(prog="python -m services", description="Serve agencies of the city.")
    known = names()
    parser.add_argument("names", nargs="+", metavar="SERVICE", choices=known, help=f"one of: {', '.join(known)}")
    parser.add_argument("--data", type=Path, help="folder for the sandboxes (without LAB_DATABASE)")
    parser.add_argument("--run", type=Path, help="private folder for the back doors' sockets")
    given = parser.parse_args()
    run_until_stopped([load(name) for name in given.names], given.data, given.run)


if __name__ == "__main__":
    main()
