"""One service's back door over HTTP, by the standard library: every `lab` command waits for this module's imports.

An HTTP client library would cost each command some 100 ms for nothing that is needed here.
"""

import json
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0


class BackdoorUnreachableError(ConnectionError):
    """Nobody answered, or not in HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the back door answered: the status, and the JSON, None where there is none."""

    status: int
    content: Any


class Backdoor:
    """One back door. Connections are kept; several threads may call at once.

    Args:
        address: `unix:PATH` or an `http://` base URL.
        token: the lab's token.
    """

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._idle: deque[HTTPConnection] = deque()
        self._closed = False

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Call, and read the whole answer.

        Raises:
            BackdoorUnreachableError: there is no answer.
        """
        connection = self._connection()
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, self._headers)
            response = connection.getresponse()
            answer = Answer(response.status, _json(response.read()))
        except (OSError, HTTPException) as error:
            connection.close()
            raise BackdoorUnreachableError(str(error)) from error
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed:  # meanwhile, by another thread that did not wait for this answer
            self.close()
        return answer

    def close(self) -> None:
        """Close every connection; one that is in use, as soon as it is not."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _connection(self) -> HTTPConnection:
        """Give a connection that the other side has not closed meanwhile."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return _new(self._address)
            if connection.sock is not None and not _ended(connection.sock):
                return connection
            connection.close()


class _UnixConnection(HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("backdoor", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect with the socket file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _new(address: str) -> HTTPConnection:
    path = address.removeprefix("unix:")
    if path != address:
        return _UnixConnection(path)
    parts = urlsplit(address)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)


def _ended(idle: socket.socket) -> bool:
    """Tell whether the other side has said goodbye on a connection on which nothing else is due."""
    idle.settimeout(0)
    try:
        idle.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        idle.settimeout(TIMEOUT_SECONDS)
    return True


def _json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
