"""`results.json`: the one source of every report, written in one step and read without indulgence.

The shape is docs/schemas/results-1.json. It is valid for Gradescope's readers; what is ours stands under `extra_data`.
A run that broke has `error` in place of `tests`.
"""

from collections.abc import Mapping
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import Any, Final

from grader import filing, strictjson
from grader.exchange import Exchange
from grader.plaintext import sanitise
from grader.results import Cause, Crash, Exercise, Program, Results, Shown, TaskResult, headline, tidy
from grader.strictjson import Fields, NotStrictJson
from grader.verdicts import Verdict

FORMAT_VERSION: Final = 1
LONGEST_TEXT: Final = 20_000
_TOLERANCE: Final = 1e-6
_SHOWN_FIELDS: Final = (
    "service", "at", "method", "path", "query", "request_headers", "request_body", "status", "response_headers",
    "response_body", "fault", "committed", "request_id",
)  # fmt: skip


def save(results: Results, path: Path, *, durable: bool = True) -> None:
    """Write `results` to `path` in one step; call it after every task."""
    filing.replace(path, dump(results), durable=durable)


def load(path: Path) -> Results:
    """Return the results at `path`.

    Raises:
        OSError: there is no such file, or it cannot be read.
        NotStrictJson: it is not a whole and consistent `results.json`.
    """
    return parse(path.read_bytes())


