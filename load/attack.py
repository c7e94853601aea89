"""Runs Locust over a prepared room, in a process of its own, and reads what it counted."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
ROOT = LOCUSTFILE.parents[1]
_PER_SECOND = 10
_POLL_SECONDS = 1.0
_LONGEST_EXTRA_SECONDS = 120.0


class LocustFailed(Exception):  # noqa: N818 - named by the fact
    """Locust did not come to an end with figures; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of call: `p50` and so on in milliseconds."""

    call: str
    requests: int
    failures: int
    per_second: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What Locust counted.

    Attributes:
        rows: one for each kind of call, all together last.
        errors: how often each error came, by call and words.
    """

    rows: Sequence[Row]
    errors: Sequence[tuple[str, str, int]]

    @property
    def total(self) -> Row:
        """All calls together."""
        return self.rows[-1]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the room is worked.

    Attributes:
        room: the file of the participants.
        participants: how many of them.
        seconds: how long.
        rush: without thinking between two runs of a program.
        out: the folder for the report and Locust's log.
    """

    room: Path
    participants: int
    seconds: int
    rush: bool
    out: Path

    @property
    def report(self) -> Path:
        """Locust's own report."""
        return self.out / "report.html"

    def command(self) -> list[str]:
        """Returns the command line of Locust."""
        users = ["--users", str(self.participants), "--spawn-rate", str(_PER_SECOND), "--run-time", f"{self.seconds}s"]
        files = ["--room", str(self.room), "--summary", str(self.out / "summary.json"), "--html", str(self.report)]
        quiet = ["--headless", "--only-summary", "--loglevel", "WARNING", "--stop-timeout", "30"]
        rush = ["--rush"] if self.rush else []
        return [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *users, *files, *quiet, *rush]


def work(plan: Plan, on_second: Callable[[int, int], None]) -> Figures:
    """Lets the participants work.

    Args:
        plan: how.
        on_second: called about every second with Locust's process id and the seconds that have gone by.

    Raises:
        LocustFailed: there are no figures.
    """
    plan.out.mkdir(parents=True, exist_ok=True)
    summary, log = plan.out / "summary.json", plan.out / "locust.log"
    summary.unlink(missing_ok=True)
    with log.open("wb") as told, subprocess.Popen(plan.command(), cwd=ROOT, stdout=told, stderr=told) as locust:  # noqa: S603 - our own
        try:
            _wait(locust, plan.seconds, on_second)
        finally:
            locust.kill()
    if not summary.exists():
        raise LocustFailed(log.read_text(encoding="utf-8", errors="replace")[-2000:])
    return read(summary)


def read(summary: Path) -> Figures:
    """Reads what the locustfile wrote at its end."""
    content = json.loads(summary.read_text(encoding="utf-8"))
    errors = [(one["call"], one["error"], one["times"]) for one in content["errors"]]
    return Figures([Row(**row) for row in content["rows"]], errors)


def _wait(locust: subprocess.Popen[bytes], seconds: int, on_second: Callable[[int, int], None]) -> None:
    for second in range(int(seconds + _LONGEST_EXTRA_SECONDS)):
        try:
            locust.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            on_second(locust.pid, second + 1)
        else:
            return
