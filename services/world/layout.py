"""Who is who in a city, by arithmetic alone: how many of each kind, and where to find them.

Every kind of planted trouble gets a fixed share of the families or of the applications, so that none is ever absent and
nothing must be generated to know where it is. Families and applications are numbered 0, 1, 2 …; a shuffle depending on
the seed gives each a *rank*, and each kind owns a range of ranks. Numbers therefore tell nothing about kinds.

The person whom a family's kind is about (its *anchor*) is always its first member.
"""

from bisect import bisect_right
from datetime import date
from itertools import accumulate, takewhile
from typing import NamedTuple

from services.world.entities import Size
from services.world.randomness import Shuffle, section_key

FAMILY_COUNTS: dict[Size, int] = {"small": 294, "medium": 2_940, "large": 29_400}
QUEUE_COUNTS: dict[Size, int] = {"small": 96, "medium": 960, "large": 9_600}
HANDLED_COUNTS: dict[Size, int] = {"small": 72, "medium": 720, "large": 7_200}
AUTOMATIC_COUNTS: dict[Size, int] = {"small": 40, "medium": 400, "large": 4_000}

REGISTRY_SHARES: dict[str, float] = {
    "moved_domicile": 0.08,
    "duplicate_nik": 0.04,
    "non_active": 0.025,
    "deceased_active_elsewhere": 0.04,
    "birth_date_contradicts_nik": 0.01,
    "sex_contradicts_nik": 0.01,
}
"""Planted trouble of the population registry, as shares of the families (one resident of each is concerned)."""

OTHER_FAMILY_SHARES: dict[str, float] = {"telling_name": 0.12, "servant": 0.27}
"""Kinds of families that are no trouble: names that invite misspelling, and homes of civil servants."""

PLAIN = "plain"
"""The kind of all other families."""

APPLICATION_SHARES: dict[str, float] = {
    "ok": 0.40,
    "moved_domicile": 0.10,
    "deceased": 0.06,
    "duplicate_nik": 0.05,
    "non_active": 0.05,
    "unknown_nik": 0.05,
    "malformed_nik": 0.09,
    "name_minor": 0.06,
    "name_major": 0.05,
    "birth_date_mismatch": 0.03,
    "sex_mismatch": 0.03,
    "incomplete_checklist": 0.03,
}
"""Trouble of the applications waiting in the queue, as shares of the queue. Only one kind per application.

`ok`, `moved_domicile` and `name_minor` are as they should be; all others are not.
"""

LEGITIMATE = frozenset({"ok", "moved_domicile", "name_minor"})
"""Kinds in the queue that nothing is wrong with."""

HANDLED = "handled"
AUTOMATIC = "automatic"

_FAMILY_OF_APPLICATION = {
    "moved_domicile": "moved_domicile",
    "deceased": "deceased_active_elsewhere",
    "duplicate_nik": "duplicate_nik",
    "non_active": "non_active",
    "name_minor": "telling_name",
    "name_major": "telling_name",
}


class Place(NamedTuple):
    """What one rank stands for: a kind, and the position among those of that kind, from 0."""

    kind: str
    position: int


def _counts(shares: dict[str, float], total: int) -> dict[str, int]:
    """Shares in whole numbers, at least 2 of each."""
    return {kind: max(2, round(share * total)) for kind, share in shares.items()}


