"""Rate limits per client in fixed windows, told by `RateLimit-Policy` and `RateLimit` (IETF draft, httpapi WG)."""

from dataclasses import dataclass
from math import ceil

from services.kit.language import catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)

WINDOW_SECONDS = 60


@dataclass(slots=True)
class _Window:
    ends: float
    left: int


class RateLimit:
    """How many calls each client of one sandbox may make in a minute.

    Args:
        per_minute: calls that a client may make in one window.
        name: what the headers call this limit.
    """

    def __init__(self, per_minute: int, name: str = "default") -> None:
        self.policy = f'"{name}";q={per_minute};w={WINDOW_SECONDS}'
        self._name = name
        self._quota = per_minute
        self._windows: dict[str, _Window] = {}

    def take(self, client_id: str, now: float) -> str:
        """Count one call at `now` (seconds of any steady clock) and give the `RateLimit` value.

        Raises:
            Problem: 429 `rate_limited` with `Retry-After` when the window is used up.
        """
        window = self._windows.get(client_id)
        if window is None or now >= window.ends:
            window = self._windows[client_id] = _Window(now + WINDOW_SECONDS, self._quota)
        wait = min(ceil(window.ends - now), WINDOW_SECONDS)
        if window.left <= 0:
            raise self.exhausted(wait)
        window.left -= 1
        return f'"{self._name}";r={window.left};t={wait}'

    def exhausted(self, wait: int) -> Problem:
        """Give the 429 that asks for `wait` seconds of patience."""
        detail = _("This client has used up its calls. Wait {seconds} seconds, then go on.", seconds=wait)
        headers = {
            "retry-after": str(wait),
            "ratelimit-policy": self.policy,
            "ratelimit": f'"{self._name}";r=0;t={wait}',
        }
        return Problem(429, "rate_limited", detail, headers=headers, source="gateway")
