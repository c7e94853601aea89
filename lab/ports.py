"""Local TCP ports: whether one is free, who holds it, whether an agency answers on it."""

import http.client
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

_STEP = 100
_HIGHEST_BASE = 65000


@dataclass(frozen=True, slots=True)
class Holder:
    """The program that listens on a port; `name` is empty where the system does not tell us."""

    port: int
    pid: int | None = None
    name: str = ""


def is_free(port: int) -> bool:
    """Tells whether a service could listen on the loopback `port` right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> Holder:
    """Returns who listens on `port`, as far as this user may know."""
    try:
        listening = [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid
        ]
        return Holder(port, listening[0], psutil.Process(listening[0]).name()) if listening else Holder(port)
    except psutil.Error:
        return Holder(port)


def free_base(wanted: int, offsets: Iterable[int]) -> int | None:
    """Returns the first port base above `wanted`, in steps of 100, whose ports with these `offsets` are all free."""
    needed = list(offsets)
    bases = range(wanted + _STEP, _HIGHEST_BASE, _STEP)
    return next((base for base in bases if all(is_free(base + offset) for offset in needed)), None)


def is_ready(url: str, timeout_seconds: float = 1.0) -> bool:
    """Tells whether the service at `url` answers 200 on `/readyz` within `timeout_seconds`."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
