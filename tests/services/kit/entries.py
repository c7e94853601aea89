"""Calls as a journal takes them."""

from datetime import date

from services.kit.clock import Clock
from services.kit.journal import Entry


def entry(**changes: object) -> Entry:
    """A call to be journaled."""
    whole: dict[str, object] = {
        **{
            "clock": Clock.opening(date(2026, 11, 2), 0.0),
            "started": 0.0,
            "ended": 0.0,
            "method": "POST",
            "path": "/",
            "query": "",
        },
        **{"headers": [], "body": b"", "answer": None, "client_id": None, "token_id": None, "scopes": ()},
        **{"request_id": "r", "trace_id": "t", "idempotency_key": None, "fault": None, "committed": False},
    }
    return Entry(**{**whole, **changes})  # type: ignore[arg-type] # the members above, some changed
