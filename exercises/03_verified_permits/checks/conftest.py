"""The three runs of exercise 3, and what is right in their city."""

from dataclasses import dataclass

from grader.words import Grading, Run, fixture

QUEUE = "20"


@dataclass(frozen=True)
class Episode:
    """One run, and every application of the queue after it, as the permits service's truth shows them."""

    run: Run
    applications: list[dict]


def queued(grading: Grading):
    """The applications that the city was seeded with in the queue, as they are now."""
    return [row for row in grading.truth("permits", "applications") if row["seeded_status"] == QUEUE]


@fixture
def calm(grading: Grading) -> Episode:
    """A run without trouble."""
    run = grading.run()
    return Episode(run, queued(grading))


@fixture
def again(grading: Grading, calm: Episode) -> Episode:
    """The same program once more, in the city as it left it."""
    run = grading.run()
    return Episode(run, queued(grading))


@fixture
def stuck(grading: Grading, again: Episode) -> str:
    """The application that cannot be read in the last run; a complete one."""
    rows = [row["id"] for row in again.applications if row["trouble"] != "incomplete_checklist"]
    return grading.random.choice(sorted(rows))


@fixture
def stormy(grading: Grading, again: Episode, stuck: str) -> Episode:
    """The city as it was, and trouble in two agencies."""
    grading.reset()
    faults = {
        "population": [
            {
                "id": "register_down",
                "method": "POST",
                "path": "*",
                "kind": "status",
                "status": 503,
                "retry_after": grading.random.randint(2, 3),
                "skip": grading.random.randint(3, 40),
                "times": 2,
            }
        ],
        "permits": [
            {
                "id": "never_readable",
                "path": f"/v1/applications/{stuck}*",
                "kind": "status",
                "status": 503,
                "retry_after": 1,
                "times": 1000,
            },
            {
                "id": "token_dies",
                "path": "/v1/applications/*",
                "kind": "expire_token",
                "skip": grading.random.randint(20, 120),
                "times": 1,
            },
        ],
    }
    run = grading.run(faults=faults)
    return Episode(run, queued(grading))
