"""Prepares the sandboxes of a room through the back doors, and afterwards looks at what stands in them."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from grader.city import City
from load.expectations import is_marked
from load.town import Application, Resident, Room, Town

SCOPES = (
    "population:read",
    "population:verify",
    "permits:read",
    "permits:decide",
    "finance:read",
    "finance:billing",
)
REFERENCE_DATE = "2026-11-02"
UNBOUNDED_PER_MINUTE = 1_000_000
"""Calls that a client may make: no limit, because a rush is to find the agencies' own."""

_STRANGERS = 20


def prepare(city: City, participants: int, on_progress: Callable[[int], None]) -> Room:
    """Makes a sandbox for each participant, small and throw-away, and gathers what each must know.

    Args:
        city: the way to the agencies.
        participants: how many.
        on_progress: called with how many are ready, after each.

    Raises:
        LabFault: an agency does not do its part.
    """
    word = secrets.token_hex(3)
    towns = []
    try:
        for number in range(1, participants + 1):
            towns.append(_town(city, f"beban{word}n{number}", f"peserta-{number:03}"))
            on_progress(number)
    except BaseException:
        clear(city, towns)
        raise
    return Room({name: address.url for name, address in city.services.items()}, _acquainted(towns))


def clear(city: City, towns: Sequence[Town]) -> None:
    """Removes the sandboxes."""
    for town in towns:
        city.delete(town.sandbox)


def traces(city: City, towns: Sequence[Town]) -> Counter[str]:
    """Counts what stands in the sandboxes and may not: other participants' marks, and work that was done twice.

    Returns:
        How often each kind was found, by its words; empty where every sandbox has its owner's work only.
    """
    return Counter(wrong for town in towns for wrong in _traces(city, town))


def _traces(city: City, town: Town) -> Iterator[str]:
    made = [bill for bill in city.truth(town.sandbox, "finance", "bills") if bill["billing_code"] not in town.bills]
    for bill in made:
        if not is_marked(town, bill):
            yield "cross-talk: another participant's bill in a sandbox"
    if len({bill["description"] for bill in made}) < len(made):
        yield "one intent made two bills"
    for row in city.truth(town.sandbox, "permits", "applications"):
        if set(row["decided_by"]) - {town.client_id}:
            yield "cross-talk: another client's decision in a sandbox"
        if row["decisions"] > 1:
            yield "an application was decided twice"


def _town(city: City, sandbox: str, participant: str) -> Town:
    client_id, secret = f"{sandbox}-peserta", secrets.token_urlsafe(24)
    spec = {
        "seed": secrets.randbelow(2**63),
        "size": "small",
        "reference_date": REFERENCE_DATE,
        "clients": [{"client_id": client_id, "client_secret": secret, "scopes": list(SCOPES)}],
        "requests_per_minute": UNBOUNDED_PER_MINUTE,
        "durable": False,
    }
    city.create(sandbox, spec)
    records = city.truth(sandbox, "population", "residents")
    times = Counter(row["nik"] for row in records)
    return Town(
        participant=participant,
        client_id=client_id,
        client_secret=secret,
        residents=tuple(_resident(row, is_only=times[row["nik"]] == 1) for row in records),
        queue=tuple(_application(row) for row in city.truth(sandbox, "permits", "applications") if row["expected"]),
        budget={line["id"]: line["dpa_idr"] for line in city.truth(sandbox, "finance", "budget")},
        bills=frozenset(bill["billing_code"] for bill in city.truth(sandbox, "finance", "bills")),
        strangers=(),
    )


def _resident(row: dict[str, Any], *, is_only: bool) -> Resident:
    words = {name: row[name] for name in ("id", "nik", "name", "sex", "birth_on", "village_code")}
    return Resident(**words, is_plain=is_only and row["status"] == "active")


def _application(row: dict[str, Any]) -> Application:
    return Application(id=row["id"], nik=row["typed"]["nik"], name=row["typed"]["name"], **row["expected"])


def _acquainted(towns: Sequence[Town]) -> list[Town]:
    """Tells each participant some residents of the next one's city; of a room of one, people whom nobody knows."""
    return [_with_strangers(town, towns[(at + 1) % len(towns)]) for at, town in enumerate(towns)]


def _with_strangers(town: Town, other: Town) -> Town:
    own = {one.nik for one in town.residents}
    found = [one.nik for one in other.plain if one.nik not in own][:_STRANGERS]
    nobody = [f"76799001019099{number:02}" for number in range(1, _STRANGERS)]
    facts = {name: getattr(town, name) for name in town.__dataclass_fields__}
    return Town(**{**facts, "strangers": tuple(found or nobody)})
