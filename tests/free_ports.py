"""Ports for servers of the tests' own."""

import secrets
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress

_LOWEST, _HIGHEST = 20_000, 32_000
"""Below those that the system gives to whoever calls somebody: one of these may be taken before the server comes."""


def free_base(offsets: Iterable[int]) -> int:
    """A port from which those at all these offsets are free just now."""
    wanted = list(offsets)
    while True:
        base = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with suppress(OSError), ExitStack() as stack:
            for offset in wanted:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", base + offset))
            return base


def free_port() -> int:
    """A port that nobody listens on just now."""
    return free_base([0])
