"""Who may call a route: the scope it needs, stated where the route stands, checked and documented by one object."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase

from services.kit.etags import require_match, unchanged
from services.kit.idempotency import checked_key
from services.kit.language import catalogue, preferred
from services.kit.paging import spring_offset
from services.kit.problems import FieldError, Problem
from services.kit.sandbox import Sandbox
from services.kit.store import Session
from services.kit.tokens import Caller

_ = catalogue(__file__)


@dataclass(slots=True)
class Call:
    """One participant's call: what a route needs to know of its caller, sandbox and time.

    Attributes:
        db: the caller's own city; may write in unsafe methods only.
        page_shift: rows by which an offset page is to slip, through a `shift_page` fault.
        slipped: whether one has: the first page of a list cannot.
    """

    caller: Caller
    sandbox: Sandbox
    db: Session
    headers: Mapping[bytes, bytes]
    real: float
    request_id: str
    trace_id: str
    idempotency_key: str | None = None
    page_shift: int = 0
    slipped: bool = False

    @property
    def now(self) -> datetime:
        """The sandbox's time, aware."""
        return self.sandbox.clock.now(self.real)

    @property
    def language(self) -> str:
        """The language the caller asked for."""
        return preferred(self.header(b"accept-language") or "")

    def first_row(self, number: int, size: int) -> int:
        """Give the row at which an offset page begins, pages counted from 0."""
        row = spring_offset(number, size, self.page_shift)
        self.slipped = row != number * size
        return row

    def header(self, name: bytes) -> str | None:
        """Give a request header by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def has_current(self, etag: str) -> bool:
        """Say whether `If-None-Match` makes a 304 of this read."""
        return unchanged(self.header(b"if-none-match"), etag)

    def require_current(self, etag: str) -> None:
        """Let a change pass only with an `If-Match` that fits (412, 428)."""
        require_match(self.header(b"if-match"), etag)


def call_of(request: Request) -> Call:
    """Give the call that the pipeline attached to a request."""
    call: Call = request.scope["lab.call"]
    return call


class Allow(SecurityBase):
    """A route's dependency: gives the `Call`, or refuses it.

    Args:
        scope: what the token must carry, such as `population:read`.
        idempotent: whether the route demands an `Idempotency-Key`.

    Raises (when called):
        Problem: 403 `insufficient_scope`, 400 for the key, 422 for query parameters the route does not know.
    """

    def __init__(self, scope: str, *, idempotent: bool = False) -> None:
        self.scope = scope
        self.idempotent = idempotent
        self.scheme_name = "bearer"
        self.model = BearerModel(description="POST /oauth2/token, client credentials")

    async def __call__(self, request: Request) -> Call:
        """Check the call against what the route needs."""
        call = call_of(request)
        self.admit(call)
        if request.scope["query_string"]:
            _known_only(request)
        return call

    def admit(self, call: Call) -> None:
        """Check the caller's scope and, where the route needs one, the key."""
        self.require_scope(call.caller)
        if self.idempotent:
            call.idempotency_key = checked_key(call.header(b"idempotency-key"))

    def require_scope(self, caller: Caller) -> None:
        """Let only a caller pass whose token carries the scope."""
        if self.scope not in caller.scopes:
            detail = _("The token lacks the scope {scope}. Ask for it when you get the token.", scope=self.scope)
            headers = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{self.scope}"'}
            raise Problem(403, "insufficient_scope", detail, headers=headers, source="gateway")


def _known_only(request: Request) -> None:
    unknown = sorted(set(request.query_params) - request.scope["lab.query"])
    if unknown:
        errors = [
            FieldError(f"?{name[:80]}", "unknown_parameter", _("This call knows no such parameter."))
            for name in unknown[:10]
        ]
        raise Problem(422, "validation_failed", _("The request does not fit what this call expects."), errors=errors)
