"""Errors of the token endpoint, in the shape that RFC 6749 §5.2 gives them instead of problem details."""

import json
from collections.abc import Mapping

from services.kit.answers import Answer
from services.kit.language import Text, catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)

NEVER_STORED: Mapping[str, str] = {"cache-control": "no-store", "pragma": "no-cache"}
"""Headers of every answer of the token endpoint (RFC 6749 §5.1)."""


class OAuthError(Problem):
    """A token request that is refused; answered as `{error, error_description}`.

    Args:
        error: the error code that client libraries look at, such as `invalid_client`.
        description: a sentence for the developer; only characters that §5.2 allows reach the wire.
        status: HTTP status.
        headers: further response headers.
    """

    def __init__(
        self, error: str, description: Text, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, error, description, headers=headers)

    def answer(self, language: str, *, instance: str, trace_id: str) -> Answer:
        """Write this error as `application/json` in `language`."""
        body = {"error": self.code, "error_description": permitted(self.detail.render(language))}
        headers = {"content-type": "application/json", **NEVER_STORED, **self.headers}
        return Answer(self.status, headers, json.dumps(body).encode())


def permitted(text: str) -> str:
    r"""Give `text` in the characters that §5.2 allows in a description: printable ASCII without `"` and `\`."""
    plain = text.replace('"', "'").replace("\\", "/")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)


def invalid_client() -> OAuthError:
    """Give the 401 for a client that is unknown or shows the wrong secret: which of the two is not told."""
    text = _(
        "No such client, or the wrong secret. Check client_id and client_secret, sent by HTTP Basic or in the body."
    )
    return OAuthError("invalid_client", text, status=401, headers={"www-authenticate": 'Basic realm="token"'})


def invalid_request(description: Text) -> OAuthError:
    """Give the 400 for a request that lacks something, repeats something or cannot be read."""
    return OAuthError("invalid_request", description)


def slow_down(headers: Mapping[str, str], seconds: str) -> OAuthError:
    """Give the 429 for a client that asks for tokens all the time; the code is the one that RFC 8628 registered.

    Args:
        headers: `Retry-After` and the `RateLimit` fields.
        seconds: how long to wait.
    """
    text = _(
        "This client asks for tokens too often. Use the token that you have until it expires; wait {seconds} seconds.",
        seconds=seconds,
    )
    return OAuthError("slow_down", text, status=429, headers=headers)
