"""Two styles of paging, on purpose, each in the agency where it is true; `Link: rel="next"` (RFC 8288) on both.

Cursor: `?limit=&cursor=` gives `{data, meta: {limit, has_more, cursor}}`, limit 1 to 1000, as LKPP's
INAPROC gateway does.
Spring: `?page=&size=` gives `{content, number, size, totalElements, totalPages, firstPage, lastPage}`, page from 0.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Query

from services.kit.language import catalogue
from services.kit.problems import FieldError, Problem

_ = catalogue(__file__)

MAX_LIMIT = 1000
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows on one page.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`meta.cursor` of the page before; none for the first.")
]
PageNumber = Annotated[int, Query(ge=0, le=1_000_000, description="Page number, from 0.")]
PageSize = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows on one page.")]


def _filter_print(filters: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(filters, sort_keys=True, default=str).encode()).hexdigest()[:12]


def cursor_after(key: str, filters: Mapping[str, object]) -> str:
    """Give the opaque cursor that goes on after `key` under the same filters."""
    return base64.urlsafe_b64encode(json.dumps([key, _filter_print(filters)]).encode()).decode().rstrip("=")


def key_of(cursor: str | None, filters: Mapping[str, object]) -> str:
    """Give the key that a cursor goes on after; the empty string for the first page.

    Raises:
        Problem: 422 `validation_failed` for a cursor that this service did not give for these filters.
    """
    if cursor is None:
        return ""
    try:
        key, printed = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError):
        key, printed = None, None
    if not isinstance(key, str) or printed != _filter_print(filters) or not _is_storable(key):
        text = _("Give the cursor back just as it came, with the same filters.")
        detail = _("The request does not fit what this call expects.")
        raise Problem(422, "validation_failed", detail, errors=[FieldError("?cursor", "invalid_cursor", text)])
    return key


def _is_storable(key: str) -> bool:
    """Say whether a key could stand in a database: anyone can write a cursor, with half a character or a NUL in it."""
    return "\x00" not in key and not any("\ud800" <= letter <= "\udfff" for letter in key)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to answer with: its body and its `Link` header."""

    body: dict[str, Any]
    headers: dict[str, str]


def cursor_page(
    rows: Sequence[Mapping[str, Any]], *, limit: int, key: str, path: str, filters: Mapping[str, object]
) -> Page:
    """Make a page of `rows`, of which there is one more than `limit` where another page follows.

    Args:
        key: the column that orders the rows, unique, a string.
        filters: the caller's filters, None where not given.
    """
    data = rows[:limit]
    more = len(rows) > limit
    cursor = cursor_after(str(data[-1][key]), filters) if more else None
    headers = {}
    if cursor is not None:
        given = {name: value for name, value in filters.items() if value is not None}
        headers["link"] = f'<{quote(path)}?{urlencode({**given, "limit": limit, "cursor": cursor})}>; rel="next"'
    return Page({"data": data, "meta": {"limit": limit, "has_more": more, "cursor": cursor}}, headers)


def spring_offset(number: int, size: int, shift: int) -> int:
    """Give the row at which a page begins; a `shift_page` fault makes later pages repeat rows of the one before."""
    return max(number * size - (shift if number else 0), 0)


def spring_page(
    rows: Sequence[Mapping[str, Any]],
    *,
    number: int,
    size: int,
    total: int,
    path: str,
    filters: Mapping[str, object],
) -> Page:
    """Make a Spring-like page of the rows from `spring_offset` on."""
    pages = -(-total // size)
    last = number + 1 >= pages
    body = {
        "content": rows,
        "number": number,
        "size": size,
        "numberOfElements": len(rows),
        "totalElements": total,
        "totalPages": pages,
        "firstPage": number == 0,
        "lastPage": last,
    }
    headers = {}
    if not last:
        given = {name: value for name, value in filters.items() if value is not None}
        headers["link"] = f'<{quote(path)}?{urlencode({**given, "page": number + 1, "size": size})}>; rel="next"'
    return Page(body, headers)
