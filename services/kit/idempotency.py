"""`Idempotency-Key` on unsafe POST (IETF draft, httpapi WG): a retry gets the first answer, never a second change.

The key is scoped to the client; the fingerprint is a hash of method, path and payload. Only answers of committed
changes are kept, so a call that failed may be made again with the same key.
"""

import hashlib
import re

from sqlalchemy import bindparam, select

from services.kit.answers import Answer
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.store import Prepared, Session
from services.kit.tables import idempotency

_ = catalogue(__file__)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_STORED = Prepared(
    select(idempotency).where(idempotency.c.client_id == bindparam("client_id"), idempotency.c.key == bindparam("key"))
)


def checked_key(given: str | None) -> str:
    """Give the key of a request that needs one.

    Raises:
        Problem: 400 `idempotency_key_missing` or `idempotency_key_invalid` (1 to 255 printable ASCII characters).
    """
    if not given:
        detail = _("This call needs an Idempotency-Key header: one key for each intent, the same on every retry.")
        raise Problem(400, "idempotency_key_missing", detail, source="gateway")
    key = given.strip('"')
    if not _KEY.fullmatch(key):
        detail = _("The Idempotency-Key must be 1 to 255 printable characters; a UUID is a good choice.")
        raise Problem(400, "idempotency_key_invalid", detail, source="gateway")
    return key


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Give the hash that tells one payload from another."""
    digest = hashlib.sha256(f"{method} {path}\n".encode())
    digest.update(body)
    return digest.hexdigest()


async def earlier_answer(session: Session, client_id: str, key: str, print_: str) -> Answer | None:
    """Give the stored answer to the same intent, or None when it is new.

    Raises:
        Problem: 422 `idempotency_key_reused` when the key came with another payload before.
    """
    stored = await session.first(_STORED, client_id=client_id, key=key)
    if stored is None:
        return None
    if stored["fingerprint"] != print_:
        detail = _("This Idempotency-Key was used for another payload. Use a new key for a new intent.")
        raise Problem(422, "idempotency_key_reused", detail, source="gateway")
    return Answer(stored["status"], stored["headers"], stored["body"].encode())


async def keep(session: Session, client_id: str, key: str, print_: str, answer: Answer) -> None:
    """Store the answer, in the transaction of the change it answers."""
    await session.run(
        idempotency.insert(),
        rows=[
            {
                "client_id": client_id,
                "key": key,
                "fingerprint": print_,
                "status": answer.status,
                "headers": dict(answer.headers),
                "body": answer.body.decode(),
            }
        ],
    )


def still_running() -> Problem:
    """Give the 409 for a key whose first call has not ended yet."""
    detail = _("A call with this Idempotency-Key is still running. Wait a moment, then ask again with the same key.")
    return Problem(409, "idempotency_key_in_use", detail, headers={"retry-after": "1"}, source="gateway")
