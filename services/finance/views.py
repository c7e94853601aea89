"""Facts for the grader: what the documents of a city say at this moment, and what was planted when it was seeded.

Sums are made here a second time, from the documents one by one, so that a grader does not rest on the queries that
participants are answered from.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from services.finance import sipd
from services.finance.rules import CANCELLED, document_id
from services.finance.tables import bills, charges, documents, lines, skpd
from services.kit.backdoor import View
from services.kit.store import Record, Session
from services.world import World

_LINES = select(lines).order_by(lines.c.key)
_DOCUMENTS = select(documents).order_by(documents.c.key)
_CHARGES = (
    select(charges.c.document_key, charges.c.amount_idr, lines.c.id)
    .select_from(charges.join(lines, lines.c.key == charges.c.line_key))
    .order_by(charges.c.document_key, charges.c.line_key)
)
_BILLS = select(bills).order_by(bills.c.billing_code)
_AGENCIES = select(skpd).order_by(skpd.c.code)
_FORMER = select(skpd).where(skpd.c.active.is_(False)).order_by(skpd.c.code)


async def _charged(session: Session) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for row in await session.all(_CHARGES):
        found[row["document_key"]].append(row)
    return found


async def budget(_world: World, session: Session) -> list[dict[str, Any]]:
    """Give every budget line with its DPA and the sums of its living SPD, SPP and SP2D, in rupiah."""
    charged = await _charged(session)
    sums: dict[str, Counter[str]] = {"SPD": Counter(), "SPP": Counter(), "SP2D": Counter()}
    for row in await session.all(_DOCUMENTS):
        if row["status"] == CANCELLED or row["type"] not in sums:
            continue
        for charge in charged[row["spp_key"] if row["type"] == "SP2D" else row["key"]]:
            sums[row["type"]][charge["id"]] += charge["amount_idr"]
    return [
        {
            "id": line["id"],
            "year": line["year"],
            "skpd_code": line["skpd_code"],
            "dpa_idr": line["amount_idr"],
            "spd_idr": sums["SPD"][line["id"]],
            "spp_idr": sums["SPP"][line["id"]],
            "sp2d_idr": sums["SP2D"][line["id"]],
        }
        for line in await session.all(_LINES)
    ]


async def chain(_world: World, session: Session) -> list[dict[str, Any]]:
    """Give every document with its charges, cancelled ones too; `parent` is the number of the one it rests on."""
    charged = await _charged(session)
    rows = await session.all(_DOCUMENTS)
    number_of = {row["key"]: row["number"] for row in rows}
    return [
        {
            "id": document_id(row["type"], row["key"]),
            "parent": number_of.get(row["parent_key"]),
            **{name: value for name, value in row.items() if not name.endswith("key")},
            "charges": [
                {"budget_line_id": charge["id"], "amount_idr": charge["amount_idr"]} for charge in charged[row["key"]]
            ],
        }
        for row in rows
    ]


async def realisation(_world: World, session: Session) -> list[dict[str, Any]]:
    """Give the living SP2D of kinds LS, GU and TU added up by SKPD, year and month."""
    sums: dict[tuple[str, int, int], Counter[str]] = defaultdict(Counter)
    for row in await session.all(_DOCUMENTS):
        if row["type"] == "SP2D" and row["status"] != CANCELLED and row["kind"] != "UP":
            found = {"documents": 1, "gross_idr": row["amount_idr"], "deductions_idr": row["deductions_idr"]}
            sums[row["skpd_code"], row["year"], row["month"]].update(found)
    return [
        {
            "skpd_code": code,
            "year": year,
            "month": month,
            **total,
            "net_idr": total["gross_idr"] - total["deductions_idr"],
        }
        for (code, year, month), total in sorted(sums.items())
    ]


async def all_bills(_world: World, session: Session) -> list[dict[str, Any]]:
    """Give every bill as it is stored; an unpaid one has expired when `due_on` has passed on the sandbox clock."""
    return [dict(row) for row in await session.all(_BILLS)]


async def trouble(world: World, session: Session) -> dict[str, Any]:
    """Give what was planted when the city was seeded, and the papers that are under way now.

    `old_sub_activity_codes` and `stray_characters` are what the SIPD dialect does to codes and names.
    """
    rows = await session.all(_DOCUMENTS)
    living = {row["parent_key"] for row in rows if row["status"] != CANCELLED}
    waiting = [row for row in rows if row["key"] not in living and row["type"] in {"SPP", "SPM"}]
    found = await session.all(_LINES)
    return {
        "skpd": {kind: list(codes) for kind, codes in world.truth.skpd.items()},
        "successors": {row["code"]: row["successor_code"] for row in await session.all(_FORMER)},
        **{kind: list(ids) for kind, ids in world.truth.documents.items()},
        "waiting": {
            status: [row["number"] for row in waiting if (row["type"], row["status"]) == key]
            for status, key in (
                ("spp_to_approve", ("SPP", "draft")),
                ("spp_to_order", ("SPP", "approved")),
                ("spm_to_pay", ("SPM", "issued")),
            )
        },
        "old_sub_activity_codes": [
            line["id"] for line in found if sipd.is_old_spelling(line["sub_activity_code"], line["id"])
        ],
        "stray_characters": [row["code"] for row in await session.all(_AGENCIES) if sipd.is_stray(row["code"])],
    }


VIEWS: Mapping[str, View] = {
    "budget": budget,
    "documents": chain,
    "realisation": realisation,
    "bills": all_bills,
    "trouble": trouble,
}
"""The truth views, by name."""
