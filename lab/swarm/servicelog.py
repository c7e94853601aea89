"""What the services of a stack have written to their logs, on whichever machine."""

import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue

from lab.swarm.engine import Swarm, worded


def lines(swarm: Swarm, services: Mapping[str, str], *, lines: int, follow: bool) -> Iterator[str]:
    """Gives the last lines of each of `services` (names by identifier); to follow, every new one without end."""
    yield from _followed(swarm, services, lines) if follow else _last(swarm, services, lines)


def _last(swarm: Swarm, services: Mapping[str, str], count: int) -> Iterator[str]:
    stamped: list[tuple[str, str, str]] = []
    for key, name in services.items():
        with worded():
            pieces = swarm.client.services.get(key).logs(stdout=True, stderr=True, tail=count, timestamps=True)
            text = b"".join(pieces).decode("utf-8", "replace")
        for line in text.splitlines():
            stamp, _space, rest = line.partition(" ")
            stamped.append((stamp, rest, name))
    for _stamp, rest, name in sorted(stamped):
        yield f"{name} | {rest}"


def _followed(swarm: Swarm, services: Mapping[str, str], count: int) -> Iterator[str]:
    said: SimpleQueue[str] = SimpleQueue()

    def listen(key: str, name: str) -> None:
        with worded():
            for piece in swarm.client.services.get(key).logs(stdout=True, stderr=True, tail=count, follow=True):
                for line in piece.decode("utf-8", "replace").splitlines():
                    said.put(f"{name} | {line}")

    for key, name in services.items():
        threading.Thread(target=listen, args=(key, name), daemon=True).start()
    while True:
        yield said.get()
