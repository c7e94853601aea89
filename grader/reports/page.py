"""`report.html`: the report as one page that needs nothing else, for a screen, a projector, a phone or paper.

Whatever a learner can influence is cleaned and escaped by the environment, not by each place. The page has no script,
and its policy allows none: only its own style sheet, by hash.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader import trace
from grader.exchange import Exchange
from grader.language import Text, catalogue, current_language
from grader.plaintext import sanitise
from grader.reports.wording import BADGES, ending, next_steps, notes, sentence, title
from grader.results import Results, TaskResult, headline, tidy
from grader.sequence import Call, Loop, Start, Step, tell
from grader.verdicts import Verdict

_ = catalogue(__file__)

MOST_LANES: Final = 10
"""Lifelines that the style sheet knows, the program's own among them."""
LONGEST_TEXT: Final = 4_000
_TEMPLATES: Final = Path(__file__).with_name("templates")


REPORT: Final = "report.html"


class Page:
    """Writes `report.html`."""

    filename = REPORT

    def render(self, results: Results, exchanges: Sequence[Exchange] = ()) -> str:
        """Return the report of `results` as a page; `exchanges` are all of the run, for the sequence diagram."""
        language = current_language()
        story = tell(exchanges)
        lanes = [str(_("program")), *story.services]
        badge = BADGES[results.verdict if results.verdict is Verdict.ERROR or not results.passed else Verdict.PASS]
        return render(
            REPORT,
            title=title(results),
            results=results,
            number=results.exercise.number,
            participant=results.participant,
            score=tidy(results.score),
            max_score=tidy(results.max_score),
            headline=headline(results),
            style_of_run=badge.style,
            symbol_of_run=badge.symbol,
            notes=notes(results),
            next_steps=next_steps(results),
            tasks=[_task(place, task, results) for place, task in enumerate(results.tasks, 1)],
            ending=ending(results),
            output=list(_output(results)),
            lanes=lanes,
            rows=[_row(step, lanes) for step in story.steps] if len(lanes) <= MOST_LANES else [],
            totals=[str(text) for text in trace.totals(story, language)] if story.steps else [],
            about=_about(results),
        )


def warm_up() -> None:
    """Compile the report's template, which takes some tens of milliseconds, before it is needed."""
    _environment().get_template(REPORT)


def render(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template needs
    """Return a page made from a template of this package, with the shared style sheet and its policy."""
    style, policy = _style()
    page = _environment().get_template(template)
    return page.render(values, style=style, policy=policy, language=current_language(), badges=BADGES)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = _
    return environment


def _cleaned(value: object) -> object:
    """Clean whatever a template writes, but for markup of our own; escaping comes after."""
    if isinstance(value, Markup) or value is None:
        return "" if value is None else value
    return sanitise(str(value), lines=True, limit=LONGEST_TEXT)


@cache
def _style() -> tuple[Markup, str]:
    """Return the style sheet and a policy that allows it and nothing else."""
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(style), policy  # noqa: S704 - our own file, not a learner's


def _task(place: int, task: TaskResult, results: Results) -> Mapping[str, object]:
    shown = task.cause.exchange if task.cause else ()
    return {
        "index": place,
        "number": task.number,
        "name": task.name,
        "score": tidy(task.score),
        "max_score": tidy(task.max_score),
        "verdict": task.verdict,
        "more": task.verdict is not Verdict.PASS,
        "sentence": sentence(task, results),
        "cause": task.cause,
        "exchanges": [{"short": one.exchange.short(100), "curl": one.curl} for one in shown],
    }


def _output(results: Results) -> Iterator[Mapping[str, object]]:
    program = results.program
    if program and program.stderr.strip():
        yield {"words": _("Its error output"), "text": program.stderr.strip()[-LONGEST_TEXT:]}
    if program and program.stdout.strip():
        yield {"words": _("What it printed"), "text": program.stdout.strip()}


def _row(step: Step, lanes: Sequence[str]) -> Mapping[str, object]:
    language = current_language()
    if isinstance(step, Loop):
        rows = [_row(part, lanes) for part in step.steps]
        return {"kind": "loop", "words": _("{n} times the same:", n=step.times), "rows": rows}
    if isinstance(step, Call):
        return {
            "kind": "call",
            "service": step.service,
            "lane": lanes.index(step.service, 1) + 1,
            "label": trace.label(step),
            "outcome": trace.outcome(step),
            "style": trace.style(step),
            "remark": trace.remark(step) or "",
            "planted": bool(step.fault),
            "at": _("{time} s", time=trace.seconds(step.at, language, 2)),
        }
    kind = "start" if isinstance(step, Start) else "pause"
    return {"kind": kind, "words": trace.between(step, language)}


def _about(results: Results) -> list[tuple[Text, str]]:
    facts = [
        (_("Run"), results.run_id),
        (_("Started"), results.started_at),
        (_("Isolation"), results.isolation),
        (_("Fingerprint of the seed"), results.seed_fingerprint),
        (_("Hash of the submission"), results.submission_sha256),
        (_("Hash of the exercise"), results.exercise.hash),
        (_("Group"), results.cohort),
        (_("Version of the lab"), results.lab_version),
    ]
    return [(name, value) for name, value in facts if value]
