"""Monitoring, with a real Prometheus over the running lab: it finds every replica, every rule and panel has figures."""

import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from stacks import OFFSETS, ROOT, Stack, docker

from grader.city import City

DASHBOARD = json.loads((ROOT / "deploy/grafana/lab.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = sorted({target["expr"] for panel in PANELS for target in panel["targets"]})
PROMETHEUS = "prom/prometheus:v2.53.3"
PATIENCE_SECONDS = 240


class Figures:
    """Asks Prometheus."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=20)

    def __call__(self, path: str, **query: str) -> Any:
        answer = self._client.get(path, params=query).raise_for_status().json()
        assert answer["status"] == "success"
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        return [float(sample["value"][1]) for sample in self("/query", query=expression)["result"]]

    def wait_for(self, is_so: Callable[[], bool]) -> bool:
        """Ask again and again; asking is the waiting."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                return False
        return True

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def figures(stack: Stack) -> Iterator[Figures]:
    stack.compose("--profile", "monitoring", "up", "--detach", "--no-build", "--no-recreate", "--wait", "prometheus")
    made = Figures(f"http://127.0.0.1:{stack.base + 90}")
    yield made
    made.close()


@pytest.fixture
def work(participant: Callable[[], httpx.Client], stack_city: City) -> Callable[[], None]:
    """Does once what participants do: calls that succeed, are refused, meet nothing, and meet planned trouble."""
    client = participant()
    sandbox = client.headers["x-sandbox"]
    urls = {name: address.url for name, address in stack_city.services.items()}

    def do() -> None:
        rule = {"id": "planned", "path": "/v1/*", "kind": "status", "status": 503, "times": 2}
        stack_city.set_faults(sandbox, {"population": [rule]})
        for _ in range(12):
            client.get(f"{urls['population']}/v1/residents")
            client.get(f"{urls['permits']}/v1/applications")
            client.get(f"{urls['finance']}/v1/no-such-thing")
        httpx.get(f"{urls['population']}/v1/residents")
        httpx.post(f"{urls['identity']}/oauth2/token", data={"grant_type": "client_credentials"})

    return do


def promtool(*commands: str) -> str:
    mounts = ("--volume", f"{ROOT}/deploy:/lab/deploy:ro", "--volume", f"{ROOT}/tests/docker:/lab/tests/docker:ro")
    inside = ("--entrypoint", "sh", PROMETHEUS, "-ec", "\n".join(f"promtool {command}" for command in commands))
    return docker("run", "--rm", "--network", "none", *mounts, "--workdir", "/lab", *inside)


def test_configuration(engine: None) -> None:
    """Prometheus' own tool finds the configuration and the rules correct, and every figure right in its examples."""
    said = promtool(
        "check config --lint=all --lint-fatal deploy/prometheus/prometheus.yml",
        "check rules --lint=all --lint-fatal deploy/prometheus/rules.yml",
        "test rules tests/docker/rules_test.yml",
    )
    assert said.count("SUCCESS") >= 3


def test_every_replica_is_found(figures: Figures) -> None:
    """Every agency and the gateway are asked for figures, and answer."""

    def all_up() -> bool:
        targets = figures("/targets")["activeTargets"]
        up = {
            target["labels"].get("service", target["labels"]["job"]) for target in targets if target["health"] == "up"
        }
        return up == {*OFFSETS, "gateway"} and all(target["health"] == "up" for target in targets)

    assert figures.wait_for(all_up), figures("/targets")


def test_every_rule_and_panel_shows_figures(figures: Figures, work: Callable[[], None]) -> None:
    """After some calls every rule has been worked out and every query of the dashboard gives numbers."""

    def empty() -> list[str]:
        rules = [rule for group in figures("/rules")["groups"] for rule in group["rules"]]
        assert len(rules) > 20
        names = {rule["name"] for rule in rules if rule["type"] == "recording"}
        return [query for query in (*sorted(names), *QUERIES) if not numbers(query)]

    def numbers(query: str) -> bool:
        values = figures.values(query)
        return bool(values) and not any(math.isnan(value) or math.isinf(value) for value in values)

    def complete() -> bool:
        work()
        return not empty()

    assert figures.wait_for(complete), empty()
    rules = [rule for group in figures("/rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


def test_figures_are_true(figures: Figures, work: Callable[[], None]) -> None:
    """Calls are counted as often as they were made, planned trouble is no error, and every agency is available."""
    made = 'sum(lab_requests_total{service="population", interface="v1", status="200"})'
    planned = 'sum(lab_requests_total{service="population", fault="status", status="503"})'
    errors = 'sum(lab_requests_total{fault="", status=~"0|5.."})'

    def counted(query: str) -> float:
        return sum(figures.values(query))

    def asked_since(moment: str) -> bool:
        return counted(f"min(timestamp(up)) >= bool {moment}") == 1

    # Tests before this one may have stopped agencies, which then count from nothing, and made real errors.
    work()
    moment = figures("/query", query="time()")["result"][1]
    # One that was just started again is found, and asked, a moment later.
    assert figures.wait_for(lambda: counted(made) > 0 and counted(planned) > 0 and asked_since(moment))
    before = counted(made), counted(planned), counted(errors)
    work()
    assert figures.wait_for(lambda: counted(made) >= before[0] + 10 and counted(planned) >= before[1] + 2)
    assert counted(errors) == before[2]
    assert figures.wait_for(lambda: figures.values("lab:available:now") == [1.0] * len(OFFSETS))
    assert figures.wait_for(lambda: any(0 < share < 1 for share in figures.values("spbe:refused:ratio1h")))


def test_dashboard() -> None:
    """Each panel has a title, an explanation, a place of its own and queries to the provisioned source."""
    source = (ROOT / "deploy/grafana/datasource.yml").read_text()
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = set()
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"prometheus"}
        spot = panel["gridPos"]
        cells = {
            (x, y) for x in range(spot["x"], spot["x"] + spot["w"]) for y in range(spot["y"], spot["y"] + spot["h"])
        }
        assert spot["x"] + spot["w"] <= 24
        assert not cells & places, panel["title"]
        places |= cells
    assert "uid: prometheus" in source


def test_recorded_figures_are_shown() -> None:
    """No rule is worked out for nobody: a panel or another rule uses it."""
    rules = (ROOT / "deploy/prometheus/rules.yml").read_text()
    recorded = {line.split("record: ")[1].strip() for line in rules.splitlines() if "record: " in line}
    used = " ".join([*QUERIES, *(line for line in rules.splitlines() if "record: " not in line)])
    assert {name for name in recorded if name not in used} == set()
