"""What was planted in a city, and where. Only the grader and the back door may see it."""

from collections.abc import Callable
from functools import cached_property

from services.world.agencies import changes
from services.world.entities import BudgetLine, PlantedApplication, Sp2d
from services.world.layout import APPLICATION_SHARES, REGISTRY_SHARES, Layout, anchor_id, application_id

BEYOND_32_BITS = 2_147_483_647
DECEASED_SERVANT = "deceased_on_payroll"
DECEASED_OWNER = "deceased_owner"
UNDOTTED_REGION = "undotted_region_code"
CANCELLED_SP2D = "cancelled_sp2d"
BEYOND_32_BITS_LINE = "beyond_32_bits"

Kinds = dict[str, tuple[str, ...]]
"""Ids by the kind of trouble."""


class Truth:
    """Planted trouble of one city, by kind. Each section is computed when it is first asked for.

    Args:
        layout: The city's.
        planted: Gives the truth about an application of the queue by its number.
        sp2ds: Gives the city's SP2D.
        budget: Gives the city's budget lines.
        nip_of: Gives the NIP of a civil servant by number.
        business_facts: Gives NIB and typed village code of every business.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        planted: Callable[[int], PlantedApplication | None],
        sp2ds: Callable[[], tuple[Sp2d, ...]],
        budget: Callable[[], tuple[BudgetLine, ...]],
        nip_of: Callable[[int], str],
        business_facts: Callable[[], list[tuple[str, str]]],
    ) -> None:
        self._layout = layout
        self._planted = planted
        self._sp2ds = sp2ds
        self._budget = budget
        self._nip_of = nip_of
        self._business_facts = business_facts

    @cached_property
    def residents(self) -> Kinds:
        """Resident ids by kind (`services.world.layout.REGISTRY_SHARES`). No resident is generated for this.

        Ids of `duplicate_nik` stand in pairs: those at 2k and 2k + 1 share a NIK.
        """
        counts = self._layout.families.counts
        return {
            kind: tuple(anchor_id(self._layout.family_at(kind, position)) for position in range(counts[kind]))
            for kind in REGISTRY_SHARES
        }

    @cached_property
    def application_kinds(self) -> Kinds:
        """Ids of the applications in the queue by kind (`APPLICATION_SHARES`). None is generated for this."""
        counts = self._layout.applications.counts
        return {
            kind: tuple(application_id(self._layout.application_at(kind, position)) for position in range(counts[kind]))
            for kind in APPLICATION_SHARES
        }

    @cached_property
    def applications(self) -> tuple[PlantedApplication, ...]:
        """The truth about every application in the queue, by id."""
        found = (self._planted(number) for number in range(self._layout.application_count))
        return tuple(planted for planted in found if planted is not None)

    @cached_property
    def civil_servants(self) -> Kinds:
        """NIP of those who died but are still on the payroll (`deceased_on_payroll`)."""
        living = self._layout.families.counts["servant"]
        return {DECEASED_SERVANT: tuple(self._nip_of(number) for number in range(living, self._layout.servant_count()))}

    @cached_property
    def businesses(self) -> Kinds:
        """NIB of businesses whose registered village code is undotted, or whose owner died outside the queue."""
        facts = self._business_facts()
        owned_by_dead = (
            self._layout.application_at("automatic", position) for position in range(self._layout.deceased_owner_count)
        )
        return {
            UNDOTTED_REGION: tuple(nib for nib, village_code in facts if "." not in village_code),
            DECEASED_OWNER: tuple(facts[number][0] for number in owned_by_dead),
        }

    @cached_property
    def skpd(self) -> Kinds:
        """Codes of SKPD that were `merged` or `renamed` away."""
        return changes()

    @cached_property
    def documents(self) -> Kinds:
        """Numbers of `cancelled_sp2d`, and ids of budget lines whose amount is `beyond_32_bits`."""
        return {
            CANCELLED_SP2D: tuple(paper.number for paper in self._sp2ds() if paper.status == "cancelled"),
            BEYOND_32_BITS_LINE: tuple(line.id for line in self._budget() if line.amount_idr > BEYOND_32_BITS),
        }
