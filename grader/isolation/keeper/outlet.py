"""What a program prints, kept to a size: the beginning and the end, without the middle."""

import os


class Outlet:
    """One stream of a program's output. Reading it never holds more than the size given, however much is printed."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes, half of them from the beginning and half from the end."""
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def read(self, descriptor: int) -> bool:
        """Take what waits in `descriptor` (non-blocking); say whether more may come."""
        try:
            piece = os.read(descriptor, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.add(piece)
        return bool(piece)

    def add(self, piece: bytes) -> None:
        """Append `piece`."""
        self._total += len(piece)
        room = self._half - len(self._head)
        self._head += piece[:room] if room > 0 else b""
        self._tail += piece[max(room, 0) :]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    @property
    def dropped(self) -> int:
        """Bytes that are missing from the middle."""
        return max(self._total - 2 * self._half, 0)

    def text(self) -> bytes:
        """Return what was kept; where the middle is missing, a line of its own says so."""
        if not self.dropped:
            return bytes(self._head + self._tail)
        return b"%b\n[... %d bytes ...]\n%b" % (bytes(self._head), self.dropped, bytes(self._tail[-self._half :]))
