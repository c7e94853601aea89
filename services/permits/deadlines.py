"""The service time (SLA) of an application, in working days, read from its history alone.

Working days are Monday to Friday in the city (WITA); the lab knows no public holidays. A day counts when it *begins*
while the clock runs, so the day on which something is handed in does not count, and pausing never costs half days.

What entering a status does (OSS, Lampiran 10): 41 pauses, 42 resumes, 43 resets, 44 restarts. The lab adds: 20 starts
(or resumes), 11 resets, and 50, 57, 90 and 93 end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from services.kit.clock import WITA
from services.permits.rules import STATUSES

ClockState = Literal["not_started", "running", "paused", "ended"]

WORKING_DAYS: Mapping[str, int] = {"R": 1, "MR": 3, "MT": 7, "T": 14}
"""Service time by risk: lab fixtures, not figures of any regulation."""

_WEEKEND = 5
_MONDAY = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """How much of its service time an application has used.

    Attributes:
        state: what the clock does now.
        limit: working days that the office has.
        used: working days counted so far.
        due_on: last day in time if the clock runs on from now; None while it does not run, or when it is late.
    """

    state: ClockState
    limit: int
    used: int
    due_on: date | None

    @property
    def overdue(self) -> bool:
        """Whether the office is late: more than `limit` days were used, and it has not decided yet."""
        return self.used > self.limit and self.state != "ended"


def _working_days_to(day: date) -> int:
    """Working days from Monday 1 January of year 1 to `day`, both included."""
    weeks, rest = divmod((day - _MONDAY).days + 1, 7)
    return weeks * _WEEKEND + min(rest, _WEEKEND)


def working_days(after: date, until: date) -> int:
    """Count the working days after `after`, up to and including `until`; 0 when `until` is not later."""
    return max(0, _working_days_to(until) - _working_days_to(after))


def working_day_after(day: date, count: int) -> date:
    """Give the `count`-th working day after `day`; with 0, `day` itself."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < _WEEKEND
    return day


def deadline(history: Sequence[tuple[str, datetime]], *, risk: str, now: datetime) -> Deadline:
    """Read the service time from an application's history.

    Args:
        history: status codes and aware instants, oldest first.
        risk: "R", "MR", "MT" or "T".
        now: aware.
    """
    state: ClockState = "not_started"
    used, since = 0, now
    for status, at in history:
        if state == "running":
            used += working_days(_day(since), _day(at))
        since = at
        effect = STATUSES[status].clock
        if state == "ended" or effect == "none":
            continue
        if effect == "reset":
            used = 0
        state = _STATES[effect]
    limit = WORKING_DAYS[risk]
    if state != "running":
        return Deadline(state, limit, used, None)
    used += working_days(_day(since), _day(now))
    due_on = working_day_after(_day(now), limit - used) if used <= limit else None
    return Deadline(state, limit, used, due_on)


_STATES: Mapping[str, ClockState] = {"run": "running", "pause": "paused", "reset": "paused", "end": "ended"}


def _day(moment: datetime) -> date:
    return moment.astimezone(WITA).date()
