"""Reading and writing what the office stores, shared by the clean API and the dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from services.kit.access import Call
from services.kit.etags import etag
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.store import Prepared, Record, Session
from services.permits.deadlines import Deadline, deadline
from services.permits.grants import decision_number, valid_until
from services.permits.rules import GRANTED, is_repeated, note_for, require_legal
from services.permits.tables import applications, businesses, history

_ = catalogue(__file__)

_BUSINESS = Prepared(select(businesses).where(businesses.c.nib == bindparam("nib")))
_APPLICATION = Prepared(select(applications).where(applications.c.id == bindparam("id")))
_BY_LICENSE = Prepared(select(applications).where(applications.c.license_id == bindparam("license_id")))
_OF_BUSINESS = Prepared(
    select(applications).where(applications.c.nib == bindparam("nib")).order_by(applications.c.place)
)
_HISTORY = Prepared(select(history).where(history.c.application_id == bindparam("id")).order_by(history.c.seq))
_ADVANCE = (
    applications.update()
    .where(applications.c.id == bindparam("which"), applications.c.version == bindparam("seen"))
    .values(
        status=bindparam("status"),
        version=bindparam("version"),
        decision_number=bindparam("decision_number"),
        valid_until=bindparam("valid_until"),
    )
)

_LISTED_BUSINESS = ("nib", "name", "kbli", "kbli_title", "kbli_year", "scale", "risk", "status", "issued_on")
_LISTED_APPLICATION = (
    "place", "id", "nib", "kbli", "risk", "permit_kind", "submitted_at", "status", "version",
)  # fmt: skip

_BUSINESS_FILTERS: Mapping[str, ColumnElement[bool]] = {
    name: businesses.c[name] == bindparam(name) for name in ("kbli", "kbli_year", "scale", "risk", "status")
}
_APPLICATION_FILTERS: Mapping[str, ColumnElement[bool]] = {
    **{name: applications.c[name] == bindparam(name) for name in ("status", "nib", "kbli", "risk")},
    "submitted_from": applications.c.submitted_at >= bindparam("submitted_from"),
    "submitted_to": applications.c.submitted_at < bindparam("submitted_to"),
}


@cache
def _business_list(given: frozenset[str]) -> Prepared:
    columns = [businesses.c[name] for name in _LISTED_BUSINESS]
    wanted = [_BUSINESS_FILTERS[name] for name in sorted(given)]
    query = select(*columns).where(businesses.c.nib > bindparam("after"), *wanted)
    return Prepared(query.order_by(businesses.c.nib).limit(bindparam("count")))


@cache
def _application_list(given: frozenset[str]) -> Prepared:
    columns = [applications.c[name] for name in _LISTED_APPLICATION]
    wanted = [_APPLICATION_FILTERS[name] for name in sorted(given)]
    query = select(*columns).where(applications.c.place > bindparam("after"), *wanted)
    return Prepared(query.order_by(applications.c.place).limit(bindparam("count")))


def _given(filters: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in filters.items() if value is not None}


async def list_businesses(session: Session, filters: Mapping[str, object], *, after: str, count: int) -> list[Record]:
    """Give up to `count` businesses after the NIB `after`, by NIB, without personal data."""
    given = _given(filters)
    return await session.all(_business_list(frozenset(given)), **given, after=after, count=count)


async def list_applications(session: Session, filters: Mapping[str, object], *, after: str, count: int) -> list[Record]:
    """Give up to `count` applications after the place `after`, oldest first, without personal data.

    Args:
        filters: `submitted_from` and `submitted_to` are dates (`YYYY-MM-DD`), both included.
    """
    given = _given(filters)
    query = _application_list(frozenset(given))
    if "submitted_to" in given:
        given["submitted_to"] = f"{given['submitted_to']}U"  # sorts after every time of that day, which begins with T
    return await session.all(query, **given, after=after, count=count)


async def business_of(session: Session, nib: str) -> Record:
    """Give a business by its NIB.

    Raises:
        Problem: 404 `business_not_found`.
    """
    found = await session.first(_BUSINESS, nib=nib)
    if found is None:
        raise Problem(404, "business_not_found", _("There is no business with this NIB. Check the 13 digits."))
    return found


async def application_of(session: Session, application_id: str) -> Record:
    """Give an application.

    Raises:
        Problem: 404 `application_not_found`.
    """
    return _found(await session.first(_APPLICATION, id=application_id))


async def application_with_license(session: Session, license_id: str) -> Record:
    """Give an application by OSS's `id_izin`.

    Raises:
        Problem: 404 `application_not_found`.
    """
    return _found(await session.first(_BY_LICENSE, license_id=license_id))


def _found(application: Record | None) -> Record:
    if application is None:
        raise Problem(
            404,
            "application_not_found",
            _("There is no permit application with this number. Look it up in the list of applications."),
        )
    return application


async def applications_of(session: Session, nib: str) -> list[Record]:
    """Give the applications of a business, oldest first."""
    return await session.all(_OF_BUSINESS, nib=nib)


async def history_of(session: Session, application_id: str) -> list[Record]:
    """Give the steps of an application, oldest first."""
    return await session.all(_HISTORY, id=application_id)


def deadline_of(application: Record, steps: list[Record], now: datetime) -> Deadline:
    """Read the service time of an application from its steps."""
    moments = [(step["status"], datetime.fromisoformat(step["at"])) for step in steps]
    return deadline(moments, risk=application["risk"], now=now)


def tag_of(application: Record) -> str:
    """Give the strong entity tag of an application: its version, and whose, so that no other's tag fits."""
    return etag(f"{application['version']}-{application['id']}")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a caller decides.

    Attributes:
        status: a code of `STATUSES`.
        reason_code: a code of `REASONS`, or None where the status takes none.
        note: the caller's own sentence, if any.
    """

    status: str
    reason_code: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision.

    Attributes:
        application: the application as it is now.
        step: the history step that holds the decision.
        is_new: False when it only repeated what already held, so that nothing was written.
    """

    application: Record
    step: Record
    is_new: bool


