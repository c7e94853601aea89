"""The lab's secrets for containers: made once, kept under `.lab/secrets`, never shown.

Nobody but the owner gets into the folder. The files themselves can be read, because Compose gives them to containers as
they are, and the user there is another one.
"""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lab.docker import words
from lab.settings import Settings

if TYPE_CHECKING:
    from lab.docker.engine import Engine

TOKEN = "backdoor_token"  # noqa: S105 - the name of a file
PASSWORD = "database_password"  # noqa: S105 - likewise
SIGNING_KEY = "signing_key"
_KEY_BITS = 2048


def folder(settings: Settings) -> Path:
    """Returns where the secrets are."""
    return settings.state / "secrets"


def require(settings: Settings, engine: "Engine", project: str, mode: str) -> None:
    """Makes sure that a database that is there can still be opened: a new password would not be its own.

    Args:
        settings: of the lab.
        engine: that has the database.
        project: what tells this lab's volumes from others'.
        mode: of the lab.

    Raises:
        LabFailedError: the password is gone.
    """
    file, volume = folder(settings) / PASSWORD, f"{project}_database"
    if not file.exists() and engine.has_volume(volume):
        raise words.password_lost(file, volume, mode)


def make(settings: Settings) -> Path:
    """Makes the secrets that are missing, each whole or not at all; returns their folder."""
    place = folder(settings)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.chmod(0o700)
    for name, invent in ((TOKEN, _word), (PASSWORD, _word), (SIGNING_KEY, _signing_key)):
        file = place / name
        if not file.exists():
            draft = place / f".{name}.{secrets.token_hex(4)}"
            draft.touch(mode=0o600)
            draft.write_text(invent(), encoding="ascii")
            draft.chmod(0o444)
            draft.rename(file)
    return place


def _word() -> str:
    return secrets.token_urlsafe(32)


def _signing_key() -> str:
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - needed once in a lab's life

    return RSAKey.generate_key(_KEY_BITS).as_pem(private=True).decode("ascii")
