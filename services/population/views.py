"""Facts about the registry, for the grader only."""

from sqlalchemy import select

from services.kit.store import Record, Session
from services.population.rules import DAILY_VERIFICATIONS
from services.population.tables import quota, residents
from services.world import World

_NUMBERS = select(residents.c.id, residents.c.nik, residents.c.status)


async def show_residents(_world: World, session: Session) -> list[Record]:
    """Give every record as it is stored now, whole, in the order of ids."""
    return await session.all(select(residents).order_by(residents.c.id))


async def show_trouble(world: World, session: Session) -> list[Record]:
    """Give every record that trouble was planted in: `{trouble, id, nik, status}`, by kind.

    The kinds are those of `services.world.layout.REGISTRY_SHARES`. Of `duplicate_nik` both records of a pair are there.
    """
    stored = {row["id"]: row for row in await session.all(_NUMBERS)}
    return [
        {"trouble": kind, **stored[id_]} for kind, ids in world.truth.residents.items() for id_ in ids if id_ in stored
    ]


async def show_quota(_world: World, session: Session) -> list[Record]:
    """Give the verifications used and left on each day that had any: `{day, used, left}`."""
    days = await session.all(select(quota).order_by(quota.c.day))
    return [{**day, "left": DAILY_VERIFICATIONS - day["used"]} for day in days]
