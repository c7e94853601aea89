"""Serve agencies: `python -m services identity population … --data DIR --run DIR`.

The composition root of the services' side: the only place that knows which services there are.
"""

import argparse
import asyncio
import ctypes
import importlib
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import socket

from services.kit.server import private_socket, public_socket, serve
from services.kit.service import Assembled, Service, assemble
from services.kit.settings import Addresses, Settings
from services.kit.sqlite_image import Writers, seldom_collected

PR_SET_DUMPABLE = 4


def names() -> list[str]:
    """Give the names of all services there are."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/service.toml"))


def load(name: str) -> Service:
    """Give the `SERVICE` that `services/<name>/app.py` declares.

    Raises:
        ModuleNotFoundError: there is no such service.
    """
    service: Service = importlib.import_module(f"services.{name}.app").SERVICE
    return service


def undumpable() -> None:
    """Keep this process's memory and environment from others of the same user, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def listening(
    services: Sequence[Service], addresses: Addresses, data: Path, run: Path
) -> list[tuple[Assembled, socket, socket]]:
    """Bind every port first, then put every service together."""
    token = (run / "token").read_text(encoding="ascii").strip()
    worker = ThreadPoolExecutor(1, thread_name_prefix="worker")
    writers = Writers(worker, helped=True)
    public = [_bound(service, addresses) for service in services]
    return [
        (
            assemble(
                service,
                Settings(data / service.name, addresses.identity_url, token),
                real=time.time,
                worker=worker,
                writers=writers,
            ),
            listener,
            private_socket(run, service.name),
        )
        for service, listener in zip(services, public, strict=True)
    ]


def _bound(service: Service, addresses: Addresses) -> socket:
    port = addresses.port_base + int(service.facts["port_offset"])
    try:
        return public_socket(addresses.host, port)
    except OSError as error:
        sys.exit(f"{service.name} cannot listen on {addresses.host}:{port}: {error.strerror}")


def run_until_stopped(services: Sequence[Service], data: Path, run: Path) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        data: folder for the sandboxes.
        run: private folder with the back doors' token, for their sockets.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    undumpable()
    bound = listening(services, Addresses.read(), data, run)
    seldom_collected()
    if sys.platform == "win32":
        asyncio.run(serve(bound))
    else:
        import uvloop  # noqa: PLC0415 - not on Windows

        uvloop.run(serve(bound))


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m services", description="Serve agencies of the city.")
    known = names()
    parser.add_argument("names", nargs="+", metavar="SERVICE", choices=known, help=f"one of: {', '.join(known)}")
    parser.add_argument("--data", type=Path, required=True, help="folder for the sandboxes")
    parser.add_argument("--run", type=Path, required=True, help="private folder for the back doors' sockets")
    given = parser.parse_args()
    run_until_stopped([load(name) for name in given.names], given.data, given.run)


if __name__ == "__main__":
    main()
