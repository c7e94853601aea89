"""What a token request must look like, who may have a token, and what it says: RFC 6749 §2.3 and §4.4, RFC 9068."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from services.identity.refusals import OAuthError, invalid_client, invalid_request
from services.kit.language import catalogue

_ = catalogue(__file__)

FORM = "application/x-www-form-urlencoded"
TOKENS_PER_MINUTE = 60
"""Token requests that one client may make in a minute; a client that keeps its token needs one every few minutes."""

GRACE_SECONDS = 1
"""Tokens outlive `expires_in` by this: whole seconds are cut off `iat`, and the answer takes time to travel."""

_CLIENT_ID = re.compile(r"([a-z][a-z0-9]{3,31})-[a-z0-9]{1,32}")
_READABLE = frozenset({"", FORM, "application/json", "text/plain"})
_MOST_PARAMETERS = 50
_LONGEST = 16 * 1024


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request that can be read.

    Attributes:
        scopes: those asked for, each once, in their order; None when the client leaves the choice to the server.
    """

    client_id: str
    client_secret: str
    grant_type: str
    scopes: tuple[str, ...] | None


def sandbox_of(client_id: str) -> str | None:
    """Give the sandbox that a client id belongs to: `<sandbox>-<name>`; None for what is no client id."""
    match = _CLIENT_ID.fullmatch(client_id)
    return match[1] if match else None


def claimed_client(authorization: str, content_type: str, query: str, body: bytes) -> str | None:
    """Give the client that a request says it is from, be the request good or not, so that its mistakes can be shown.

    None where nobody is named, and where a secret may stand in a form in which the journal would not know it.
    """
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("utf-8", "replace")
    if kind not in _READABLE or len(body) > _LONGEST or not (_is_plain(text) and _is_plain(query)):
        return None
    try:
        basic = basic_credentials(authorization)
        named = {**_members(text), **_pairs(query), **_pairs(text)}
    except (OAuthError, ValueError):
        return None
    client_id = basic[0] if basic is not None else named.get("client_id")
    return client_id if isinstance(client_id, str) else None


def _pairs(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, max_num_fields=_MOST_PARAMETERS))


def _is_plain(text: str) -> bool:
    """Say whether names in a form or in JSON are spelled as they are meant: `client%5Fsecret` is not."""
    names = (pair.partition("=")[0] for pair in text.split("&"))
    return "\\" not in text and not any("%" in name or "+" in name for name in names)


def _members(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Give client id and secret from an `Authorization` header, percent-decoded as RFC 6749 §2.3.1 has it.

    Returns:
        None without a header, and for other schemes: a bearer token left over from other calls names no client.

    Raises:
        OAuthError: `invalid_client` for Basic credentials that cannot be read.
    """
    scheme, _space, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        pair = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError as error:
        raise invalid_client() from error
    if not colon:
        raise invalid_client()
    return pair


def form_parameters(content_type: str, body: bytes) -> dict[str, str]:
    """Give the parameters of a form; those without a value count as omitted (RFC 6749 §3.2).

    Raises:
        OAuthError: `invalid_request` for another media type, text that is not UTF-8, or a repeated parameter.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise invalid_request(
            _("Send the parameters in the body as application/x-www-form-urlencoded, not as JSON or in the address.")
        )
    try:
        _require_short(body)
        pairs = parse_qsl(body.decode("utf-8"), errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise invalid_request(_("The form in the body cannot be read.")) from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise invalid_request(_("A parameter stands in the form more than once. Send each one once."))
    return parameters


def _require_short(body: bytes) -> None:
    if len(body) > _LONGEST:
        message = f"more than {_LONGEST} bytes"
        raise ValueError(message)


def read_request(authorization: str, content_type: str, query: str, body: bytes) -> TokenRequest:
    """Read a token request.

    Raises:
        OAuthError: `invalid_request` or `invalid_client`.
    """
    if query:
        raise invalid_request(_("Send the parameters in the body, never in the address, where others can read them."))
    parameters = form_parameters(content_type, body)
    client_id, secret = _credentials(basic_credentials(authorization), parameters)
    if "grant_type" not in parameters:
        raise invalid_request(_("The parameter grant_type is missing. Send grant_type=client_credentials."))
    scopes = tuple(dict.fromkeys(parameters["scope"].split())) if "scope" in parameters else None
    return TokenRequest(client_id, secret, parameters["grant_type"], scopes or None)


def _credentials(basic: tuple[str, str] | None, parameters: Mapping[str, str]) -> tuple[str, str]:
    if basic is None:
        if "client_id" not in parameters or "client_secret" not in parameters:
            raise invalid_client()
        return parameters["client_id"], parameters["client_secret"]
    if "client_secret" in parameters:
        raise invalid_request(_("The client is named both by HTTP Basic and in the body. Use one of the two."))
    if parameters.get("client_id", basic[0]) != basic[0]:
        raise invalid_request(_("The client_id in the body is not the one in HTTP Basic."))
    return basic


def require_client_credentials(grant_type: str) -> None:
    """Let only the one grant pass that machines use among themselves.

    Raises:
        OAuthError: `unsupported_grant_type`.
    """
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type", _("The only grant_type here is client_credentials."))


def granted_scopes(asked: Sequence[str] | None, allowed: Sequence[str]) -> tuple[str, ...]:
    """Give the scopes of the token: those asked for, or all that the client has when it asks for none.

    Raises:
        OAuthError: `invalid_scope` when one of them is not the client's.
    """
    if asked is None:
        return tuple(allowed)
    if not set(asked) <= set(allowed):
        text = _("This client does not have every scope that it asks for. It has: {scopes}.", scopes=" ".join(allowed))
        raise OAuthError("invalid_scope", text)
    return tuple(asked)


def secret_hash(client_secret: str) -> str:
    """Give what is stored of a secret.

    Client secrets are made by machines from 128 random bits or more, so nobody can find one by trying, and a slow hash
    such as scrypt would protect nothing more: it is for passwords that people choose.
    """
    return hashlib.sha256(client_secret.encode()).hexdigest()


def is_secret(presented: str, stored_hash: str) -> bool:
    """Say whether a secret is the right one, in a time that tells nothing about it."""
    return secrets.compare_digest(secret_hash(presented), stored_hash)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is given for.

    Attributes:
        seconds: how long the client may count on it.
    """

    issuer: str
    audience: str
    client_id: str
    sandbox: str
    scopes: tuple[str, ...]
    seconds: int

    def claims(self, token_id: str, now: float) -> dict[str, object]:
        """Give the token's claims (RFC 9068 §2.2), with the sandbox as one more.

        Args:
            now: epoch seconds of the real clock, which is the one that client libraries use.
        """
        return {
            "iss": self.issuer,
            "sub": self.client_id,
            "client_id": self.client_id,
            "aud": self.audience,
            "iat": int(now),
            "exp": int(now) + self.seconds + GRACE_SECONDS,
            "jti": token_id,
            "scope": " ".join(self.scopes),
            "sandbox": self.sandbox,
        }
