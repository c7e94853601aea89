"""What the load costs: memory and processor time of whatever serves the agencies, and of Locust."""

import contextlib
import os
from dataclasses import dataclass

import psutil

MEGABYTE = 1_000_000


@dataclass(slots=True)
class Footprint:
    """One process with its children.

    Attributes:
        name: what people call it.
        is_new: it was started for this load, so that all of its processor time counts.
        first_mb: resident memory when it was looked at first.
        peak_mb: the most that was seen.
        first_seconds: processor time it had used when it was looked at first.
        last_seconds: likewise, when it was looked at last.
    """

    name: str
    is_new: bool = False
    first_mb: float = 0.0
    peak_mb: float = 0.0
    first_seconds: float = 0.0
    last_seconds: float = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Processor time used meanwhile."""
        return self.last_seconds - self.first_seconds

    def add(self, megabytes: float, seconds: float) -> None:
        """Takes another look into account."""
        if not self.first_mb:
            self.first_mb, self.first_seconds = megabytes, 0.0 if self.is_new else seconds
        self.peak_mb = max(self.peak_mb, megabytes)
        self.last_seconds = max(self.last_seconds, seconds)

    def look(self, pid: int) -> None:
        """Looks at the process `pid` and its children; one that has ended is passed over."""
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(pid)
            family = [first, *first.children(recursive=True)]
            times = [one.cpu_times() for one in family]
            megabytes = sum(one.memory_info().rss for one in family) / MEGABYTE
            self.add(megabytes, sum(time.user + time.system for time in times))


def load_average() -> float:
    """Returns how many processes wanted to run, over the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
