"""A fingerprint of a whole city, to prove that two of them are the same to the byte."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from hashlib import sha256

from services.world.city import World

SECTIONS = (
    "regions",
    "families",
    "business_fields",
    "businesses",
    "applications",
    "skpd",
    "civil_servants",
    "programmes",
    "accounts",
    "budget",
    "spds",
    "spps",
    "spms",
    "sp2ds",
    "bills",
)
"""Properties of `World`, in the order in which they enter the digest; residents are within their families."""


def _written(value: object) -> Iterator[str]:
    """A value as texts: every field of every entity, in a form that depends on no Python version."""
    if isinstance(value, tuple):
        yield f"[{len(value)}"
        for item in value:
            yield from _written(item)
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__
        for field in fields(value):
            yield from _written(getattr(value, field.name))
    elif isinstance(value, date):  # datetime too
        yield value.isoformat()
    else:
        yield f"{type(value).__name__}:{value}"


def digest(world: World) -> str:
    """SHA-256, in hexadecimal, over every section of a city."""
    total = sha256()
    for section in SECTIONS:
        total.update(section.encode())
        for text in _written(getattr(world, section)):
            total.update(text.encode())
            total.update(b"\0")
    return total.hexdigest()
