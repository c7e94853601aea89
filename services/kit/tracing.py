"""`X-Request-ID` (echoed, always journaled) and `traceparent` (W3C Trace Context): what identifies one call."""

import re
import secrets

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def request_id(given: str) -> str:
    """Keep the caller's request id if it is printable and short; otherwise make one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def trace_id(traceparent: str) -> str:
    """Give the trace id of a valid `traceparent` (32 hex digits, not all zero); otherwise a new one."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match and match[1].strip("0") and match[2].strip("0"):
        return match[1]
    return secrets.token_hex(16)
