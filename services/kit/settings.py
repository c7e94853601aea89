"""What a service is told when it starts; nothing else in `services` reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORT_BASE = 8100
DEFAULT_CONNECTIONS = 8
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Where one service keeps its data and whom it trusts.

    Attributes:
        data: folder of this service's sandboxes.
        issuer: base URL of the identity service, as it stands in the tokens that it signs.
        backdoor_token: what a caller of `/_lab` must present.
        open_sandboxes: how many sandboxes keep their store open at once.
        identity_url: where the identity service's keys are fetched, if not at `issuer`.
        signing_key: the identity service's key in PEM, if it is given one, so that replicas share it.
    """

    data: Path
    issuer: str
    backdoor_token: str
    open_sandboxes: int = 128
    identity_url: str | None = None
    signing_key: Path | None = None


class WrongSettingError(ValueError):
    """The environment says something that no lab can be run with; the text names the variable."""


@dataclass(frozen=True, slots=True)
class Database:
    """The PostgreSQL server that replicas share.

    Attributes:
        url: `postgresql://user@host:port/name`, without a password.
        password: None where the server asks for none.
        connections: the most that one process opens for its services' records.
    """

    url: str
    password: str | None
    connections: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services of one lab listen.

    Attributes:
        identity_url: where the keys of tokens are fetched.
        issuer: what stands in tokens.
        backdoor_port: TCP port of the back door of the first service of a process, the next one's is one higher;
            None for UNIX sockets.
    """

    host: str
    port_base: int
    identity_url: str
    issuer: str
    backdoor_port: int | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Addresses":
        """Read `LAB_HOST`, `LAB_PORT_BASE`, `IDENTITY_URL`, `LAB_ISSUER` and `LAB_BACKDOOR_PORT`.

        What is missing is as on a single laptop.

        Raises:
            WrongSettingError: a port is not a number in its range.
        """
        given = _given(environment)
        base = _number(given, "LAB_PORT_BASE", DEFAULT_PORT_BASE, 1024, 65000)
        identity = given.get("IDENTITY_URL", f"http://127.0.0.1:{base + 1}")
        return cls(
            given.get("LAB_HOST", "127.0.0.1"),
            base,
            identity,
            given.get("LAB_ISSUER") or identity,
            _number(given, "LAB_BACKDOOR_PORT", 0, 1, 65535) if given.get("LAB_BACKDOOR_PORT") else None,
        )


def secrets_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """Give the folder of secrets that `LAB_SECRETS` names, or None.

    Raises:
        WrongSettingError: it is not there.
    """
    named = _given(environment).get("LAB_SECRETS")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        message = f"LAB_SECRETS must name a folder that is there, not {named}"
        raise WrongSettingError(message)
    return folder


def database(secrets: Path | None, environment: Mapping[str, str] | None = None) -> Database | None:
    """Read `LAB_DATABASE` and `LAB_DATABASE_CONNECTIONS`; None where the store is SQLite.

    Args:
        secrets: the folder whose file `database_password`, if there is one, holds the password.

    Raises:
        WrongSettingError: the address is not one of PostgreSQL, holds a password, or the number is out of range.
    """
    given = _given(environment)
    url = given.get("LAB_DATABASE")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        message = "LAB_DATABASE must look like postgresql://user@host:5432/name"
        raise WrongSettingError(message)
    if parts.password is not None:
        message = "LAB_DATABASE may not hold the password: put it into the file database_password under LAB_SECRETS"
        raise WrongSettingError(message)
    connections = _number(given, "LAB_DATABASE_CONNECTIONS", DEFAULT_CONNECTIONS, 2, 1000)
    return Database(url, secret(secrets, "database_password"), connections)


def secret(folder: Path | None, name: str) -> str | None:
    """Give the content of a secret, or None where there is no such file.

    Raises:
        WrongSettingError: it cannot be read.
    """
    if folder is None:
        return None
    try:
        return (folder / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        message = f"the secret {name} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise WrongSettingError(message) from error


def _given(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environment is None else environment


def _number(given: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = given.get(name, str(usual))
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not least <= number <= most:
        message = f"{name} must be a number between {least} and {most}, not {text!r}"
        raise WrongSettingError(message)
    return number
