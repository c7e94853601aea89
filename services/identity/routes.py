"""The identity service's addresses: the token endpoint, and what verifies and describes its tokens."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.responses import JSONResponse
from fastapi.security.base import SecurityBase
from sqlalchemy import bindparam, select

from services.identity import rules
from services.identity.issuer import Issuer
from services.identity.refusals import NEVER_STORED, invalid_client, invalid_request
from services.identity.schemas import TOKEN_REQUEST, PublicKeys, ServerMetadata, Token, TokenRefusal
from services.identity.tables import clients, tokens
from services.kit.access import Call, call_of
from services.kit.incoming import Incoming
from services.kit.language import catalogue
from services.kit.problems import documented
from services.kit.routing import wrong_method
from services.kit.store import Prepared, Record
from services.kit.tenancy import Sandboxes, SandboxUnknownError
from services.kit.tokens import AUDIENCE, Caller

_ = catalogue(__file__)

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address
JWKS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"

_CLIENT = Prepared(select(clients).where(clients.c.client_id == bindparam("client_id")))
_ADD_TOKEN = tokens.insert()
_ENDLESS = float("inf")

router = APIRouter()


async def recognise(incoming: Incoming, sandboxes: Sandboxes) -> Caller:
    """Tell which client a token request says it is from; its secret is checked inside the sandbox, and journaled.

    Raises:
        OAuthError: no client of any sandbox is named; unknown sandbox and unknown client look the same.
        Problem: 405 `method_not_allowed`.
    """
    given = _given(incoming.headers, incoming.query, incoming.body)
    client_id = rules.claimed_client(*given)
    if client_id is None:
        if incoming.method != "POST":
            raise wrong_method({"allow": "POST"})
        rules.read_request(*given)
        raise invalid_request(_("Write the names of the parameters as they are, without percent signs."))
    sandbox = rules.sandbox_of(client_id)
    if sandbox is None:
        raise invalid_client()
    try:
        spec = await sandboxes.spec(sandbox)
    except SandboxUnknownError as error:
        raise invalid_client() from error
    if not any(client.client_id == client_id for client in spec.clients):
        raise invalid_client()
    return Caller(sandbox, client_id, token_id=None, scopes=(), expires=_ENDLESS)


def _given(headers: Mapping[bytes, bytes], query: str, body: bytes) -> tuple[str, str, str, bytes]:
    """Give what a token request consists of: `Authorization`, `Content-Type`, query and body."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    return authorization, headers.get(b"content-type", b"").decode("latin-1"), query, body


class Asked(SecurityBase):
    """The token route's dependency: gives the request it was sent, or refuses it in OAuth's own words."""

    def __init__(self) -> None:
        self.scheme_name = "client"
        self.model = HTTPBase(scheme="basic", description="client_id dan client_secret")

    async def __call__(self, request: Request) -> rules.TokenRequest:
        """Read the request; raises `OAuthError`."""
        return rules.read_request(*_given(call_of(request).headers, request.url.query, await request.body()))


_REFUSED: dict[str, Any] = {
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/TokenRefusal"}},
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    }
}


@router.post(
    TOKEN_PATH,
    summary="Minta token akses",
    description=(
        "Client credentials (RFC 6749 §4.4). Sebutkan klien dengan HTTP Basic **atau** di badan permintaan. Simpan "
        "token dan pakai ulang sampai `expires_in` habis: satu klien hanya boleh meminta "
        f"{rules.TOKENS_PER_MINUTE} token per menit. Galat ditulis sebagai `{{error, error_description}}`."
    ),
    response_model=Token,
    responses={
        400: {"description": "Permintaan, jenis grant, atau cakupan tidak sah", **_REFUSED},
        401: {"description": "Klien tidak dikenal atau rahasianya salah", "model": TokenRefusal},
        429: {"description": "Terlalu sering meminta token", **_REFUSED},
        **documented(405),
    },
    openapi_extra={"requestBody": TOKEN_REQUEST},
)
async def give_token(request: Request, asked: Annotated[rules.TokenRequest, Depends(Asked())]) -> JSONResponse:
    """Give a client its access token."""
    issuer: Issuer = request.app.state.issuer
    call = call_of(request)
    client = await _authenticated(call, asked)
    headers = {**NEVER_STORED, **issuer.count(call)}
    rules.require_client_credentials(asked.grant_type)
    scopes = rules.granted_scopes(asked.scopes, client["scopes"].split())
    seconds = call.sandbox.spec.token_seconds
    grant = rules.Grant(issuer.url, AUDIENCE, asked.client_id, call.sandbox.name, scopes, seconds)
    # Not from the call's arrival on: a fault may have held it up, and `expires_in` counts from the answer.
    claims = grant.claims(secrets.token_urlsafe(16), issuer.real())
    await call.db.run(_ADD_TOKEN, rows=[_token_row(claims)])
    body = {
        "access_token": await issuer.sign(claims),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": claims["scope"],
    }
    return JSONResponse(body, headers=headers)


async def _authenticated(call: Call, asked: rules.TokenRequest) -> Record:
    """Give the client's record, if it shows its secret."""
    client = await call.db.first(_CLIENT, client_id=asked.client_id)
    if client is None or not rules.is_secret(asked.client_secret, client["secret_sha256"]):
        raise invalid_client()
    return client


def _token_row(claims: Mapping[str, object]) -> dict[str, object]:
    return {
        "token_id": claims["jti"],
        "client_id": claims["client_id"],
        "scope": claims["scope"],
        "issued": claims["iat"],
        "expires": claims["exp"],
    }


@router.get(
    JWKS_PATH,
    summary="Kunci publik pemeriksa token",
    description="JWK Set (RFC 7517). Periksa tanda tangan token dengan kunci yang `kid`-nya sama.",
    response_model=PublicKeys,
)
async def show_keys(request: Request) -> JSONResponse:
    """Give the public keys."""
    issuer: Issuer = request.app.state.issuer
    keys = await issuer.public_keys()
    return JSONResponse(keys.as_dict(private=False), headers={"cache-control": "public, max-age=60"})


@router.get(
    METADATA_PATH,
    summary="Keterangan server otorisasi",
    description="RFC 8414: pustaka OAuth2 dapat menemukan sendiri alamat token dan kunci dari sini.",
    response_model=ServerMetadata,
)
async def show_metadata(request: Request) -> JSONResponse:
    """Describe this server to client libraries."""
    issuer: Issuer = request.app.state.issuer
    return JSONResponse(
        {
            "issuer": issuer.url,
            "token_endpoint": issuer.url + TOKEN_PATH,
            "jwks_uri": issuer.url + JWKS_PATH,
            "scopes_supported": issuer.scopes,
            # Required by RFC 8414 even where there is no authorization endpoint, and never empty (§3.2).
            "response_types_supported": ["none"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "service_documentation": f"{issuer.url}/docs",
            "ui_locales_supported": ["id", "en"],
        }
    )
