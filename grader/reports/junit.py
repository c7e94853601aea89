"""`junit.xml`: what CI servers and editors read.

Written as pytest's `junit_family=xunit1` does it, because that dialect allows `properties` in a test case; the points
stand there. A broken run is one test case with an error.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree

from grader.exchange import Exchange
from grader.plaintext import sanitise
from grader.reports.wording import ending, sentence, title
from grader.results import Results, TaskResult, tidy
from grader.verdicts import Verdict

_LONGEST_ATTRIBUTE = 400
_LONGEST_TEXT = 8_000


class JUnit:
    """Writes `junit.xml`."""

    filename = "junit.xml"

    def render(self, results: Results, exchanges: Sequence[Exchange] = ()) -> str:
        """Return the report of `results`; the exchanges are those of the causes, so these are not needed."""
        del exchanges
        counts = {verdict: sum(task.verdict is verdict for task in results.tasks) for verdict in Verdict}
        numbers = {
            "tests": len(results.tasks) or 1,
            "failures": counts[Verdict.FAIL],
            "errors": counts[Verdict.ERROR] + (1 if results.error or not results.tasks else 0),
            "skipped": counts[Verdict.SKIP],
            "time": f"{results.execution_time:.3f}",
        }
        top = ElementTree.Element("testsuites", _texts({"name": "spbe-lab", **numbers}))
        suite = ElementTree.SubElement(top, "testsuite", _texts({"name": title(results), **numbers}))
        if stamp := _timestamp(results.started_at):
            suite.set("timestamp", stamp)
        _properties(suite, _facts(results))
        for task in results.tasks:
            _case(suite, task, results)
        if not results.tasks:
            case = ElementTree.SubElement(
                suite, "testcase", _texts({"classname": _suite(results), "name": "run", "time": 0})
            )
            broken = results.error
            message, detail = (broken.message, broken.detail) if broken else ("", "")
            _verdict(case, "error", message, detail)
        if results.program:
            for name in ("stdout", "stderr"):
                text = getattr(results.program, name)
                ElementTree.SubElement(suite, "system-" + name[3:]).text = _text(text)
        ElementTree.indent(top)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, task: TaskResult, results: Results) -> None:
    about = {"classname": _suite(results), "name": task.name, "time": f"{task.duration:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", _texts(about))
    _properties(
        case,
        {
            "task": task.task,
            "points": tidy(task.score),
            "max_points": tidy(task.max_score),
            "verdict": task.verdict.value,
        },
    )
    kinds = {Verdict.FAIL: "failure", Verdict.SKIP: "skipped", Verdict.ERROR: "error"}
    if kind := kinds.get(task.verdict):
        _verdict(case, kind, str(sentence(task, results)), _detail(task))


def _verdict(case: ElementTree.Element, kind: str, message: str, detail: str) -> None:
    types = {"failure": "fail", "skipped": "skip", "error": "error"}
    ElementTree.SubElement(case, kind, _texts({"message": message, "type": types[kind]})).text = _text(detail)


def _detail(task: TaskResult) -> str:
    cause = task.cause
    if cause is None:
        return ""
    lines = [f"expected: {cause.expected}", f"actual: {cause.actual}"]
    for shown in cause.exchange:
        lines += ["", shown.exchange.short(100), shown.curl]
    return "\n".join(lines)


def _facts(results: Results) -> dict[str, object]:
    facts: dict[str, object] = {
        "run_id": results.run_id,
        "participant": results.participant,
        "points": tidy(results.score),
        "max_points": tidy(results.max_score),
        "passed": str(results.passed).lower(),
        "isolation": results.isolation,
        "practice": str(results.practice).lower(),
        "provisional": str(results.provisional).lower(),
        "seed_fingerprint": results.seed_fingerprint,
        "lab_version": results.lab_version,
    }
    if (how := ending(results)) is not None:
        facts["program"] = how
    return facts


def _properties(parent: ElementTree.Element, values: Mapping[str, object]) -> None:
    group = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        ElementTree.SubElement(group, "property", _texts({"name": name, "value": value}))


def _suite(results: Results) -> str:
    return f"exercise.{results.exercise.number:02d}_{results.exercise.slug}"


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: sanitise(str(value), limit=_LONGEST_ATTRIBUTE) for name, value in values.items()}


def _text(text: str) -> str:
    return sanitise(text, lines=True, limit=_LONGEST_TEXT)


def _timestamp(started_at: str) -> str:
    try:
        return datetime.fromisoformat(started_at).isoformat(timespec="seconds")
    except ValueError:
        return ""
