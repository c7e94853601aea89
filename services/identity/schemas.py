"""What the identity service's answers look like, for its documentation."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class Token(BaseModel):
    """A token answer (RFC 6749 §5.1)."""

    access_token: Annotated[str, Field(description="JWT (RFC 9068); kirim sebagai `Authorization: Bearer …`.")]
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Masa berlaku dalam detik, dihitung sejak jawaban diterima.")]
    scope: Annotated[str, Field(description="Cakupan akses token, dipisahkan spasi.")]


class TokenRefusal(BaseModel):
    """A token error (RFC 6749 §5.2)."""

    error: Literal[
        "invalid_request",
        "invalid_client",
        "unsupported_grant_type",
        "invalid_scope",
        "slow_down",
    ]
    error_description: str


class PublicKey(BaseModel):
    """A public RSA key (RFC 7517)."""

    kty: Literal["RSA"]
    use: Literal["sig"]
    alg: Literal["RS256"]
    kid: str
    n: str
    e: str


class PublicKeys(BaseModel):
    """The keys that tokens are checked by."""

    keys: list[PublicKey]


class ServerMetadata(BaseModel):
    """What a client library can find out by itself (RFC 8414 §2)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    service_documentation: str
    ui_locales_supported: list[str]


TOKEN_REQUEST: dict[str, object] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "additionalProperties": {"type": "string", "description": "Diabaikan (RFC 6749 §3.2)."},
                "properties": {
                    "grant_type": {"type": "string", "enum": ["client_credentials"]},
                    "scope": {
                        "type": "string",
                        "description": "Cakupan yang diminta, dipisahkan spasi; kosong berarti semua milik klien.",
                        "example": "population:read",
                    },
                    "client_id": {"type": "string", "description": "Bila tidak memakai HTTP Basic."},
                    "client_secret": {"type": "string", "format": "password"},
                },
            }
        }
    },
}
"""OpenAPI request body of the token endpoint, which reads its form itself to answer as RFC 6749 wants it."""
