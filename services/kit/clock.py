"""The sandbox's own clock: starts at the city's reference date, runs at real speed, and can be moved by the lab."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

WITA = timezone(timedelta(hours=8), "WITA")
"""Waktu Indonesia Tengah, +08:00: the city lies in Sulawesi Barat."""

OFFICE_OPENS = time(8, 0, tzinfo=WITA)

_FIRST = datetime(1900, 1, 1, tzinfo=WITA)
_LAST = datetime(2199, 12, 31, tzinfo=WITA)

RealTime = Callable[[], float]
"""Seconds since the epoch, as `time.time` gives them; tests give their own."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that showed `shown` at the real moment `at_real` and has run at real speed since.

    Attributes:
        shown: aware, in WITA.
        at_real: epoch seconds.
    """

    shown: datetime
    at_real: float

    @classmethod
    def opening(cls, reference_date: date, real: float) -> "Clock":
        """Start at eight in the morning of the reference date."""
        return cls(datetime.combine(reference_date, OFFICE_OPENS), real)

    def now(self, real: float) -> datetime:
        """Give the sandbox time at the real moment `real`, aware, to the millisecond."""
        moment = self.shown + timedelta(seconds=real - self.at_real)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    @classmethod
    def showing(cls, shown: datetime, real: float) -> "Clock | None":
        """Give a clock that shows an aware moment at the real moment `real`; None for years it cannot go on from."""
        return cls(shown.astimezone(WITA), real) if _FIRST <= shown <= _LAST else None

    def moved(self, real: float, *, seconds: float) -> "Clock | None":
        """Give the clock put forward (or back) by `seconds`; None where that leaves the years it can show."""
        return Clock.showing(self.now(real) + timedelta(seconds=seconds), real)

    def stored(self) -> dict[str, object]:
        """Give a JSON value from which `restored` makes this clock again."""
        return {"shown": self.shown.isoformat(), "at_real": self.at_real}

    def rebased(self, real: float) -> "Clock":
        """Give this clock, told from what it shows at the real moment `real`."""
        return Clock(self.now(real), real)

    @classmethod
    def restored(cls, value: Mapping[str, object], began: float) -> "Clock":
        """Undo `stored`, in a state that has been the present one since the real moment `began`.

        A checkpoint's clock was stored before that: it goes on from what it showed then.
        """
        return cls(datetime.fromisoformat(str(value["shown"])), max(float(str(value["at_real"])), began))
