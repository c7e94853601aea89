"""Serving several services from one process: each on its own port, each back door on its own private listener."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import uvicorn

from services.kit.protocol import ClosableProtocol
from services.kit.service import Assembled

_log = logging.getLogger(__name__)

GRACE_SECONDS = 3
"""How long calls that run may take when the process is told to end."""
CLOSING_SECONDS = 1.5
"""How long writing the rest may take where it goes over a network, so that all ends within five seconds."""


def http_config(app: object) -> uvicorn.Config:
    """Give the settings with which every application here is served."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application
        http=ClosableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
        loop="none",
    )


def public_socket(host: str, port: int) -> socket.socket:
    """Bind an agency's public port.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.setblocking(False)
    return listener


def private_socket(run: Path, service: str) -> socket.socket:
    """Bind a back door: a UNIX socket of mode 0600, or a loopback port told in a file where there are none."""
    if not hasattr(socket, "AF_UNIX"):
        listener = public_socket("127.0.0.1", 0)
        (run / f"{service}.port").write_text(str(listener.getsockname()[1]), encoding="ascii")
        return listener
    path = run / f"{service}.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


class Served(NamedTuple):
    """A service with its two listeners."""

    service: Assembled
    public: socket.socket
    backdoor: socket.socket


class Ground(Protocol):
    """What the services of a process stand on that may not be there yet, and may go away: a database."""

    async def stand(self) -> None:
        """Wait until it is there, as long as that takes."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


async def serve(services: Sequence[Served], ground: Ground | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then write what is unwritten and return.

    Args:
        ground: what has to be waited for; calls meanwhile are answered 503. None where everything is at hand.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    clearing = asyncio.create_task(_clear(services, ground))
    if ground is None:
        await clearing
    servers = [
        (uvicorn.Server(http_config(app)), listener)
        for service, public, private in services
        for app, listener in ((service.public, public), (service.backdoor, private))
    ]
    tasks = [asyncio.create_task(server._serve([listener])) for server, listener in servers]  # noqa: SLF001 - the public serve() takes over the process's signals
    try:
        await asyncio.wait([asyncio.create_task(stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        for server, _listener in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
    finally:
        clearing.cancel()
        await _close(services, ground)


async def _clear(services: Sequence[Served], ground: Ground | None) -> None:
    """Remove the throw-away sandboxes of runs that ended with the lab."""
    if ground is not None:
        await ground.stand()
    for service, _public, _private in services:
        try:
            await service.sandboxes.clear_throwaways()
        except Exception:
            if ground is None:
                raise
            _log.exception("the throw-away sandboxes of %s were not cleared away", service.name)


async def _close(services: Sequence[Served], ground: Ground | None) -> None:
    if ground is None:
        for service, _public, _private in services:
            await service.sandboxes.close()
        return
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            for service, _public, _private in services:
                await service.sandboxes.close()
    except TimeoutError:
        _log.warning("the database does not answer: what was not yet written is lost")
    await ground.close()
