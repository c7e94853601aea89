"""The rows that a sandbox begins with: this agency's view of the world, without its secrets."""

from typing import Any

from services.kit.specs import SandboxSpec
from services.kit.store import Seed
from services.permits.identities import license_id
from services.permits.tables import applications, businesses, history
from services.world import World
from services.world.entities import Application, Business

_BUSINESS_COLUMNS = tuple(column.name for column in businesses.columns if column.name != "issued_on")


def rows(world: World, _spec: SandboxSpec) -> Seed:
    """Give this agency's rows, table by table; who a typed name really belongs to stays behind."""
    yield businesses, [_business(business) for business in world.businesses]
    yield applications, [_application(application) for application in world.applications]
    yield history, [row for application in world.applications for row in _history(application)]


def _business(business: Business) -> dict[str, Any]:
    row = {name: getattr(business, name) for name in _BUSINESS_COLUMNS}
    row["issued_on"] = business.issued_on.isoformat()
    return row


def _application(application: Application) -> dict[str, Any]:
    submitted_at = application.submitted_at.isoformat(timespec="seconds")
    applicant = application.applicant
    return {
        "id": application.id,
        "place": f"{submitted_at}/{application.id}",
        "license_id": license_id(application.id, submitted_at),
        "nib": application.nib,
        "kbli": application.kbli,
        "risk": application.risk,
        "permit_kind": application.permit_kind,
        "submitted_at": submitted_at,
        "status": application.status,
        "version": len(application.history),
        "nik": applicant.nik,
        "name": applicant.name,
        "sex": applicant.sex,
        "birth_place": applicant.birth_place,
        "birth_on": applicant.birth_on.isoformat(),
        "address": applicant.address,
        "village_code": applicant.village_code,
        "phone": applicant.phone,
        "email": applicant.email,
        "checklist": [
            {"code": item.code, "name": item.name, "required": item.required, "fulfilled": item.fulfilled}
            for item in application.checklist
        ],
        "decision_number": application.decision_number,
        "valid_until": application.valid_until.isoformat() if application.valid_until else None,
    }


def _history(application: Application) -> list[dict[str, Any]]:
    """Steps taken before the office published its reasons carry none."""
    return [
        {
            "application_id": application.id,
            "seq": seq,
            "status": step.status,
            "at": step.at.isoformat(timespec="seconds"),
            "actor": step.actor,
            "reason_code": None,
            "note": step.note,
        }
        for seq, step in enumerate(application.history, 1)
    ]
