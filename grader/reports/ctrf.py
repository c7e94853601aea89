"""`ctrf.json`: the Common Test Report Format 0.0.0 (ctrf.io), the part in docs/schemas/ctrf-0.0.0.json.

CTRF has no word for "the lab failed"; such a task is `other`, and `rawStatus` holds our verdict.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from json import dumps
from typing import Any, Final

from grader.exchange import Exchange
from grader.plaintext import sanitise
from grader.reports.wording import sentence, title
from grader.results import Results, TaskResult, tidy
from grader.verdicts import Verdict

SPEC_VERSION: Final = "0.0.0"
_STATUS: Final = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.SKIP: "skipped",
    Verdict.ERROR: "other",
}
_LONGEST_TEXT: Final = 2_000


class Ctrf:
    """Writes `ctrf.json`."""

    filename = "ctrf.json"

    def render(self, results: Results, exchanges: Sequence[Exchange] = ()) -> str:
        """Return the report of `results`; the exchanges are not part of it."""
        del exchanges
        start = _milliseconds(results.started_at)
        counts = Counter(_STATUS[task.verdict] for task in results.tasks)
        report = {
            "reportFormat": "CTRF",
            "specVersion": SPEC_VERSION,
            "generatedBy": "spbe-lab",
            "timestamp": datetime.fromtimestamp(start / 1000, UTC).isoformat(timespec="seconds"),
            "results": {
                "tool": {"name": "spbe-lab", "version": _text(results.lab_version)},
                "summary": {
                    "tests": len(results.tasks),
                    **{status: counts[status] for status in ("passed", "failed", "skipped", "pending", "other")},
                    "start": start,
                    "stop": start + round(results.execution_time * 1000),
                    "extra": _summary(results),
                },
                "tests": [_test(task, results) for task in results.tasks],
            },
        }
        return dumps(report, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _summary(results: Results) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "score": results.score,
        "max_score": results.max_score,
        "passed": results.passed,
        "verdict": results.verdict.value,
        "run_id": _text(results.run_id),
        "participant": _text(results.participant),
        "isolation": _text(results.isolation),
        "practice": results.practice,
        "provisional": results.provisional,
    }
    if results.error:
        extra["error"] = _text(results.error.message)
    return extra


def _test(task: TaskResult, results: Results) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": _text(task.name) or _text(task.task) or "?",
        "status": _STATUS[task.verdict],
        "duration": round(task.duration * 1000),
        "rawStatus": task.verdict.value,
        "suite": [_text(str(title(results)))],
        "extra": {"task": _text(task.task), "points": tidy(task.score), "max_points": tidy(task.max_score)},
    }
    if task.tags:
        test["tags"] = [_text(tag) for tag in task.tags]
    if said := _text(str(sentence(task, results))):
        test["message"] = said
    return test


def _text(text: str) -> str:
    return sanitise(text, limit=_LONGEST_TEXT)


def _milliseconds(moment: str) -> int:
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    return max(round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000), 0)
