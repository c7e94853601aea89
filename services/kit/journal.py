"""The request journal of one sandbox in one service: evidence for the grader, a mirror for the participant.

A call that changes state writes its entry in the same transaction. Reads are kept in memory and written in batches,
always before the journal is read, before a write is committed, and before the sandbox is closed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select

from services.kit.answers import Answer
from services.kit.clock import Clock
from services.kit.store import Appending, Prepared, Record, Session, Transaction
from services.kit.tables import journal

BATCH = 64
"""Entries after which a batch is written: so few that writing them does not hold up the calls meanwhile."""
MAX_BODY = 16 * 1024
"""Bytes of a body that are kept."""
MAX_TARGET = 2048
"""Characters of a path, of a query and of a header that are kept."""
MAX_ENTRIES = 50_000
"""A program that loops for ever may not fill the disk: later entries are counted in `seq` but no longer kept."""

_SECRET_HEADERS = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
_SCHEMES = frozenset({b"basic", b"bearer", b"digest"})
_SECRETS = ("access_token", "client_secret", "password")
_SECRET_MEMBERS = re.compile(
    r'("(?:{0})"\s*:\s*")(?:[^"\\]|\\.?)*|((?:{0})=)[^&]*'.format("|".join(_SECRETS)), re.IGNORECASE | re.DOTALL
)

_ADD = Appending(journal)
_LAST = Prepared(select(func.coalesce(func.max(journal.c.seq), 0).label("last")))
_AFTER = Prepared(
    select(journal).where(journal.c.seq > bindparam("after")).order_by(journal.c.seq).limit(bindparam("limit"))
)


@dataclass(slots=True)
class Entry:
    """One call, as it came in and as it was answered. `answer` is None where the connection was closed without one."""

    clock: Clock
    started: float
    ended: float
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    answer: Answer | None
    client_id: str | None
    token_id: str | None
    scopes: tuple[str, ...]
    request_id: str
    trace_id: str
    idempotency_key: str | None
    fault: str | None
    committed: bool


class Journal:
    """Numbers, keeps and gives back the entries of one sandbox."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._waiting: list[tuple[int, Entry]] = []
        self._in_transaction = 0

    @classmethod
    async def resume(cls, session: Session) -> "Journal":
        """Go on after the last stored entry."""
        return cls(int(await session.scalar(_LAST)))

    def note(self, entry: Entry) -> bool:
        """Take an entry; True when it is time to write the batch."""
        self.last += 1
        if self.last <= MAX_ENTRIES:
            _cut(entry)
            self._waiting.append((self.last, entry))
        return len(self._waiting) >= BATCH

    @property
    def waiting(self) -> bool:
        """Whether something is not yet written."""
        return bool(self._waiting)

    async def write(self, session: Transaction) -> None:
        """Write what is waiting, inside the caller's transaction; `written` says that it was committed."""
        self._in_transaction = len(self._waiting)
        await session.append(_ADD, [_row(seq, entry) for seq, entry in self._waiting])

    def written(self) -> None:
        """Forget what was last written, which is committed now."""
        del self._waiting[: self._in_transaction]
        self._in_transaction = 0

    async def read(self, session: Session, *, service: str, after: int, limit: int) -> list[Record]:
        """Give up to `limit` stored entries with `seq` above `after`, as docs/architecture.md describes them."""
        return [_entry(service, row) for row in await session.all(_AFTER, after=after, limit=limit)]


def _cut(entry: Entry) -> None:
    """Let go of what is not kept: a page of a thousand rows is large, and many may wait for a batch."""
    answer = entry.answer
    if len(entry.body) > MAX_BODY:
        entry.body = entry.body[:MAX_BODY]
    if answer is not None and len(answer.body) > MAX_BODY:
        entry.answer = Answer(answer.status, answer.headers, answer.body[:MAX_BODY])


def _row(seq: int, entry: Entry) -> tuple[Any, ...]:
    """Give an entry's values in the order of the table's columns."""
    answer = entry.answer
    return (
        seq,
        entry.clock.now(entry.started).isoformat(timespec="milliseconds"),
        entry.started,
        entry.ended,
        entry.method,
        _storable(entry.path[:MAX_TARGET]),
        _storable(_masked(entry.query)[:MAX_TARGET]),
        _request_headers(tuple(entry.headers)),
        _text(entry.body),
        json.dumps(answer.headers if answer else {}),
        _text(answer.body) if answer else None,
        answer.status if answer else None,
        entry.client_id,
        entry.token_id,
        " ".join(entry.scopes),
        entry.request_id,
        entry.trace_id,
        None if entry.idempotency_key is None else _storable(entry.idempotency_key),
        entry.fault,
        entry.committed,
    )


@lru_cache(maxsize=256)
def _request_headers(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    """Give headers as they are shown; a program sends the same ones again and again."""
    shown = {name.decode("latin-1"): value.decode("latin-1")[:MAX_TARGET] for name, value in headers}
    for name, value in headers:
        if name in _SECRET_HEADERS:
            scheme = value.split(b" ")[0]
            shown[name.decode("latin-1")] = f"{scheme.decode()} ***" if scheme.lower() in _SCHEMES else "***"
    return json.dumps(shown)


def _text(body: bytes) -> str | None:
    return _masked(_storable(body.decode("utf-8", "replace"))) if body else None


def _storable(text: str) -> str:
    """Show a NUL character, which PostgreSQL stores in no text, as what stands for characters that cannot be shown."""
    return text.replace("\x00", "\ufffd")


def _masked(text: str) -> str:
    plain = text.lower()
    if not any(secret in plain for secret in _SECRETS):
        return text
    return _SECRET_MEMBERS.sub(lambda match: f"{match[1] or match[2]}***", text)


def _entry(service: str, row: Mapping[str, Any]) -> Record:
    entry = dict(row)
    entry["service"] = service
    entry["request_headers"] = json.loads(row["request_headers"])
    entry["response_headers"] = json.loads(row["response_headers"])
    entry["scopes"] = row["scopes"].split()
    entry["committed"] = bool(row["committed"])
    return entry
