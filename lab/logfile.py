"""The end of a log file, and what is written to it from now on."""

import threading
from collections.abc import Iterator
from pathlib import Path

_READ_BYTES = 65536
_POLL_SECONDS = 0.2


def tail(file: Path, *, lines: int, follow: bool) -> Iterator[str]:
    """Gives the last `lines` lines of `file`, none where there is no file; to follow, every new one without end."""
    try:
        log = file.open("rb")
    except OSError:
        return
    with log:
        log.seek(max(0, file.stat().st_size - _READ_BYTES))
        found = log.read().decode("utf-8", "replace").splitlines()
        yield from found[-lines:]
        pause = threading.Event()
        while follow:
            line = log.readline()
            if line.endswith(b"\n"):
                yield line.decode("utf-8", "replace").rstrip("\n")
            else:  # the rest of it is not written yet
                log.seek(-len(line), 1)
                pause.wait(_POLL_SECONDS)
