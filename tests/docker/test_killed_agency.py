"""A container is killed while a right program runs: the verdict is an error or right, never a wrong fail."""

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from stacks import OFFSETS, ROOT, Stack, docker, new_stack

from grader.city import City
from grader.exercise import load
from grader.isolation.engine import Place
from grader.run import Learner, Order, grade
from grader.verdicts import ExitCode, LabFault, Verdict

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def mortal_stack(images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A lab of this module's own, whose containers it may kill."""
    found = new_stack(tmp_path_factory.mktemp("killed") / f"secrets-{secrets.token_hex(3)}")
    try:
        for left in (2, 1, 0):
            try:
                found.up()
                break
            except AssertionError:  # on a busy machine a container is unhealthy for a while, and Compose gives up
                if not left:
                    raise
        yield found
    finally:
        found.down()


def kill_when(stack: Stack, victim: str, calls: int, over: threading.Event, struck: threading.Event) -> None:
    """Kill a container once a run's sandbox has had so many calls, and say so; it comes back at once."""
    with City(stack.addresses, stack.token) as whole:
        city = whole.only({"identity", "population"})
        while not over.is_set():
            try:
                runs = [name for name in city.names("population") if name.startswith("run")]
                if any(len(city.journal(name)) >= calls for name in runs):
                    docker("restart", "--time", "0", *stack.containers(victim))
                    struck.set()
                    return
            except LabFault:
                continue


def wait_until_whole(stack: Stack) -> None:
    """Wait until every agency answers the lab and the way in stands."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with City(stack.addresses, stack.token) as city:
                for service in OFFSETS:
                    city.names(service)
                return
        except LabFault:
            continue
    pytest.fail("the lab did not come back")


@pytest.mark.parametrize(
    ("victim", "calls"),
    [
        ("population", 0),
        ("population", 2),
        ("population", 8),
        ("identity", 0),
        ("identity", 3),
        ("gateway", 4),
        ("postgres", 4),
    ],
)
def test_a_container_killed_in_the_middle_makes_no_wrong_fail(
    mortal_stack: Stack, images: Mapping[str, str], learner: Learner, tmp_path: Path, victim: str, calls: int
) -> None:
    """Whichever part of the lab is killed, and at whatever moment of the reference solution's run."""
    wait_until_whole(mortal_stack)
    sockets = {mortal_stack.base + offset: f"{name}.sock" for name, offset in OFFSETS.items()}
    place = Place(images["learner"], f"{mortal_stack.project}_gates", sockets, mortal_stack.project)
    exercise = load(ROOT / "exercises" / "01_first_api")
    order = Order(
        exercise=exercise,
        submission=exercise.folder / "solution",
        out=tmp_path / "out",
        learner=replace(learner, place=place),
        lab_version="test",
    )
    over, struck = threading.Event(), threading.Event()
    killer = threading.Thread(target=kill_when, args=(mortal_stack, victim, calls, over, struck))
    killer.start()
    with City(mortal_stack.addresses, mortal_stack.token) as city:
        results = grade(order, city)
    over.set()
    killer.join()
    assert struck.is_set()
    failed = [(task.task, task.message) for task in results.tasks if task.verdict is Verdict.FAIL]
    assert failed == []
    assert results.exit_code in {ExitCode.PASSED, ExitCode.LAB_FAILED}
