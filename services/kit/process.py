"""One process that serves agencies: alone, or as one of several replicas over a database that they share."""

import ctypes
import logging
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from services.kit.server import Served, private_socket, public_socket, serve
from services.kit.service import Service, assemble
from services.kit.settings import Addresses, Database, Settings, WrongSettingError, database, secret, secrets_folder
from services.kit.sqlite_image import Writers, seldom_collected

if TYPE_CHECKING:
    from services.kit.replication import Replication

PR_SET_DUMPABLE = 4


def undumpable() -> None:
    """Keep this process's memory and environment from others of the same user, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


class Process:
    """What one process is told to serve, and how.

    Args:
        services: what to serve.
        data: folder for the sandboxes; None where they are in a database.
        run: private folder with the back doors' token, for their sockets; None where both are given otherwise.

    Raises:
        WrongSettingError: the environment and the command line do not say enough, or what cannot be.
    """

    def __init__(self, services: Sequence[Service], data: Path | None, run: Path | None) -> None:
        self._services = services
        self._addresses = Addresses.read()
        self._secrets = secrets_folder()
        self._database = database(self._secrets)
        self._run = run
        self._data = data
        if self._database is None and self._data is None:
            message = "say where the sandboxes are kept: --data FOLDER, or LAB_DATABASE"
            raise WrongSettingError(message)
        if self._run is None and self._addresses.backdoor_port is None:
            message = "say where the back doors are: --run FOLDER, or LAB_BACKDOOR_PORT and LAB_SECRETS"
            raise WrongSettingError(message)
        if self._database is not None and self._addresses.backdoor_port is None:
            message = "with LAB_DATABASE replicas must reach each other: set LAB_BACKDOOR_PORT"
            raise WrongSettingError(message)
        self._token = self._backdoor_token()

    def _backdoor_token(self) -> str:
        given = secret(self._secrets, "backdoor_token") or secret(self._run, "token")
        if not given:
            message = "there is no back-door token: neither backdoor_token under LAB_SECRETS nor token in --run"
            raise WrongSettingError(message)
        return given

    def _settings(self, service: Service) -> Settings:
        key = self._secrets / "signing_key" if self._secrets is not None else None
        if key is not None and not key.exists():
            key = None
        if key is None and self._data is None and service.keys is not None:
            message = f"replicas of {service.name} share their key: there is no signing_key under LAB_SECRETS"
            raise WrongSettingError(message)
        return Settings(
            (self._data or Path("/nonexistent")) / service.name,
            self._addresses.issuer,
            self._token,
            identity_url=self._addresses.identity_url,
            signing_key=key,
        )

    def listening(self) -> tuple[list[Served], "Replication | None"]:
        """Bind every port first, then put every service together.

        Raises:
            WrongSettingError: a port is taken, or a setting does not fit a service.
        """
        worker = ThreadPoolExecutor(1, thread_name_prefix="worker")
        writers = Writers(worker, helped=True)
        public = [
            _bound(service, self._addresses.host, self._addresses.port_base + int(service.facts["port_offset"]))
            for service in self._services
        ]
        settings = [self._settings(service) for service in self._services]
        replication = None if self._database is None else self._replication(self._database, worker)
        served = []
        for place, (service, told, listener) in enumerate(zip(self._services, settings, public, strict=True)):
            shared = None if replication is None else replication.shared(service.name, self._door_port(place))
            assembled = assemble(service, told, real=time.time, worker=worker, writers=writers, shared=shared)
            served.append(Served(assembled, listener, self._door(service, place)))
        return served, replication

    def _replication(self, at: Database, worker: Executor) -> "Replication":
        from services.kit.replication import Replication  # noqa: PLC0415 - a laptop needs no PostgreSQL

        return Replication(at, self._token, secrets.token_hex(8), worker)

    def _door_port(self, place: int) -> int:
        return (self._addresses.backdoor_port or 0) + place

    def _door(self, service: Service, place: int) -> socket:
        if self._addresses.backdoor_port is None and self._run is not None:
            return private_socket(self._run, service.name)
        return _bound(service, self._addresses.host, self._door_port(place))


def _bound(service: Service, host: str, port: int) -> socket:
    try:
        return public_socket(host, port)
    except OSError as error:
        message = f"{service.name} cannot listen on {host}:{port}: {error.strerror}"
        raise WrongSettingError(message) from error


def run_until_stopped(services: Sequence[Service], data: Path | None, run: Path | None) -> None:
    """Serve until SIGTERM or SIGINT; ends the process with one line where it is told something that cannot be.

    Args:
        data: folder for the sandboxes; None where they are in a database.
        run: private folder with the back doors' token, for their sockets; None where both are given otherwise.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    undumpable()
    try:
        served, replication = Process(services, data, run).listening()
    except WrongSettingError as error:
        sys.exit(str(error))
    seldom_collected()
    if sys.platform == "win32":
        import asyncio  # noqa: PLC0415 - uvloop's otherwise

        asyncio.run(serve(served, replication))
    else:
        import uvloop  # noqa: PLC0415 - not on Windows

        uvloop.run(serve(served, replication))
