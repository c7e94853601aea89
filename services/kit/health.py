"""Whether a service in this container is ready: `python -m services.kit.health NAME…`, exit code 0 or 1.

Without curl, and without importing what a service imports: it runs every few seconds, on weak machines too.
"""

import socket
import sys
import tomllib
from pathlib import Path

from services.kit.settings import port_base

PATIENCE_SECONDS = 4.0
_SERVICES = Path(__file__).resolve().parents[1]


def is_ready(port: int) -> bool:
    """Ask `/readyz` of the service that listens on a port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as line:
            line.sendall(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            return line.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def port_of(name: str) -> int:
    """Give the port on which a service listens here.

    Raises:
        FileNotFoundError: there is no such service.
    """
    facts = tomllib.loads((_SERVICES / name / "service.toml").read_text(encoding="utf-8"))
    return port_base() + int(facts["port_offset"])


if __name__ == "__main__":
    sys.exit(0 if all(is_ready(port_of(name)) for name in sys.argv[1:]) else 1)
