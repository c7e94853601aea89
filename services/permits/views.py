"""What only the grader may know: what was planted, and what has become of every application."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, select

from services.kit.backdoor import View
from services.kit.store import Prepared, Session
from services.permits.rules import QUEUE, REASONS
from services.permits.tables import applications, history
from services.world import World

RIGHT_REASON: Mapping[str, str] = {
    "ok": "verified",
    "moved_domicile": "verified",
    "name_minor": "verified",
    "incomplete_checklist": "documents_incomplete",
    "malformed_nik": "nik_malformed",
    "unknown_nik": "nik_unknown",
    "deceased": "nik_deceased",
    "duplicate_nik": "nik_duplicate",
    "non_active": "nik_inactive",
    "name_major": "name_mismatch",
    "birth_date_mismatch": "birth_date_mismatch",
    "sex_mismatch": "sex_mismatch",
}
"""The office's rule, applied to each kind of trouble that the world plants in the queue."""

_LAST_STEP = and_(history.c.application_id == applications.c.id, history.c.seq == applications.c.version)
_PRESENT = Prepared(
    select(
        applications.c.id,
        applications.c.nib,
        applications.c.status,
        applications.c.version,
        history.c.reason_code,
    )
    .join(history, _LAST_STEP)
    .order_by(applications.c.place)
)
_ACTORS = Prepared(select(history.c.application_id, history.c.actor).order_by(history.c.application_id, history.c.seq))
_WAITING = Prepared(select(applications.c.id).where(applications.c.status == QUEUE).order_by(applications.c.place))


async def see_applications(world: World, session: Session) -> list[dict[str, Any]]:
    """Give every application, oldest first: what was planted, what is right, and what has become of it.

    Returns:
        For each: `id`, `nib`, `typed {nik, name, sex, birth_on}` (as on the form), `seeded_status`, the present
        `status`, `reason_code` of its last step and `version`, `decided_by` (the actor of each step since the city was
        seeded) and `decisions` (how many those are); for those that were seeded into the queue also `trouble`,
        `detail`, `resident_id`, `name_score`, `expected {status, reason_code}`, else None.
    """
    planted = {truth.application_id: truth for truth in world.truth.applications}
    seeded = {application.id: application for application in world.applications}
    actors: defaultdict[str, list[str]] = defaultdict(list)
    for step in await session.all(_ACTORS):
        actors[step["application_id"]].append(step["actor"])
    seen = []
    for row in await session.all(_PRESENT):
        truth, origin = planted.get(row["id"]), seeded[row["id"]]
        decided_by = actors[row["id"]][len(origin.history) :]
        reason = REASONS[RIGHT_REASON[truth.trouble]] if truth is not None else None
        seen.append(
            {
                "id": row["id"],
                "nib": row["nib"],
                "typed": {
                    "nik": origin.applicant.nik,
                    "name": origin.applicant.name,
                    "sex": origin.applicant.sex,
                    "birth_on": origin.applicant.birth_on.isoformat(),
                },
                "seeded_status": origin.status,
                "status": row["status"],
                "reason_code": row["reason_code"],
                "version": row["version"],
                "decided_by": decided_by,
                "decisions": len(decided_by),
                "trouble": truth.trouble if truth else None,
                "detail": truth.detail if truth else None,
                "resident_id": truth.resident_id if truth else None,
                "name_score": truth.name_score if truth else None,
                "expected": {"status": reason.status, "reason_code": reason.code} if reason else None,
            }
        )
    return seen


async def see_queue(_world: World, session: Session) -> list[str]:
    """Give the numbers of the applications that wait for verification now, oldest first."""
    return [row["id"] for row in await session.all(_WAITING)]


VIEWS: Mapping[str, View] = {"applications": see_applications, "queue": see_queue}
