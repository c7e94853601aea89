"""The key that signs tokens: given as a secret, or made once and kept; read into memory at its first use."""

import os
import secrets
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import KeyParameters, KeySet, RSAKey

from services.kit.settings import Settings, WrongSettingError
from services.kit.tokens import ALGORITHM

_BITS = 2048


class SigningKey:
    """An RSA key in a file of its own, mode 0600.

    It does not belong to any sandbox: a reset leaves tokens valid. Making it takes some 50 ms and reading it as long,
    which is why neither happens before the first token is asked for.

    Args:
        file: where it is kept, in PEM.
        is_given: it was made elsewhere, for several processes, and is never made here.
    """

    def __init__(self, file: Path, *, is_given: bool = False) -> None:
        self._file = file
        self._is_given = is_given
        self._lock = threading.Lock()
        self._key: RSAKey | None = None

    def load(self) -> RSAKey:
        """Give the key, making it if there is none yet and it is not given. Blocking: run it in a thread.

        Raises:
            WrongSettingError: the file holds no RSA key.
        """
        with self._lock:
            if self._key is None:
                if not (self._is_given or self._file.exists()):
                    self._make()
                self._key = self._read()
            return self._key

    def _read(self) -> RSAKey:
        parameters: KeyParameters = {"use": "sig", "alg": ALGORITHM}
        try:
            key = RSAKey.import_key(self._file.read_bytes(), parameters)
            if not key.is_private:
                message = f"{self._file.name} holds the public half only"
                raise WrongSettingError(message)
        except (OSError, ValueError, TypeError) as error:
            message = f"the key that signs tokens cannot be read from {self._file}: {error}"
            raise WrongSettingError(message) from error
        key.ensure_kid()
        return key

    def _make(self) -> None:
        """Write a new key whole under another name, then give it its own: half a key is never read."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        making = self._file.with_name(f".{self._file.name}-{secrets.token_hex(4)}")
        handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(RSAKey.generate_key(_BITS).as_pem(private=True))
            opened.flush()
            os.fsync(opened.fileno())
        making.replace(self._file)


@cache
def signing_key(settings: Settings) -> SigningKey:
    """Give the key of the identity service with these settings.

    Unless it is given, it stands beside the folder of sandboxes, not in it: there the store clears away whatever is no
    sandbox.
    """
    if settings.signing_key is not None:
        return SigningKey(settings.signing_key, is_given=True)
    return SigningKey(settings.data.parent / "identity-keys" / "signing.pem")


def published(key: RSAKey) -> KeySet:
    """Give the key set that everyone may have: public halves only."""
    return KeySet([RSAKey.import_key(key.as_dict(private=False))])


def signed(key: RSAKey, claims: Mapping[str, object]) -> str:
    """Give the access token with these claims (RFC 9068 §2.1: `typ` is `at+jwt`)."""
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}, dict(claims), key)
