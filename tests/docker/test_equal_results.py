"""The same work gets the same results from the embedded lab and from the lab in containers, on the same seed.

Every exercise: its reference, its starter and two of its mutants. What may differ is when, by which ids, over which
port and in which isolation; the test names whatever else does.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stacks import OFFSETS, ROOT, Stack

from grader import workers
from grader.exercise import load
from grader.isolation.engine import Place
from grader.run import Learner
from grader.workers import Room

SEED = 20261122
OF_THE_RUN = frozenset(
    {"execution_time", "duration", "seconds", "run_id", "started_at", "isolation", "at", "request_id", "trace_id"}
)
"""Members of results.json that are times, ids, or the isolation itself."""
CLOCKS = re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:[+-]\d\d:\d\d|Z)?|\brun[0-9a-f]{12}\b|\b[0-9a-f]{24,32}\b")
"""Times of the sandbox's clock and ids, inside texts."""


def subjects() -> Iterator[tuple[str, str]]:
    """Every exercise with the answers that it is tried with."""
    for facts in sorted((ROOT / "exercises").glob("*/exercise.toml")):
        if tomllib.loads(facts.read_text(encoding="utf-8"))["kind"] != "job":
            continue
        mutants = sorted(path.relative_to(facts.parent) for path in (facts.parent / "wrong").iterdir())
        for answer in ("solution", "starter", mutants[0], mutants[-1]):
            yield facts.parent.name, str(answer)


@pytest.fixture(scope="session")
def contained_room(stack: Stack, images: Mapping[str, str], learner: Learner) -> Room:
    """What graders share in the lab of containers."""
    sockets = {stack.base + offset: f"{name}.sock" for name, offset in OFFSETS.items()}
    place = Place(images["learner"], f"{stack.project}_gates", sockets, stack.project)
    return Room(stack.addresses, stack.token, replace(learner, place=place), "test")


def graded(room: Room, exercise: str, answer: str, out: Path) -> dict[str, Any]:
    asked = load(ROOT / "exercises" / exercise)
    said = workers.run(room, asked, ROOT / "exercises" / exercise / answer, out, seed=SEED)
    assert said.outcome == "graded", said
    content: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return content


def comparable(value: Any, base: int) -> Any:
    """What has to be equal of a value of results.json, with each agency's name in place of its port."""
    if isinstance(value, dict):
        return {name: comparable(member, base) for name, member in value.items() if name not in OF_THE_RUN}
    if isinstance(value, list):
        return [comparable(member, base) for member in value]
    if isinstance(value, str):
        for name, offset in OFFSETS.items():
            value = value.replace(f"127.0.0.1:{base + offset}", name)
        return CLOCKS.sub("…", value)
    return value


def verdicts(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a person would look at first: each task's verdict and its sentence."""
    found = [(one["extra_data"]["task"], one["extra_data"]["verdict"], one["output"]) for one in results["tests"]]
    return [(task, verdict, CLOCKS.sub("…", sentence)) for task, verdict, sentence in found]


@pytest.mark.parametrize(("exercise", "answer"), [*subjects()])
def test_results_are_the_same_embedded_and_in_containers(
    exercise: str, answer: str, room: Room, agencies: Any, contained_room: Room, stack: Stack, tmp_path: Path
) -> None:
    """Score, verdicts, sentences, exchanges and what the program printed do not tell the modes apart."""
    embedded = graded(room, exercise, answer, tmp_path / "embedded")
    contained = graded(contained_room, exercise, answer, tmp_path / "contained")
    assert contained["extra_data"]["isolation"] == "container"
    assert embedded["extra_data"]["isolation"] != "container"
    assert verdicts(contained) == verdicts(embedded)
    assert comparable(contained, stack.base) == comparable(embedded, agencies.base)
