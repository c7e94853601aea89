"""Whether a service in this container is ready: `python -S -m services.kit.health NAME…`, exit code 0 or 1.

Without curl, and with next to no imports: it runs every few seconds, on weak machines too.
"""

import os
import socket
import sys

PATIENCE_SECONDS = 4.0
DEFAULT_PORT_BASE = 8100
"""As in `services.kit.settings`, which takes three times as long to load as all this takes."""


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
    with open(f"{os.path.dirname(__file__)}/../{name}/service.toml", encoding="utf-8") as facts:  # noqa: PTH120, PTH123
        offset = next(line.partition("=")[2] for line in facts if line.startswith("port_offset"))
    return int(os.environ.get("LAB_PORT_BASE") or DEFAULT_PORT_BASE) + int(offset)


if __name__ == "__main__":
    sys.exit(0 if all(is_ready(port_of(name)) for name in sys.argv[1:]) else 1)
