"""Carries TCP connections from inside a sandbox, which has a network of its own, to the agencies outside.

The listening sockets were made inside and are served from here, so each port reaches exactly one place and the sandbox
holds nothing of ours. What happens to a connection is passed on as it is, an end as an end and a reset as a reset,
because how an agency breaks off is part of what exercises teach.
"""

import errno
import selectors
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_BUFFER = 65536
_MOST_CONNECTIONS = 1000
_RESET = struct.pack("ii", 1, 0)
_NOBODY = (errno.ECONNREFUSED, errno.ENOENT)
"""How a socket file answers when its server is gone; a port tells it only later."""


class Relay:
    """Serves `listeners`; each of `targets` stands behind the listener of the same place in the list.

    A target is a port of 127.0.0.1, or the path of a socket file.

    Attributes:
        connections: that are open now.
        shut: how often nobody was behind a target.
    """

    def __init__(
        self, selector: selectors.BaseSelector, listeners: "Sequence[socket.socket]", targets: "Sequence[int | str]"
    ) -> None:
        self._selector = selector
        self.connections = 0
        self.shut = 0
        for listener, target in zip(listeners, targets, strict=True):
            listener.setblocking(False)
            selector.register(listener, selectors.EVENT_READ, _Door(self, listener, target))

    def open(self, inner: socket.socket, target: int | str) -> None:
        """Connect `inner`, just accepted, with `target` outside."""
        outer, address = _outer(target)
        for end in (inner, outer):
            end.setblocking(False)
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = outer.connect_ex(address)
        self.shut += started in _NOBODY
        if self.connections >= _MOST_CONNECTIONS or started not in (0, errno.EINPROGRESS):
            _reset(inner)
            _reset(outer)
            return
        self.connections += 1
        _Line(self, self._selector, inner, outer)


def _outer(target: int | str) -> "tuple[socket.socket, str | tuple[str, int]]":
    if isinstance(target, str):
        return socket.socket(socket.AF_UNIX), target
    return socket.socket(), ("127.0.0.1", target)


class _Door:
    def __init__(self, relay: Relay, listener: socket.socket, target: int | str) -> None:
        self._relay, self._listener, self._target = relay, listener, target

    def __call__(self, _events: int) -> None:
        try:
            inner, _ = self._listener.accept()
        except OSError:  # gone again before it was taken, or no descriptor free for it now
            return
        self._relay.open(inner, self._target)


class _End:
    """One side of a line: what still has to be sent to it, and what it has said about itself."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting = bytearray()
        self.silent = False  # it will send nothing more
        self.dismissed = False  # it has been told that nothing more will come
        self.watched = 0


class _Line:
    """One connection: two ends and what is on its way between them."""

    def __init__(
        self, relay: Relay, selector: selectors.BaseSelector, inner: socket.socket, outer: socket.socket
    ) -> None:
        self._relay, self._selector = relay, selector
        self._ends = (_End(inner), _End(outer))
        self._connected = False
        self._over = False
        self._watch()

    def _handle(self, end: _End, events: int) -> None:
        if self._over:
            return  # the other end's event, of the same moment, was the last
        try:
            if events & selectors.EVENT_WRITE:
                self._connected = True
                self._send(end)
            if events & selectors.EVENT_READ:
                self._receive(end)
            for one in self._ends:
                self._dismiss(one)
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up(reset=True)
            return
        if all(one.dismissed for one in self._ends):
            self._hang_up(reset=False)
        else:
            self._watch()

    def _receive(self, end: _End) -> None:
        piece = end.sock.recv(_BUFFER)
        end.silent = not piece
        other = self._other(end)
        other.waiting += piece
        if other.waiting and self._connected:
            self._send(other)

    @staticmethod
    def _send(end: _End) -> None:
        if end.waiting:
            del end.waiting[: end.sock.send(end.waiting)]
        else:
            error = end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "connection failed")

    def _dismiss(self, end: _End) -> None:
        """Pass on that the other end has finished, once all it said is sent."""
        reachable = self._connected or end is self._ends[0]
        if self._other(end).silent and reachable and not end.waiting and not end.dismissed:
            end.dismissed = True
            end.sock.shutdown(socket.SHUT_WR)

    def _watch(self) -> None:
        """Tell the selector what each end waits for: room to send, or data as long as the other end takes them."""
        inner, outer = self._ends
        for end in self._ends:
            other = self._other(end)
            writes = bool(end.waiting) or (end is outer and not self._connected)
            reads = not end.silent and len(other.waiting) < _BUFFER and (end is inner or self._connected)
            wanted = (selectors.EVENT_WRITE if writes else 0) | (selectors.EVENT_READ if reads else 0)
            if wanted != end.watched:
                self._change(end, wanted)

    def _change(self, end: _End, wanted: int) -> None:
        if end.watched:
            self._selector.unregister(end.sock)
        if wanted:
            self._selector.register(end.sock, wanted, lambda events: self._handle(end, events))
        end.watched = wanted

    def _hang_up(self, *, reset: bool) -> None:
        self._over = True
        for end in self._ends:
            self._change(end, 0)
            if reset:
                _reset(end.sock)
            else:
                end.sock.close()
        self._relay.connections -= 1

    def _other(self, end: _End) -> _End:
        return self._ends[1] if end is self._ends[0] else self._ends[0]


def _reset(sock: socket.socket) -> None:
    """Close `sock` so that its other side sees a broken connection and not an orderly end."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    finally:
        sock.close()