def dump(results: Results) -> str:
    """Return `results` as the text of `results.json`, cleaned of whatever could act on a reader's screen."""
    return dumps(_cleaned(to_json(results)), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def to_json(results: Results) -> dict[str, Any]:
    """Return `results` as plain JSON values, in the shape of docs/schemas/results-1.json."""
    top: dict[str, Any] = {
        "score": results.score,
        "max_score": results.max_score,
        "execution_time": round(results.execution_time, 3),
        "output": headline(results).render(),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "leaderboard": [],
    }
    if results.error:
        top["error"] = {"message": results.error.message, "detail": results.error.detail}
    else:
        top["tests"] = [_test(task) for task in results.tasks]
    program = results.program
    top["extra_data"] = {
        "format_version": FORMAT_VERSION,
        "run_id": results.run_id,
        "exercise": {
            "number": results.exercise.number,
            "slug": results.exercise.slug,
            "hash": results.exercise.hash,
            "title": results.exercise.title,
        },
        "participant": results.participant,
        "cohort": results.cohort,
        "submission_sha256": results.submission_sha256,
        "started_at": results.started_at,
        "seed_fingerprint": results.seed_fingerprint,
        "practice": results.practice,
        "provisional": results.provisional,
        "isolation": results.isolation,
        "lab_version": results.lab_version,
        "verdict": results.verdict.value,
        "passed": results.passed,
        "pass_mark": tidy(results.pass_mark),
        "program": program
        and {
            "exit_status": program.exit_status,
            "ended_by": program.ended_by,
            "seconds": round(program.seconds, 3),
            "stdout": program.stdout,
            "stderr": program.stderr,
        },
    }
    return top


def parse(data: bytes | str) -> Results:
    """Return the results that the text of a `results.json` holds.

    Raises:
        NotStrictJson: anything missing, unknown, of the wrong type, or in contradiction with the rest.
    """
    top = Fields(strictjson.parse(data))
    error: Crash | None = None
    tasks: tuple[TaskResult, ...] = ()
    if top.has("error"):
        group = top.group("error")
        error = Crash(group.text("message"), group.text("detail"))
        group.finish()
    else:
        tasks = tuple(_task_from(test) for test in top.groups("tests"))
    score, most = top.number("score"), top.number("max_score")
    seconds = top.number("execution_time")
    top.text("output")
    top.constant("visibility", "visible")
    top.constant("stdout_visibility", "hidden")
    top.constant("leaderboard", [])
    extra = top.group("extra_data")
    top.finish()
    results = replace(
        _results_from(extra), tasks=tasks, error=error, execution_time=seconds, max_score_if_broken=0 if tasks else most
    )
    verdict, passed = extra.text("verdict"), extra.flag("passed")
    extra.finish()
    if abs(results.score - score) > _TOLERANCE or abs(results.max_score - most) > _TOLERANCE:
        raise NotStrictJson("the points of the tasks do not add up to the score")
    if (results.verdict, results.passed) != (verdict, passed):
        raise NotStrictJson("the verdict contradicts the tasks")
    return results


def _test(task: TaskResult) -> dict[str, Any]:
    cause = task.cause
    return {
        "name": task.name,
        "number": task.number,
        "score": tidy(task.score),
        "max_score": tidy(task.max_score),
        "status": "passed" if task.verdict is Verdict.PASS else "failed",
        "output": task.output,
        "output_format": "text",
        "tags": list(task.tags),
        "visibility": "visible",
        "extra_data": {
            "task": task.task,
            "verdict": task.verdict.value,
            "cause": cause and {
                "expected": cause.expected,
                "actual": cause.actual,
                "hint": cause.hint,
                "read": cause.read,
                "exchange": [_shown(shown) for shown in cause.exchange],
            },
            "waits_for": list(task.waits_for),
            "duration": round(task.duration, 6),
        },
    }  # fmt: skip


def _shown(shown: Shown) -> dict[str, Any]:
    entry = shown.exchange.to_entry()
    return {name: entry[name] for name in _SHOWN_FIELDS} | {"curl": shown.curl}


def _results_from(extra: Fields) -> Results:
    extra.constant("format_version", FORMAT_VERSION)
    exercise = extra.group("exercise")
    results = Results(
        exercise=Exercise(
            exercise.whole("number"), exercise.text("slug"), exercise.text("hash"), exercise.text("title")
        ),
        run_id=extra.text("run_id"),
        started_at=extra.text("started_at"),
        participant=extra.text("participant"),
        cohort=extra.text("cohort"),
        submission_sha256=extra.text("submission_sha256"),
        seed_fingerprint=extra.text("seed_fingerprint"),
        practice=extra.flag("practice"),
        provisional=extra.flag("provisional"),
        isolation=extra.text("isolation"),
        lab_version=extra.text("lab_version"),
        pass_mark=extra.number("pass_mark"),
        program=_program_from(extra.group("program")) if extra.has("program") else None,
    )
    exercise.finish()
    return results


def _program_from(group: Fields) -> Program:
    program = Program(
        exit_status=group.whole("exit_status") if group.has("exit_status") else None,
        ended_by=group.text("ended_by"),
        seconds=group.number("seconds"),
        stdout=group.text("stdout"),
        stderr=group.text("stderr"),
    )
    group.finish()
    return program


def _task_from(test: Fields) -> TaskResult:
    test.constant("output_format", "text")
    test.constant("visibility", "visible")
    status, extra = test.text("status"), test.group("extra_data")
    try:
        verdict = Verdict(extra.text("verdict"))
    except ValueError as error:
        raise NotStrictJson("not a verdict:", test.text("name")[:80]) from error
    task = TaskResult(
        task=extra.text("task"),
        name=test.text("name"),
        number=test.text("number"),
        max_score=test.number("max_score"),
        score=test.number("score"),
        verdict=verdict,
        output=test.text("output"),
        cause=_cause_from(extra.group("cause")) if extra.has("cause") else None,
        waits_for=extra.texts("waits_for"),
        tags=test.texts("tags"),
        duration=extra.number("duration"),
    )
    test.finish()
    extra.finish()
    if (status == "passed") != (verdict is Verdict.PASS) or task.score != (task.max_score if status == "passed" else 0):
        raise NotStrictJson("status, verdict and points of a task contradict each other:", task.task[:80])
    return task


def _cause_from(group: Fields) -> Cause:
    cause = Cause(
        expected=group.text("expected"),
        actual=group.text("actual"),
        hint=group.text("hint"),
        read=group.text("read"),
        exchange=tuple(_shown_from(shown) for shown in group.groups("exchange")),
    )
    group.finish()
    return cause


def _shown_from(group: Fields) -> Shown:
    curl = group.text("curl")
    exchange = Exchange(
        service=group.text("service"),
        at=group.text("at"),
        method=group.text("method"),
        path=group.text("path"),
        query=group.text("query"),
        request_headers=group.mapping("request_headers"),
        request_body=group.text("request_body") if group.has("request_body") else None,
        status=group.whole("status") if group.has("status") else None,
        response_headers=group.mapping("response_headers"),
        response_body=group.text("response_body") if group.has("response_body") else None,
        fault=group.text("fault") if group.has("fault") else None,
        committed=group.flag("committed"),
        request_id=group.text("request_id"),
    )
    group.finish()
    return Shown(exchange, curl)


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - any JSON value in, the same shape out
    if isinstance(value, str):
        return sanitise(value, lines=True, limit=LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {sanitise(name, limit=200): _cleaned(item) for name, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value
