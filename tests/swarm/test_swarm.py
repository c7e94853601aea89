"""The lab on a real Swarm of two engines: started, used, graded on, with a machine lost in the middle."""

import csv
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from swarmlab import ROOT, SwarmLab

EXERCISE = ROOT / "exercises" / "01_first_api"
NOSY = """
import json, os, socket

def tcp(host, port):
    try:
        with socket.create_connection((host, port), 2):
            return True
    except OSError:
        return False

def file(path):
    try:
        return bool(open(path, "rb").read(1))
    except OSError:
        return False

def gate(path):
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        return True
    except OSError:
        return False

hosts = ("postgres", "identity", "gateway", "desk", "127.0.0.1", "127.0.0.11", HOSTS)
ports = (53, 80, 2377, 5432, 7946, 8101, 8151, 8404, 9000, 9100)
found = [f"{host}:{port}" for host in hosts for port in ports if tcp(host, port)]
found += filter(file, ("/run/secrets/backdoor_token", "/app/grader/run.py", "/proc/1/environ", "/etc/shadow"))
found += filter(gate, ("/run/desk/identity.sock", "/run/desk/grading.sock", "/run/gates/identity.sock"))
print(json.dumps(found))
"""


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """Six submissions: three right, one wrong in a known way, one not begun, and one that cannot be taken."""
    found = tmp_path / "group"
    found.mkdir()
    for name in ("ani", "budi", "gita"):
        shutil.copytree(EXERCISE / "solution", found / name)
    shutil.copytree(EXERCISE / "starter", found / "cici")
    shutil.copytree(sorted((EXERCISE / "wrong").iterdir())[0], found / "dedi")
    (found / "eka").mkdir()
    return found


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == len({row["submission"] for row in found}), "a submission has two lines"
    return {row["submission"]: row for row in found}


def until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        threading.Event().wait(0.2)


def assert_graded_rightly(out: Path) -> None:
    found = rows(out)
    statuses = {name: row["status"] for name, row in found.items()}
    right = dict.fromkeys(("ani", "budi", "gita"), "passed")
    assert statuses == {**right, "cici": "failed", "dedi": "failed", "eka": "rejected"}, found
    assert {row["isolation"] for row in found.values() if row["status"] != "rejected"} == {"landlock"}
    for name in (*right, "cici", "dedi"):
        written = {path.name for path in (out / "reports" / name).iterdir()}
        assert written >= {"results.json", "report.html", "junit.xml", "ctrf.json"}
    assert all(name in (out / "grades.html").read_text(encoding="utf-8") for name in found)


