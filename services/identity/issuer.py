"""The issuer of tokens: its address, its key, the scopes it knows, and how often clients may ask."""

import asyncio
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

from fastapi import FastAPI
from joserfc.jwk import KeySet

from services.identity import rules
from services.identity.refusals import slow_down
from services.identity.signing import SigningKey, published, signed, signing_key
from services.kit.access import Call
from services.kit.clock import RealTime
from services.kit.limits import RateLimit
from services.kit.problems import Problem
from services.kit.settings import Settings
from services.kit.tokens import Keys


@dataclass
class Issuer:
    """What the routes work with.

    Attributes:
        url: what `iss` says, the base of this service's addresses.
        scopes: all that the city's services know.
        real: the real clock.
        quotas: how often clients may still ask, for each sandbox that is open; gone when it is closed or reset.
    """

    url: str
    key: SigningKey
    scopes: list[str]
    real: RealTime
    quotas: WeakKeyDictionary[object, RateLimit] = field(default_factory=WeakKeyDictionary)

    async def sign(self, claims: Mapping[str, object]) -> str:
        """Give the access token with these claims."""
        return signed(await asyncio.to_thread(self.key.load), claims)

    async def public_keys(self) -> KeySet:
        """Give the keys that tokens are checked by."""
        return published(await asyncio.to_thread(self.key.load))

    def count(self, call: Call) -> dict[str, str]:
        """Count a client's token request and give the `RateLimit` headers.

        Raises:
            OAuthError: 429 `slow_down`.
        """
        quota = self.quotas.setdefault(call.sandbox, RateLimit(rules.TOKENS_PER_MINUTE, "token"))
        try:
            left = quota.take(call.caller.client_id, call.real)
        except Problem as problem:
            raise slow_down(problem.headers, problem.headers["retry-after"]) from problem
        return {"ratelimit-policy": quota.policy, "ratelimit": left}


def set_up(app: FastAPI, settings: Settings, real: RealTime) -> None:
    """Give the routes their issuer."""
    app.state.issuer = Issuer(settings.issuer, signing_key(settings), offered_scopes(), real)


def own_keys(settings: Settings) -> Keys:
    """Give the published keys without asking oneself over HTTP."""

    async def keys() -> KeySet:
        return published(await asyncio.to_thread(signing_key(settings).load))

    return keys


def offered_scopes() -> list[str]:
    """Give every scope that a service of this city declares in its `service.toml`."""
    files = Path(__file__).resolve().parents[1].glob("*/service.toml")
    return sorted(scope for file in files for scope in tomllib.loads(file.read_text("utf-8")).get("scopes", {}))
