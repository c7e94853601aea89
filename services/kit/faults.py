"""Trouble that a sandbox can be told to show, per route, and that always ends by itself.

A rule is counted (`times`), or lasts until a moment of the sandbox clock, or both; `probability` draws from the
sandbox's seed, so the same seed shows the same trouble.
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.kit.specs import Shape

Kind = Literal[
    "status",
    "latency",
    "close_before",
    "close_after_commit",
    "truncate_body",
    "malformed_body",
    "stale_read",
    "shift_page",
    "expire_token",
    "exhaust_quota",
]
BEFORE: frozenset[Kind] = frozenset({"status", "close_before", "expire_token", "exhaust_quota"})
"""Kinds that answer in the agency's place."""
AFTER: frozenset[Kind] = frozenset({"close_after_commit", "truncate_body", "malformed_body"})
"""Kinds that spoil an answer, of which there must be one that is worth spoiling."""


class Rule(Shape):
    """One kind of trouble.

    Attributes:
        path: `fnmatch` pattern on the concrete path, such as `/v1/applications/*`.
        query: parameters that must have exactly these values.
        skip: matching calls that are let through first.
        times: how many calls it strikes.
        until: RFC 3339, on the sandbox clock.
        status: for `status`: what is answered.
        retry_after: for `status`: seconds in `Retry-After`; None sends none.
        median_ms: for `latency`, with `sigma`: parameters of its lognormal distribution.
        seconds: for `stale_read`: how long after a write the state before it is shown.
    """

    id: Annotated[str, Field(min_length=1, max_length=40)]
    method: str = "*"
    path: str
    query: dict[str, str] = Field(default_factory=dict)
    kind: Kind
    skip: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=1)] | None = None
    until: datetime | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    status: Literal[429, 500, 502, 503, 504] = 503
    retry_after: Annotated[int, Field(ge=0, le=3600)] | None = None
    median_ms: Annotated[float, Field(gt=0, le=60_000)] = 200.0
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.5
    seconds: Annotated[float, Field(gt=0, le=3600)] = 2.0

    @model_validator(mode="after")
    def _ends(self) -> "Rule":
        if self.times is None and self.until is None:
            message = "a fault ends by itself: give times, until, or both"
            raise ValueError(message)
        if self.until is not None and self.until.tzinfo is None:
            message = "until needs an offset, such as +08:00"
            raise ValueError(message)
        return self


class RuleSet(Shape):
    """Body of `PUT …/faults`."""

    rules: Annotated[list[Rule], Field(max_length=100)]


class Faults:
    """The rules of one sandbox in one service, with how often each has met a call and struck."""

    def __init__(self, rules: Sequence[Rule], seed: int, met: Mapping[str, int], struck: Mapping[str, int]) -> None:
        self.rules = tuple(rules)
        self._seed = seed
        self._met = dict(met)
        self._struck = dict(struck)
        self._turns = 0
        self._turns_stored = 0
        self._turns_written = 0
        self.last_write = float("-inf")

    @classmethod
    def restored(cls, stored: Mapping[str, object] | None, seed: int) -> "Faults":
        """Undo `stored`."""
        if not stored:
            return cls((), seed, {}, {})
        rules = RuleSet.model_validate({"rules": stored["rules"]}).rules
        return cls(rules, seed, _counts(stored["met"]), _counts(stored["struck"]))

    def stored(self) -> dict[str, object]:
        """Give a JSON value from which `restored` makes these again."""
        self._turns_stored = self._turns
        rules = [rule.model_dump(mode="json") for rule in self.rules]
        return {"rules": rules, "met": self._met, "struck": self._struck}

    @property
    def unwritten(self) -> bool:
        """Whether a rule has met a call since the last `written`."""
        return self._turns != self._turns_written

    def written(self) -> None:
        """Say that what `stored` last gave is in the store."""
        self._turns_written = self._turns_stored

    @property
    def struck(self) -> Mapping[str, int]:
        """How often each rule has struck."""
        return self._struck

    def strike(
        self, method: str, path: str, query: Mapping[str, str], now: datetime, may: Callable[[Rule], bool]
    ) -> Rule | None:
        """Give the first rule that strikes this call, and count it.

        Args:
            now: the sandbox's time.
            may: whether a rule could show anything in this call; where not, it does not meet it.
        """
        for rule in self.rules:
            if not _meets(rule, method, path, query) or _is_over(rule, now) or not may(rule):
                continue
            met = self._met.get(rule.id, 0)
            struck = self._struck.get(rule.id, 0)
            if rule.times is not None and struck >= rule.times:
                continue
            self._met[rule.id] = met + 1
            self._turns += 1
            if met >= rule.skip and self.draw(rule, met).random() < rule.probability:
                self._struck[rule.id] = struck + 1
                return rule
        return None

    def spare(self, rule: Rule) -> None:
        """Take back a strike that could not show: the rule strikes another time."""
        self._struck[rule.id] -= 1
        self._turns += 1

    def has_live(self, kind: Kind, now: datetime) -> bool:
        """Say whether a rule of a kind can still strike."""
        return any(
            rule.kind == kind
            and not _is_over(rule, now)
            and (rule.times is None or self._struck.get(rule.id, 0) < rule.times)
            for rule in self.rules
        )

    def draw(self, rule: Rule, turn: int) -> Random:
        """Give the random source for one meeting of a rule: a function of the sandbox's seed alone."""
        return Random(f"{self._seed}/{rule.id}/{turn}")  # noqa: S311 - reproducible trouble, no secret

    def delay(self, rule: Rule) -> float:
        """Draw a latency in seconds (lognormal), at most a minute."""
        source = self.draw(rule, self._met.get(rule.id, 0))
        return min(source.lognormvariate(0.0, rule.sigma) * rule.median_ms / 1000, 60.0)


def _meets(rule: Rule, method: str, path: str, query: Mapping[str, str]) -> bool:
    return (
        rule.method in {"*", method}
        and fnmatch.fnmatchcase(path, rule.path)
        and all(query.get(name) == value for name, value in rule.query.items())
    )


def _is_over(rule: Rule, now: datetime) -> bool:
    return rule.until is not None and now >= rule.until


def _counts(value: object) -> dict[str, int]:
    return {str(name): int(count) for name, count in value.items()} if isinstance(value, dict) else {}
