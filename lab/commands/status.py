"""`lab status`: what runs, where, and with which client to explore it."""

import json
from dataclasses import asdict
from typing import Any

import click

from grader.language import catalogue
from grader.verdicts import ExitCode
from lab.agencies import Agency, agencies
from lab.ports import is_ready
from lab.running import Condition, Part, Reach, Running, running
from lab.sandbox import Sandbox
from lab.session import Session
from lab.usage import as_json
from lab.usage import command as build

_ = catalogue(__file__)

FORMAT_VERSION = 1
_MEGABYTE = 1_000_000


def command() -> click.Command:
    """Returns the command."""
    return build("status", run, _("Show the agencies, their addresses, and the client of your sandbox."), [as_json()])


def run(session: Session, *, as_json: bool) -> ExitCode:
    """Shows how the lab is.

    Returns:
        PASSED when the lab is ready or was stopped, LAB_FAILED when it should run but does not, or not wholly.
    """
    what_runs = running(session.settings)
    facts = _facts(session, what_runs)
    if as_json:
        session.console.say(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _tell(session, facts, what_runs)
    stopped = facts["state"] == Condition.STOPPED.value
    well = facts["state"] == Condition.RUNNING.value and all(_is_well(one) for one in facts["services"].values())
    return ExitCode.PASSED if stopped or well else ExitCode.LAB_FAILED


def _is_well(service: dict[str, str]) -> bool:
    return service["health"] == "ready"


def _facts(session: Session, what_runs: Running) -> dict[str, Any]:
    """Returns everything that the command shows, under the names of its JSON."""
    record, condition, sandbox = what_runs.record(), what_runs.condition(), Sandbox.read(session.settings.sandbox)
    served = agencies(session.settings.root)
    return {
        "format_version": FORMAT_VERSION,
        "state": condition.value,
        "pid": getattr(record, "pid", None) if condition is Condition.RUNNING else None,
        "log": what_runs.log_place(),
        "services": {agency.name: _service(agency, record, condition, session) for agency in served} if record else {},
        "sandbox": _sandbox(sandbox) if sandbox else None,
        "containers": [] if condition is Condition.STOPPED else [asdict(part) for part in what_runs.parts()],
    }


def _service(agency: Agency, record: Reach, condition: Condition, session: Session) -> dict[str, str]:
    url = record.services.get(agency.name, agency.url(record.port_base))
    ready = condition is Condition.RUNNING and is_ready(url)
    title = agency.title(session.settings.language)
    return {"title": title, "url": url, "docs": f"{url}/docs", "health": "ready" if ready else "down"}


def _sandbox(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "id": sandbox.id,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "scopes": list(sandbox.scopes),
        "seed": sandbox.seed,
        "size": sandbox.size,
        "reference_date": sandbox.reference_date,
    }


def _tell(session: Session, facts: dict[str, Any], what_runs: Running) -> None:
    console = session.console
    if facts["state"] == Condition.STOPPED.value:
        console.say(_("The lab is not running. Start it with: make up"), "quiet")
        return
    if facts["state"] == Condition.CRASHED.value:
        console.problem(
            _("The lab stopped by itself."),
            _("Start it again with: make up. Nothing saved was lost."),
            what_runs.log_tail(),
        )
        _tell_parts(session, facts["containers"])
        return
    for service in facts["services"].values():
        console.say(f"{service['url']}  {service['title']}", "good" if _is_well(service) else "bad")
    _tell_parts(session, facts["containers"])
    if facts["sandbox"]:
        console.say()
        console.say(
            _(
                "Your sandbox: {id}, its first day is {day}.",
                id=facts["sandbox"]["id"],
                day=facts["sandbox"]["reference_date"],
            )
        )
        console.say(f"  CLIENT_ID={facts['sandbox']['client_id']}")
        console.say(f"  CLIENT_SECRET={facts['sandbox']['client_secret']}")


def _tell_parts(session: Session, parts: list[dict[str, Any]]) -> None:
    """Shows the containers, if the lab is some."""
    if parts:
        session.console.say()
    for part in (Part(**one) for one in parts):
        memory = "-" if part.memory_bytes is None else f"{part.memory_bytes // _MEGABYTE} MB"
        line = _(
            "{name}: {state}, started again {restarts} times, memory {memory}",
            name=f"{part.name:<12}",
            state=part.state,
            restarts=part.restarts,
            memory=memory,
        )
        session.console.say(line, "good" if part.state in {"healthy", "running"} else "bad")
