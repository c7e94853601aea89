"""The counter of `lab grade`, over its real socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.backdoor import Backdoor
from lab.swarm import counter as counters
from lab.swarm.counter import Counter
from lab.swarm.job import number

TOKEN = "a-token"


@pytest.fixture
def counter() -> Counter:
    made = Counter({"ani": {"exercise": "01"}, "budi": {"exercise": "01"}}, TOKEN)
    made.open_wave("one", ["ani", "budi"])
    return made


@pytest.fixture
def job(counter: Counter, tmp_path: Path) -> Iterator[Backdoor]:
    socket = tmp_path / "grading.sock"
    with counters.opened(counter, socket):
        found = Backdoor(f"unix:{socket}", TOKEN)
        yield found
        found.close()


def test_a_job_fetches_its_submission_and_leaves_the_result(counter: Counter, job: Backdoor) -> None:
    assert job.call("GET", "/work/one/1").content == {"exercise": "01"}
    assert job.call("PUT", "/work/one/1", {"outcome": "graded"}).status == 204
    assert counter.take(5) == ("budi", {"outcome": "graded"})
    assert counter.missing() == {"ani"}


def test_of_two_tries_the_first_result_counts_and_the_other_is_told_nothing_else(
    counter: Counter, job: Backdoor
) -> None:
    counter.open_wave("two", ["ani"])
    assert job.call("PUT", "/work/two/0", {"outcome": "graded"}).status == 204
    assert job.call("PUT", "/work/one/0", {"outcome": "refused"}).status == 204
    assert counter.take(5) == ("ani", {"outcome": "graded"})
    assert counter.take(0.1) is None


def test_a_job_that_comes_late_is_sent_home(counter: Counter, job: Backdoor) -> None:
    assert counter.settle("ani")
    assert job.call("GET", "/work/one/0").status == 410


def test_a_result_to_try_again_for_opens_its_submission_anew(counter: Counter, job: Backdoor) -> None:
    job.call("PUT", "/work/one/0", {"outcome": "broken"})
    assert counter.take(5) == ("ani", {"outcome": "broken"})
    counter.reopen("ani")
    counter.open_wave("two", ["ani"])
    assert job.call("GET", "/work/two/0").status == 200
    job.call("PUT", "/work/two/0", {"outcome": "graded"})
    assert counter.take(5) == ("ani", {"outcome": "graded"})


@pytest.mark.parametrize("path", ["/work/one/7", "/work/nobody/0"])
def test_work_that_there_is_not_is_given_to_nobody(job: Backdoor, path: str) -> None:
    assert job.call("GET", path).status == 410


def test_who_does_not_know_the_token_gets_nothing(counter: Counter, job: Backdoor, tmp_path: Path) -> None:
    stranger = Backdoor(f"unix:{tmp_path / 'grading.sock'}", "another")
    assert stranger.call("GET", "/work/one/0").status == 401
    # Without a body, which nobody reads from a stranger: the line may be shut before all of it is sent.
    assert stranger.call("PUT", "/work/one/0").status == 401
    stranger.close()
    assert counter.take(0.1) is None


def test_nothing_of_a_strange_path_is_work(job: Backdoor) -> None:
    assert {job.call("GET", path).status for path in ("/", "/work/one", "/work/one/x", "/work/one/0/1")} == {404}


def test_the_number_of_the_first_task_is_none_to_swarm_and_zero_to_us() -> None:
    assert [number(given) for given in ("dwn42hdxu3pxnq48w8spdw9d8", "1", "622")] == [0, 1, 622]


def test_an_order_is_json(counter: Counter) -> None:
    found = counter.order("one", 0)
    assert found is not None
    assert json.loads(found) == {"exercise": "01"}
