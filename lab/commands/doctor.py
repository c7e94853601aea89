"""`lab doctor`: looks for what this computer lacks."""

import json

import click

from grader.language import catalogue
from grader.verdicts import ExitCode
from lab.doctor import Finding, State, examine
from lab.session import Session
from lab.usage import as_json
from lab.usage import command as build

_ = catalogue(__file__)

FORMAT_VERSION = 1


def command() -> click.Command:
    """Returns the command."""
    about = _("Look for what this computer lacks for the lab, and say how to mend it.")
    return build("doctor", run, about, [as_json()])


def run(session: Session, *, as_json: bool) -> ExitCode:
    """Looks at everything; returns LAB_FAILED when something is missing that the lab cannot do without."""
    findings = []
    for finding in examine(session.settings):
        findings.append(finding)
        if not as_json:
            _tell(session, finding)
    lacking = [finding for finding in findings if finding.state is State.BAD]
    if as_json:
        session.console.say(_json(findings))
    elif lacking:
        session.console.problem(_("{n} of these must be mended before the lab can work.", n=len(lacking)), "")
    else:
        session.console.say(_("This computer can run the lab."))
    return ExitCode.LAB_FAILED if lacking else ExitCode.PASSED


def _tell(session: Session, finding: Finding) -> None:
    session.console.say(finding.found, finding.state.value)
    if finding.state is not State.GOOD and finding.mend:
        session.console.say(f"    {finding.mend}")


def _json(findings: list[Finding]) -> str:
    checks = [
        {"name": one.name, "state": one.state.value, "found": str(one.found), "mend": str(one.mend or "")}
        for one in findings
    ]
    ok = all(one.state is not State.BAD for one in findings)
    return json.dumps({"format_version": FORMAT_VERSION, "ok": ok, "checks": checks}, indent=2, ensure_ascii=False)