async def decide(call: Call, application: Record, decision: Decision) -> Decided:
    """Write a decision: a step in the history with who and when, the new status, the next version.

    Raises:
        Problem: 409 `transition_not_allowed`, 422 `reason_required` or `reason_not_for_status`,
            412 `precondition_failed` when another writer was faster.
    """
    steps = await history_of(call.db, application["id"])
    last = steps[-1]
    if is_repeated(decision.status, decision.reason_code, present=last["status"], present_reason=last["reason_code"]):
        return Decided(application, last, is_new=False)
    overdue = deadline_of(application, steps, call.now).overdue
    require_legal(decision.status, decision.reason_code, present=last["status"], overdue=overdue)
    step = {
        "application_id": application["id"],
        "seq": last["seq"] + 1,
        "status": decision.status,
        "at": call.now.isoformat(timespec="seconds"),
        "actor": call.caller.client_id,
        "reason_code": decision.reason_code,
        "note": note_for(decision.reason_code, decision.note, decision.status),
    }
    return Decided(await _advance(call, application, step), step, is_new=True)


async def _advance(call: Call, application: Record, step: Mapping[str, Any]) -> Record:
    changed = {"status": step["status"], "version": step["seq"]}
    if step["status"] in GRANTED and application["decision_number"] is None:
        today = call.now.date()
        last_day = valid_until(application["permit_kind"], today)
        changed["decision_number"] = decision_number(application["id"], today)
        changed["valid_until"] = last_day.isoformat() if last_day else None
    now = {**application, **changed}
    written = {name: now[name] for name in ("status", "version", "decision_number", "valid_until")}
    if not await call.db.run(_ADVANCE, which=application["id"], seen=application["version"], **written):
        detail = _("The application has just been changed by another call. Read it again, then decide anew.")
        raise Problem(412, "precondition_failed", detail)
    await call.db.run(history.insert(), rows=[step])
    return now
