"""A whole HTTP answer as a plain value, so that it can be stored, replayed, spoiled by a fault and journaled."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower-case names; one value each) and body of an HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
