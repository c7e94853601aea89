"""Serving several services from one process: each on its own port, each back door on its own private listener."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from services.kit.protocol import ClosableProtocol
from services.kit.service import Assembled


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
        timeout_graceful_shutdown=3,
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


async def serve(services: Sequence[tuple[Assembled, socket.socket, socket.socket]]) -> None:
    """Serve until SIGTERM or SIGINT, then write what is unwritten and return."""
    for service, _public, _private in services:
        await service.sandboxes.clear_throwaways()
    servers = []
    for service, public, private in services:
        servers += [
            (uvicorn.Server(http_config(service.public)), public),
            (uvicorn.Server(http_config(service.backdoor)), private),
        ]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(server._serve([listener])) for server, listener in servers]  # noqa: SLF001 - the public serve() takes over the process's signals
    try:
        await asyncio.wait([asyncio.create_task(stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        for server, _listener in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
    finally:
        for service, _public, _private in services:
            await service.sandboxes.close()
