"""Errors as problem details (RFC 9457), one shape for every agency.

`Problem` knows no framework: rules raise it, the pipeline turns it into an answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from services.kit.answers import Answer
from services.kit.language import Text, catalogue

_ = catalogue(__file__)

Source = Literal["gateway", "provider"]

_TITLES: Mapping[int, Text] = {
    400: _("Bad request"),
    401: _("Not signed in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    409: _("Conflict"),
    412: _("Precondition failed"),
    413: _("Content too large"),
    415: _("Unsupported media type"),
    422: _("Content cannot be processed"),
    428: _("Precondition required"),
    429: _("Too many requests"),
    431: _("Headers too large"),
    500: _("Internal error"),
    502: _("Bad gateway"),
    503: _("Service unavailable"),
    504: _("Gateway timeout"),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one member of a request.

    Attributes:
        pointer: JSON Pointer fragment into the body (`#/nik`), or `?name` for a query parameter.
        code: stable snake_case name of the rule that was broken.
        detail: a plain sentence.
    """

    pointer: str
    code: str
    detail: Text


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """A request that cannot be carried out.

    Args:
        status: HTTP status, 400 to 599.
        code: stable snake_case name, listed in the service's README.
        detail: what happened and what to do, for a person.
        errors: one entry for each wrong member (422).
        headers: further response headers, such as `Retry-After`.
        source: who failed, the gateway (the lab's shared front) or the provider (the agency); the idea is X-Road's.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: Text,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        source: Source = "provider",
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.source = source

    def answer(self, language: str, *, instance: str, trace_id: str) -> Answer:
        """Write this problem as `application/problem+json` in `language`."""
        title = _TITLES.get(self.status)
        body: dict[str, object] = {
            "type": f"urn:spbe-lab:problem:{self.code}",
            "title": title.render(language) if title else HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail.render(language),
            "instance": instance,
            "code": self.code,
            "source": self.source,
            "trace_id": trace_id,
        }
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": error.detail.render(language)}
                for error in self.errors
            ]
        headers = {"content-type": "application/problem+json", **self.headers}
        return Answer(self.status, headers, json.dumps(body, ensure_ascii=False).encode())


PROBLEM_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "source", "trace_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "source": {"enum": ["gateway", "provider"]},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "additionalProperties": False,
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Give OpenAPI `responses=` entries that say these statuses answer with a problem."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted({*statuses, 503})
    }
