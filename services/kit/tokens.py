"""Access tokens: JWTs by RFC 9068, verified by the issuer's published keys and then remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.kit.clock import RealTime
from services.kit.language import Text, catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)

AUDIENCE = "kota-digital-sejahtera"
ALGORITHM = "RS256"
REFETCH_SECONDS = 5.0
_REMEMBERED = 8192

Keys = Callable[[], Awaitable[KeySet]]
"""Gives the issuer's public keys."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by a verified token (or by the client's own credentials at the token endpoint).

    Attributes:
        expires: epoch seconds on the real clock, which is the one that client libraries use.
    """

    sandbox: str
    client_id: str
    token_id: str | None
    scopes: tuple[str, ...]
    expires: float


def refused(detail: Text) -> Problem:
    """Give the 401 of RFC 6750 §3.1 for a token that is no good."""
    headers = {"www-authenticate": 'Bearer error="invalid_token"'}
    return Problem(401, "invalid_token", detail, headers=headers, source="gateway")


def missing() -> Problem:
    """Give the 401 of RFC 6750 §3 for a call without a token."""
    detail = _("This call needs an access token. Get one at the identity service and send it as Bearer.")
    return Problem(401, "token_missing", detail, headers={"www-authenticate": "Bearer"}, source="gateway")


class Verifier:
    """Tells who presents an `Authorization` header.

    Args:
        issuer: what `iss` must say.
        keys: where the public keys come from; asked again when a token names an unknown one, not too often.
        real: the real clock.
    """

    def __init__(self, issuer: str, keys: Keys, real: RealTime) -> None:
        self._issuer = issuer
        self._fetch = keys
        self._real = real
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._rules = jwt.JWTClaimsRegistry(
            now=lambda: int(real()),
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        )

    async def caller(self, authorization: bytes) -> Caller:
        """Give who presents this header value.

        Raises:
            Problem: 401 `token_missing` or `invalid_token`, 503 `issuer_unreachable`.
        """
        known = self._known.get(authorization)
        if known is not None:
            if self._real() < known.expires:
                return known
            raise refused(_("The access token has expired. Get a new one and repeat the call."))
        caller = await self._verified(authorization)
        self._known[authorization] = caller
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def _verified(self, authorization: bytes) -> Caller:
        scheme, _space, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise missing()
        claims = await self._claims(token.strip())
        return Caller(
            sandbox=str(claims["sandbox"]),
            client_id=str(claims["client_id"]),
            token_id=str(claims["jti"]),
            scopes=tuple(str(claims["scope"]).split()),
            expires=float(claims["exp"]),
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        for again in (False, True):
            keys = await self._current_keys(again=again)
            try:
                claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
                self._rules.validate(claims)
            except (JoseError, ValueError, TypeError) as error:
                # joserfc does not look at the type of a forged header's `crit` before it goes through it.
                if type(error).__name__ == "ExpiredTokenError":
                    detail = _("The access token has expired. Get a new one and repeat the call.")
                    raise refused(detail) from error
                continue
            if {"sandbox", "client_id", "jti", "scope"} <= claims.keys():
                return dict(claims)
        raise refused(_("The access token is not one that this city's identity service issued. Get a new one."))

    async def _current_keys(self, *, again: bool) -> KeySet:
        async with self._lock:
            if self._keys is None or (again and self._real() - self._fetched > REFETCH_SECONDS):
                self._keys = await self._fetch()
                self._fetched = self._real()
            return self._keys


def published_keys(issuer: str) -> Keys:
    """Give a source that reads `/.well-known/jwks.json` of the issuer."""

    async def fetch() -> KeySet:
        import httpx  # noqa: PLC0415 - costs start-up time, and the identity service does not need it

        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
                response = await client.get(f"{issuer}/.well-known/jwks.json")
                response.raise_for_status()
                return KeySet.import_key_set(response.json())
        except (httpx.HTTPError, ValueError) as error:
            detail = _("The identity service does not answer, so tokens cannot be checked. Try again in a moment.")
            headers = {"retry-after": "1"}
            raise Problem(503, "issuer_unreachable", detail, headers=headers, source="gateway") from error

    return fetch