class Ranges:
    """Ranges of ranks, one per kind, in the order of `counts`."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts
        ends = list(accumulate(counts.values()))
        self.starts = dict(zip(counts, [0, *ends[:-1]], strict=True))
        self._ends = ends
        self._places = list(self.starts.items())

    def place(self, rank: int) -> Place:
        """The kind that owns `rank`, and the position in it."""
        kind, start = self._places[bisect_right(self._ends, rank)]
        return Place(kind, rank - start)


class Layout:
    """The arithmetic of one city. Cheap to make; holds no entity, only the two orders."""

    def __init__(self, seed: int, size: Size, reference_date: date) -> None:
        self.family_count = FAMILY_COUNTS[size]
        self.queue_count = QUEUE_COUNTS[size]
        self.application_count = self.queue_count + HANDLED_COUNTS[size] + AUTOMATIC_COUNTS[size]
        self._families = Shuffle(section_key(seed, reference_date, "family ranks"), self.family_count)
        self._applications = Shuffle(section_key(seed, reference_date, "application ranks"), self.application_count)
        family_counts = _counts(REGISTRY_SHARES | OTHER_FAMILY_SHARES, self.family_count)
        family_counts["duplicate_nik"] += family_counts["duplicate_nik"] % 2  # they come in pairs
        family_counts[PLAIN] = self.family_count - sum(family_counts.values())
        self.families = Ranges(family_counts)
        queue_counts = _counts(APPLICATION_SHARES, self.queue_count)
        queue_counts["ok"] += self.queue_count - sum(queue_counts.values())
        self.applications = Ranges(queue_counts | {HANDLED: HANDLED_COUNTS[size], AUTOMATIC: AUTOMATIC_COUNTS[size]})
        self.deceased_owner_count = self.deceased_servant_count = max(2, self.family_count // 150)

    def family_place(self, family: int) -> Place:
        """The kind of a family, by its number."""
        return self.families.place(self._families.ranks[family])

    def family_at(self, kind: str, position: int) -> int:
        """The number of the family at `position` (wrapping round) of those of `kind`."""
        start, count = self.families.starts[kind], self.families.counts[kind]
        return self._families.order[start + position % count]

    def application_place(self, application: int) -> Place:
        """The kind of an application, by its number: a key of `APPLICATION_SHARES`, `HANDLED` or `AUTOMATIC`."""
        return self.applications.place(self._applications.ranks[application])

    def application_at(self, kind: str, position: int) -> int:
        """The number of the application at `position` of those of `kind`."""
        return self._applications.order[self.applications.starts[kind] + position]

    def owner_of(self, place: Place) -> int:
        """The number of the family whose anchor stands behind the application at `place`.

        In the queue nobody stands twice; elsewhere one person may have several businesses.
        """
        kind, position = place.kind, place.position
        if kind == "duplicate_nik":
            return self.family_at(kind, 2 * position)
        if kind == "name_major":
            return self.family_at("telling_name", self.applications.counts["name_minor"] + position)
        if kind in _FAMILY_OF_APPLICATION:
            return self.family_at(_FAMILY_OF_APPLICATION[kind], position)
        if kind == AUTOMATIC and position < self.deceased_owner_count:
            return self.family_at("deceased_active_elsewhere", self.applications.counts["deceased"] + position)
        return self.family_at(PLAIN, self._plain_offset(kind) + position)

    def _plain_offset(self, kind: str) -> int:
        """How many ranks of applications before `kind` draw on plain families."""
        before = takewhile(lambda other: other != kind, self.applications.counts)
        return sum(self.applications.counts[other] for other in before if other not in _FAMILY_OF_APPLICATION)

    def servant_count(self) -> int:
        """How many civil servants there are, those included who died and are still on the payroll."""
        return self.families.counts["servant"] + self.deceased_servant_count

    def family_of_servant(self, servant: int) -> int:
        """The number of the family whose anchor is this civil servant; the deceased come last."""
        living = self.families.counts["servant"]
        if servant < living:
            return self.family_at("servant", servant)
        last = self.families.counts["deceased_active_elsewhere"] - 1
        return self.family_at("deceased_active_elsewhere", last - (servant - living))

    def servant_at(self, place: Place) -> int | None:
        """The number of the civil servant whom the family at `place` is about, None when it is about another."""
        if place.kind == "servant":
            return place.position
        from_last = self.families.counts["deceased_active_elsewhere"] - 1 - place.position
        if place.kind == "deceased_active_elsewhere" and from_last < self.deceased_servant_count:
            return self.families.counts["servant"] + from_last
        return None


def anchor_id(family: int) -> str:
    """`Resident.id` of a family's first member."""
    return resident_id(family, 0)


def resident_id(family: int, member: int) -> str:
    """`Resident.id` of a member (0 … 9) of a family."""
    return f"R{family:06}{member}"


def application_id(application: int) -> str:
    """`Application.id` of an application number."""
    return f"PMH-{application:06}"
