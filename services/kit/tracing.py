"""`X-Request-ID` (echoed, always journaled) and `traceparent` (W3C Trace Context): what identifies one call."""

import re
import secrets
from itertools import count

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_PROCESS = secrets.token_hex(8)
"""What this process's ids begin with; a number follows, which is cheaper than chance and as unique."""
_numbers = count(1)


def request_id(given: str) -> str:
    """Keep the caller's request id if it is printable and short; otherwise make one."""
    if given and _REQUEST_ID.fullmatch(given):
        return given
    return f"{_PROCESS}{next(_numbers):08x}"


def trace_id(traceparent: str) -> str:
    """Give the trace id of a valid `traceparent` (32 hex digits, not all zero); otherwise a new one.

    Later versions than 00 may carry more at the end, and ff is none (W3C Trace Context §3.2.2, §4.3).
    """
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is not None and match[2].strip("0") and match[3].strip("0"):
        version, more = match[1], match[4]
        if version != "ff" and not (version == "00" and more):
            return match[2]
    return f"{_PROCESS}{next(_numbers):016x}"
