"""What is asked of the registry's tables, by the clean API and by the dialect alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, bindparam, or_, select

from services.kit.access import Call
from services.kit.store import Prepared, Record, Session
from services.population.rules import DAILY_VERIFICATIONS, Obstacle, met
from services.population.tables import families, quota, regions, residents

AFTER_ALL = "\U0010ffff"
"""Sorts behind every letter: a prefix with it ends the range of texts that begin with the prefix."""

_SUMMARY = (
    residents.c.id,
    residents.c.nik,
    residents.c.kk,
    residents.c.name,
    residents.c.sex,
    residents.c.birth_on,
    residents.c.village_code,
    residents.c.status,
)
_RESIDENT = Prepared(select(residents).where(residents.c.nik == bindparam("nik")).limit(2))
_CONDITIONS: dict[str, Any] = {
    "region": residents.c.village_code.between(bindparam("region"), bindparam("region_end")),
    "status": residents.c.status == bindparam("status"),
    "name": residents.c.name.between(bindparam("name"), bindparam("name_end")),
}
_FAMILY = Prepared(select(families).where(families.c.kk == bindparam("kk")))
_MEMBERS = Prepared(
    select(
        residents.c.id,
        residents.c.nik,
        residents.c.name,
        residents.c.sex,
        residents.c.birth_on,
        residents.c.relationship,
        residents.c.marital_status,
        residents.c.status,
    )
    .where(residents.c.kk == bindparam("kk"))
    .order_by(residents.c.id)
)
_REGION = Prepared(select(regions).where(regions.c.code == bindparam("code")))
_REGION_NAMES = Prepared(
    select(regions.c.code, regions.c.name).where(
        or_(*(regions.c.code == bindparam(level) for level in ("province", "city", "district", "village")))
    )
)
_USED = Prepared(select(quota.c.used).where(quota.c.day == bindparam("day")))
_USED_ONE_MORE = quota.update().where(quota.c.day == bindparam("today")).values(used=quota.c.used + 1)


async def residents_with(session: Session, nik: str) -> list[Record]:
    """Give the records with a NIK; of a duplicate one only two, which is enough to know."""
    return await session.all(_RESIDENT, nik=nik)


def _page(found: Select[Any], key: Column[str], conditions: Iterable[ColumnElement[bool]]) -> Prepared:
    """Give the query for a page: rows behind a key, in the key's order."""
    return Prepared(found.where(key > bindparam("after"), *conditions).order_by(key).limit(bindparam("most")))


@cache
def _residents_page(filters: frozenset[str]) -> Prepared:
    return _page(select(*_SUMMARY), residents.c.id, (_CONDITIONS[name] for name in sorted(filters)))


async def residents_after(
    session: Session, after: str, most: int, *, region: str | None, status: str | None, name: str | None
) -> list[Record]:
    """Give summaries of the residents after an id, in the order of their ids.

    Args:
        region: dotted code of a region at any level.
        status: `active`, `deceased` or `non_active`.
        name: what the name begins with, upper case.
    """
    given = {"region": region, "status": status, "name": name}
    values: dict[str, object] = {filter_: value for filter_, value in given.items() if value is not None}
    query = _residents_page(frozenset(values))
    if region is not None:
        values["region_end"] = _within(region)
    if name is not None:
        values["name_end"] = name + AFTER_ALL
    return await session.all(query, after=after, most=most, **values)


def _within(region: str) -> str:
    """Give the end of the codes in a region, itself included: `.` and what follows it sorts before `/`."""
    return region + "/"


@cache
def _families_page(*, in_region: bool) -> Prepared:
    head = residents.alias("head")
    found = select(
        families.c.id,
        families.c.kk,
        families.c.issued_on,
        head.c.nik.label("head_nik"),
        head.c.name.label("head_name"),
        families.c.village_code,
    ).join(head, head.c.id == families.c.head_id)
    inside = families.c.village_code.between(bindparam("region"), bindparam("region_end"))
    return _page(found, families.c.id, [inside] if in_region else [])


async def families_after(session: Session, after: str, most: int, *, region: str | None) -> list[Record]:
    """Give summaries of the family cards after an id, with their heads."""
    if region is None:
        return await session.all(_families_page(in_region=False), after=after, most=most)
    query = _families_page(in_region=True)
    return await session.all(query, after=after, most=most, region=region, region_end=_within(region))


async def family_with(session: Session, kk: str) -> Record | None:
    """Give a family card with its members, or None."""
    family = await session.first(_FAMILY, kk=kk)
    if family is None:
        return None
    members = await session.all(_MEMBERS, kk=kk)
    head = next(member for member in members if member["id"] == family["head_id"])
    shown = {name: value for name, value in family.items() if name != "head_id"}
    return {**shown, "head_nik": head["nik"], "head_name": head["name"], "members": members}


@cache
def _regions_page(filters: frozenset[str]) -> Prepared:
    level = regions.c.level == bindparam("level")
    conditions = {"level": level, "parent": regions.c.parent_code == bindparam("parent")}
    return _page(select(regions), regions.c.code, (conditions[name] for name in sorted(filters)))


async def regions_after(
    session: Session, after: str, most: int, *, level: str | None, parent: str | None
) -> list[Record]:
    """Give the regions after a code; `parent` is a dotted code."""
    given = {"level": level, "parent": parent}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    return await session.all(_regions_page(frozenset(values)), after=after, most=most, **values)


async def region_with(session: Session, code: str) -> Record | None:
    """Give the region with a dotted code, or None."""
    return await session.first(_REGION, code=code)


async def region_names(session: Session, village_code: str) -> dict[str, str]:
    """Give the names of a village and of the regions that it lies in, by their dotted codes."""
    found = await session.all(
        _REGION_NAMES,
        province=village_code[:2],
        city=village_code[:5],
        district=village_code[:8],
        village=village_code,
    )
    return {region["code"]: region["name"] for region in found}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What comes of asking about one NIK.

    Attributes:
        left: how many verifications are left today after this one.
        obstacle: why it cannot be verified, if it cannot.
        record: the record, empty where there is an obstacle.
    """

    left: int
    obstacle: Obstacle | None
    record: Record


async def inquire(call: Call, nik: str) -> Inquiry:
    """Ask about one NIK and count the question in the call's transaction; without any left, nothing is looked up."""
    left = await _left_after_one_more(call)
    if left is None:
        return Inquiry(0, Obstacle.QUOTA_EXHAUSTED, {})
    found = await residents_with(call.db, nik)
    obstacle = met(nik, found)
    return Inquiry(left, obstacle, {} if obstacle else found[0])


async def _left_after_one_more(call: Call) -> int | None:
    """Count a verification; None when there was none left for it."""
    day = call.now.date().isoformat()
    used = await call.db.scalar(_USED, day=day)
    if used is None:
        await call.db.run(quota.insert(), rows=[{"day": day, "used": 1}])
        return DAILY_VERIFICATIONS - 1
    if used >= DAILY_VERIFICATIONS:
        return None
    await call.db.run(_USED_ONE_MORE, today=day)
    return DAILY_VERIFICATIONS - int(used) - 1