def test_a_group_is_graded_by_jobs_on_both_machines_and_not_twice(swarm: SwarmLab, group: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    swarm.lab("grade", str(group), "--exercise", "1", "--out", str(out))
    assert_graded_rightly(out)
    again = swarm.lab("grade", str(group), "--exercise", "1", "--out", str(out))
    assert again.count("graded before") == len(rows(out))
    services = swarm.machines[0].docker("service", "ls", "--format", "{{.Name}}").split()
    assert not [name for name in services if "grading" in name]


def test_a_machine_that_is_lost_in_the_middle_costs_nobody(swarm: SwarmLab, group: Path, tmp_path: Path) -> None:
    manager, other = swarm.machines
    out = tmp_path / "out"
    node = other.docker("info", "--format", "{{.Swarm.NodeID}}").strip()

    def at_work_there() -> bool:
        jobs = [one for one in manager.docker("service", "ls", "--format", "{{.Name}}").split() if "grading" in one]
        shown = [manager.docker("service", "ps", job, "--filter", f"node={node}", check=False) for job in jobs]
        return any("Running" in tasks for tasks in shown)

    with subprocess.Popen(
        swarm.command("grade", str(group), "--exercise", "1", "--out", str(out)),
        cwd=ROOT, env=swarm.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as grading:  # fmt: skip
        try:
            until(at_work_there)
            other.pull_cable()
            said, _nothing = grading.communicate(timeout=500)
        finally:
            grading.kill()
            other.plug_in()
    assert grading.returncode == 0, f"{said}\n{swarm.trouble}"
    assert_graded_rightly(out)
    until(lambda: "Down" not in manager.docker("node", "ls", "--format", "{{.Status}}"))


def test_a_program_in_a_job_reaches_the_agencies_public_ports_and_nothing_else(swarm: SwarmLab, tmp_path: Path) -> None:
    addresses = [machine.address for machine in swarm.machines]
    network = json.loads(swarm.machines[0].docker("network", "inspect", f"{swarm.stack}_agencies"))[0]
    inside = [one["IPv4Address"].split("/")[0] for one in network["Containers"].values()]
    source = NOSY.replace("HOSTS", ", ".join(repr(host) for host in (*addresses, *inside, "172.18.0.1", "1.1.1.1")))
    program = tmp_path / "group" / "nosy"
    program.mkdir(parents=True)
    (program / "main.py").write_text(source)
    out = tmp_path / "out"
    swarm.lab("grade", str(program.parent), "--exercise", "1", "--out", str(out))
    results = json.loads((out / "reports" / "nosy" / "results.json").read_text(encoding="utf-8"))
    said = results["extra_data"]["program"]["stdout"]
    assert json.loads(said) == ["127.0.0.1:8101"]


def test_an_exercise_is_checked_in_a_container_as_in_docker_mode(swarm: SwarmLab) -> None:
    said = swarm.lab("exercise", "1", "--submission", str(EXERCISE / "solution"), "--json")
    results = json.loads(said[: said.rindex("}") + 1])
    assert (results["score"], results["extra_data"]["isolation"]) == (100, "container")


def test_status_names_every_task_and_its_machine_and_logs_come_from_all(swarm: SwarmLab) -> None:
    facts = json.loads(swarm.lab("status", "--json"))
    assert facts["state"] == "running"
    assert {service["health"] for service in facts["services"].values()} == {"ready"}
    names = [part["name"] for part in facts["containers"]]
    assert sum(name.startswith("gateway@") for name in names) == len(swarm.machines)
    assert "listening" in swarm.lab("logs", "postgres") or "ready to accept" in swarm.lab("logs", "postgres")


def test_back_doors_are_on_this_machines_own_address_only(swarm: SwarmLab) -> None:
    manager, other = swarm.machines
    probe = ["sh", "-c", f"timeout 3 sh -c '</dev/tcp/{manager.address}/8151'"]
    shown = subprocess.run(manager.within("ss", "-Hltn"), capture_output=True, text=True, check=True).stdout
    listening = {line.split()[3] for line in shown.splitlines()}
    assert "127.0.0.1:8151" in listening
    assert not {"0.0.0.0:8151", "[::]:8151", "*:8151"} & listening
    assert subprocess.run(other.within(*probe), check=False, capture_output=True).returncode != 0


def test_a_lab_that_was_stopped_has_its_city_when_it_is_started_again(swarm: SwarmLab) -> None:
    before = json.loads(swarm.lab("status", "--json"))["sandbox"]
    swarm.lab("down")
    stack = swarm.machines[0].docker("stack", "ls", "--format", "{{.Name}}")
    assert stack.strip() == ""
    assert "The lab is not running" in swarm.lab("status")
    swarm.lab("up")
    assert json.loads(swarm.lab("status", "--json"))["sandbox"] == before


def test_a_dump_of_the_database_holds_the_cities(swarm: SwarmLab) -> None:
    manager = swarm.machines[0]
    container = manager.docker("ps", "--quiet", "--filter", "name=_postgres").strip()
    sandbox = json.loads(swarm.lab("status", "--json"))["sandbox"]["id"]
    dump = manager.docker("exec", container, "pg_dump", "--username=lab", "--dbname=lab", "--schema-only")
    assert f"CREATE SCHEMA population_{sandbox}" in dump


def test_more_replicas_share_the_cities(swarm: SwarmLab) -> None:
    more = replace(swarm, replicas=2)
    before = json.loads(swarm.lab("status", "--json"))["sandbox"]
    more.lab("up")
    try:
        facts = json.loads(more.lab("status", "--json"))
        assert facts["sandbox"] == before
        assert sum(part["name"].startswith("population.") for part in facts["containers"]) == 2
        results = more.lab("exercise", "1", "--submission", str(EXERCISE / "solution"), "--json")
        assert json.loads(results[: results.rindex("}") + 1])["score"] == 100
    finally:
        swarm.lab("up")


def test_a_worker_says_that_it_is_no_manager(swarm: SwarmLab, tmp_path: Path) -> None:
    other = swarm.machines[1]
    done = subprocess.run(
        other.within(*swarm.command("up")[2:]), cwd=ROOT, capture_output=True, text=True, check=False,
        env={**swarm.environment, "DOCKER_HOST": other.socket, "LAB_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 3
    assert "only a manager can start the lab" in done.stderr
