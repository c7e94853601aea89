"""A lean HTTP load client: a few connections, each asking again as soon as it is answered."""

import asyncio
import time
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Load:
    """What one round of load measured.

    Attributes:
        count: answers in all.
        rate: answers per second over all connections.
        p50: median time to an answer, in seconds.
        p99: time within which 99 of 100 answers came, in seconds.
    """

    count: int
    rate: float
    p50: float
    p99: float


class _Connection(asyncio.Protocol):
    """One keep-alive connection that sends its requests in turn until the time is up."""

    def __init__(self, requests: list[bytes], ends: float, times: list[float], finished: asyncio.Future[None]) -> None:
        self._requests = requests
        self._turn = 0
        self._ends = ends
        self._times = times
        self._finished = finished
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._turn % len(self._requests)])
        self._turn += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._received.index(b"content-length: ") + 16
        length = int(self._received[start : self._received.index(b"\r\n", start)])
        if len(self._received) < head + 4 + length:
            return
        now = time.perf_counter()
        self._times.append(now - self._sent_at)
        if not self._received.startswith(b"HTTP/1.1 200"):
            self._finished.set_exception(RuntimeError(self._received.decode("latin-1")))
            self._transport.close()
            return
        self._received = b""
        if now < self._ends:
            self._send()
        else:
            self._transport.close()
            self._finished.set_result(None)


async def load(port: int, requests: list[bytes], *, connections: int = 16, seconds: float = 2.0) -> Load:
    """Load a server on this machine.

    Args:
        requests: whole HTTP requests, sent in turn; each must be answered 200 with a `content-length`.

    Raises:
        RuntimeError: another answer came.
    """
    loop = asyncio.get_running_loop()
    times: list[float] = []
    begun = time.perf_counter()
    waits = []
    for number in range(connections):
        finished: asyncio.Future[None] = loop.create_future()
        turned = requests[number % len(requests) :] + requests[: number % len(requests)]
        await loop.create_connection(
            lambda turned=turned, finished=finished: _Connection(turned, begun + seconds, times, finished),
            "127.0.0.1",
            port,
        )
        waits.append(finished)
    await asyncio.gather(*waits)
    took = time.perf_counter() - begun
    times.sort()
    return Load(len(times), len(times) / took, times[len(times) // 2], times[int(len(times) * 0.99)])


def get(path: str, port: int, **headers: str) -> bytes:
    """Write a GET request."""
    lines = [f"GET {path} HTTP/1.1", f"host: 127.0.0.1:{port}", *(f"{name}: {text}" for name, text in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
