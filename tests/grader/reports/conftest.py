"""Runs to report on: a good one, one with every verdict, a broken one, and one that is hostile in every field."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from grader.exchange import Exchange
from grader.language import current_language, use_language, verbatim
from grader.results import Crash, Exercise, Program, Results, TaskResult
from grader.verdicts import LabFault, Mismatch, Waiting

HOSTILE = (
    "\x1b[31mmerah\x1b]0;judul\x07 [bold red]rich[/] <script>alert(1)</script> <img src=x onerror=alert(1)> "
    '" onmouseover="x \' & ]]> \u202etxt.exe\u2066 \x00\x08\x9b2J \ud800 \ufffe {{7*7}} {% raw %} %s {0} =1+1\r\nPASSED'
)


@pytest.fixture(autouse=True)
def language_put_back() -> Iterator[None]:
    before = current_language()
    use_language("en")
    yield
    use_language(before)


def entry(seq: int, **changes: Any) -> dict[str, Any]:
    started = 100.0 + seq
    return {
        "seq": seq, "service": "population", "at": "2026-11-22T09:00:00+08:00", "started": started,
        "ended": started + 0.02, "method": "GET", "path": "/v1/residents", "query": f"limit=100&cursor=c{seq}",
        "request_headers": {"authorization": "Bearer abcdefghijklmnopqrstuvwxyz"}, "request_body": None,
        "response_headers": {"content-type": "application/json"}, "response_body": '{"data": []}', "status": 200,
        "client_id": "kds1-app", "token_id": "t", "scopes": ["population:read"], "request_id": f"r{seq}",
        "trace_id": "", "idempotency_key": None, "fault": None, "committed": False,
    } | changes  # fmt: skip


@pytest.fixture
def exchanges() -> list[Exchange]:
    """A token, three pages with a planted 503 and a wait, and a decision whose answer was lost."""
    token = {"service": "identity", "method": "POST", "path": "/oauth2/token", "query": ""}
    entries = [
        entry(0, **token),
        entry(1),
        entry(2, status=503, fault="page-2-down", response_headers={"Retry-After": "2"}),
        entry(5),
        entry(6),
        entry(7, service="permits", method="POST", path="/v1/applications/12/decision", query="", status=None,
              fault="lost-answer", committed=True),
    ]  # fmt: skip
    return [Exchange.from_entry(one) for one in entries]


def task(place: int, ending: BaseException | None = None, **changes: Any) -> TaskResult:
    given = {
        "task": f"task_{place}",
        "name": f"Task number {place}",
        "number": str(place),
        "max_score": 25,
        "tags": ("manner",),
    }
    return TaskResult.judged(ending, **(given | changes), duration=0.25)


@pytest.fixture
def good() -> Results:
    """A run that passed everything."""
    return Results(
        exercise=Exercise(3, "03_verified_permits", "0badcafe", "Izin terverifikasi kependudukan"),
        run_id="run-0001",
        started_at="2026-11-22T09:00:00+08:00",
        tasks=tuple(task(number) for number in (1, 2, 3, 4)),
        participant="peserta-01",
        cohort="2026-11",
        submission_sha256="ab" * 32,
        execution_time=3.25,
        seed_fingerprint="7f3a9c",
        isolation="bubblewrap",
        lab_version="0.1.0",
        pass_mark=75,
        program=Program(0, "exit", 1.5, "selesai\n", ""),
    )


@pytest.fixture
def mixed(good: Results, exchanges: list[Exchange]) -> Results:
    """A run with a pass, a fail, a skip and an error."""
    fail = Mismatch(
        verbatim("The token was fetched 3 times."),
        expected="1",
        actual="3",
        exchange=[exchanges[2], exchanges[5]],
        hint="token",
        read="README.md#token",
    )
    skip = Waiting(verbatim("Waits for task 2."), waits_for=["task_2"])
    error = LabFault(verbatim("The finance service did not answer the grader."))
    return replace(good, tasks=(task(1), task(2, fail), task(3, skip), task(4, error)))


@pytest.fixture
def failed(mixed: Results) -> Results:
    """A run with a fail and a skip and no error."""
    return replace(mixed, tasks=(*mixed.tasks[:3], task(4)))


@pytest.fixture
def broken(good: Results) -> Results:
    """A run that the lab could not finish."""
    return good.broken(Crash("The permits service did not start.", "Traceback …\nOSError: address in use"))


@pytest.fixture
def hostile(good: Results) -> Results:
    """A run whose every text is hostile, some of them a megabyte long."""
    exchange = Exchange.from_entry(
        entry(1, method=HOSTILE, path="/" + HOSTILE, query=HOSTILE, service=HOSTILE, at=HOSTILE, fault=HOSTILE,
              request_headers={HOSTILE: HOSTILE, "content-type": HOSTILE, "if-match": HOSTILE},
              response_headers={"etag": HOSTILE}, request_body=HOSTILE * 5_000,
              response_body=HOSTILE, request_id=HOSTILE)
    )  # fmt: skip
    ending = Mismatch(
        verbatim(HOSTILE * 5_000),
        expected=HOSTILE,
        actual=HOSTILE * 5_000,
        exchange=exchange,
        hint=HOSTILE,
        read=HOSTILE,
    )
    return replace(
        good,
        tasks=(
            task(1, ending, task=HOSTILE, name=HOSTILE, number=HOSTILE, tags=(HOSTILE,)),
            task(2, Waiting(verbatim(HOSTILE), waits_for=[HOSTILE]), name=HOSTILE * 5_000),
            task(3, LabFault(verbatim(HOSTILE))),
        ),
        exercise=Exercise(3, HOSTILE, HOSTILE, HOSTILE),
        **dict.fromkeys(
            ("run_id", "started_at", "participant", "cohort", "seed_fingerprint", "isolation", "lab_version"), HOSTILE
        ),
        program=Program(None, HOSTILE, 1.0, HOSTILE * 5_000, HOSTILE),
    )
