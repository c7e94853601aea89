"""The lab of docker-compose.yml: closed as it says, ready in time, reached through the gateway, replicas included."""

import json
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from stacks import CONTROL, OFFSETS, ROOT, SECRETS, VERSION, Stack, docker, new_stack, started

AGENCIES = sorted(OFFSETS)
MOST_MEMORY = 3 * 2**30
"""What the lab may take of a machine with 4 GB."""


@pytest.fixture
def planned(engine: None, tmp_path: Path) -> Stack:
    """A lab that nobody starts."""
    return new_stack(tmp_path / "secrets")


def everything(lab: Stack) -> dict[str, Any]:
    """The whole configuration, as Compose understands it."""
    found: dict[str, Any] = json.loads(lab.compose("--profile", "*", "config", "--format", "json"))
    return found


@pytest.fixture(scope="module")
def configured(engine: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    planned = new_stack(tmp_path_factory.mktemp("configured") / "secrets")
    return everything(planned)


@pytest.fixture(params=["gateway", *AGENCIES, "postgres", "prometheus", "grafana", "load-master", "load-worker"])
def service(request: pytest.FixtureRequest, configured: dict[str, Any]) -> dict[str, Any]:
    """One service of the file after the other."""
    found: dict[str, Any] = configured["services"][request.param]
    return found


def eventually(is_so: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again; asking is the waiting."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
    return True


def test_services(configured: dict[str, Any], service: dict[str, Any]) -> None:
    """Every agency has a service here and every service has a test here, under a name that Docker makes."""
    assert set(AGENCIES) < set(configured["services"])
    known = {"gateway", *AGENCIES, "postgres", "prometheus", "grafana", "load-master", "load-worker"}
    assert set(configured["services"]) == known
    assert "container_name" not in service
    assert service.get("profiles") in (None, ["monitoring"], ["load"])


def test_hardening(service: dict[str, Any], configured: dict[str, Any]) -> None:
    """A service has a read-only system, no rights of root, no way to new ones, and bounded logs and resources."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "pid", "ipc", "network_mode"} & (service.keys() - {"network_mode"})
    assert service.get("network_mode", "service:gateway") == "service:gateway"
    # Only the database's image begins as root, to become its own user.
    assert "cap_add" not in service or service is configured["services"]["postgres"]
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    limits = service["deploy"]["resources"]["limits"]
    assert 0 < float(limits["cpus"]) <= 2
    assert 0 < int(limits["memory"]) <= 2**30
    assert 0 < limits["pids"] <= 256


def test_writable_places(service: dict[str, Any]) -> None:
    """What a service may write is in memory and bounded, or a volume of its own; the clone is never mounted."""
    for place in service.get("volumes", []):
        if place["type"] == "tmpfs":
            assert 0 < int(place["tmpfs"]["size"]) <= 128 * 2**20
        elif place["type"] == "bind":
            assert place["target"] == "/room"
        else:
            assert place["source"] in {"gates", "database", "figures"}


def test_health(service: dict[str, Any]) -> None:
    """A service tells whether it is ready, without curl, and those that need another wait until that one is ready."""
    check = service["healthcheck"]
    if service.get("profiles") == ["load"]:
        assert check == {"disable": True}  # a job that ends
    else:
        assert check["test"][0] == "CMD"
        assert "curl" not in " ".join(check["test"])
    waits = service.get("depends_on", {})
    assert all(other["condition"] == "service_healthy" for other in waits.values())
    assert waits or service["image"] == "postgres:17"


def test_swarm(configured: dict[str, Any]) -> None:
    """What Swarm needs is said where it is harmless: names resolved by DNS, restarts, updates one after the other."""
    for name, service in configured["services"].items():
        if name.startswith("load-"):
            continue
        rollout = service["deploy"]
        assert rollout["endpoint_mode"] == "dnsrr"
        assert rollout["restart_policy"]["condition"] == "any"
        assert rollout["update_config"]["parallelism"] == 1
        assert rollout.get("replicas", 1) == 1


def test_memory(configured: dict[str, Any]) -> None:
    """All limits together, monitoring included, leave a machine with 4 GB a quarter of its memory."""
    parts = [one for one in configured["services"].values() if one.get("profiles") != ["load"]]
    assert sum(int(one["deploy"]["resources"]["limits"]["memory"]) for one in parts) <= MOST_MEMORY + 512 * 2**20
    always = [one for one in parts if "profiles" not in one]
    assert sum(int(one["deploy"]["resources"]["limits"]["memory"]) for one in always) <= MOST_MEMORY


def test_ports(planned: Stack) -> None:
    """Only the gateway and monitoring are published, on the loopback address, back doors apart from agencies."""
    published = {
        name: {(port["host_ip"], int(port["published"])) for port in service["ports"]}
        for name, service in everything(planned)["services"].items()
        if "ports" in service
    }
    host, base = "127.0.0.1", planned.base
    ranges = {(host, port) for start in (base, base + CONTROL) for port in range(start, start + 10)}
    assert published == {"gateway": ranges, "prometheus": {(host, base + 90)}, "grafana": {(host, base + 91)}}


def test_back_doors_stay_on_loopback(planned: Stack) -> None:
    """LAB_BIND opens the agencies' ports to a room, and never the back doors."""
    with planned.settings.open("a") as settings:
        settings.write("LAB_BIND=0.0.0.0\n")
    opened = json.loads(planned.compose("config", "--format", "json"))["services"]["gateway"]["ports"]
    hosts = {port["target"]: port["host_ip"] for port in opened}
    assert {port: host for port, host in hosts.items() if port < 8150} == dict.fromkeys(range(8100, 8110), "0.0.0.0")  # noqa: S104 - what is tested
    assert {port: host for port, host in hosts.items() if port >= 8150} == dict.fromkeys(range(8150, 8160), "127.0.0.1")


def test_no_secret_in_the_configuration(planned: Stack) -> None:
    """Secrets are told by path only: to those who need them, and nowhere else."""
    configured = everything(planned)
    told = json.dumps(configured)
    for name in SECRETS:
        assert (planned.secrets / name).read_text().strip() not in told
    needed = {
        name: {one["source"] for one in service["secrets"]}
        for name, service in configured["services"].items()
        if "secrets" in service
    }
    assert needed == {**{name: set(SECRETS) for name in AGENCIES}, "postgres": {"database_password"}}


def test_gateway_knows_every_agency() -> None:
    """Each agency has its port, its socket, its back door and its readiness in the gateway's configuration."""
    text = (ROOT / "deploy/gateway/haproxy.cfg").read_text()
    for name, offset in OFFSETS.items():
        assert f"frontend {name}\n    bind :{8100 + offset}\n    bind unix@/run/gates/{name}.sock mode 666\n" in text
        assert f"frontend {name}-backdoor\n    bind :{8150 + offset}\n" in text
        for place, server in ((name, f"{8100 + offset}"), (f"{name}-backdoor", f"9000 port {8100 + offset}")):
            assert (
                f"    use_backend {place}-any unless {{ nbsrv({place}) gt 0 }}\n    default_backend {place}\n" in text
            )
            assert f"backend {place}\n    server-template replica 8 {name}:{server}\n" in text
            assert f"backend {place}-any\n    server-template replica 8 {name}:{server.split()[0]} no-check\n" in text
        assert f"nbsrv({name}-any)" in text
    assert len(re.findall(r"^    mode http", text, re.MULTILINE)) == 1, "calls pass as they are"


def test_monitoring_knows_every_agency() -> None:
    """Prometheus asks every agency for its figures."""
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    for name, offset in OFFSETS.items():
        assert f"names: [{name}], type: A, port: {8100 + offset}," in text


def test_all_become_healthy(stack: Stack) -> None:
    """Every container of the lab is running and healthy, by image, user and walls as the file says."""

    def health() -> set[str]:
        return {one["State"]["Health"]["Status"] for one in stack.inspect()}

    # A test before this one may have started one of them again.
    assert eventually(lambda: health() == {"healthy"}, 120), health()
    found = stack.inspect()
    names = {one["Config"]["Labels"]["com.docker.compose.service"] for one in found}
    assert names - {"prometheus"} == {*AGENCIES, "gateway", "postgres"}
    for one in found:
        name = one["Config"]["Labels"]["com.docker.compose.service"]
        assert one["HostConfig"]["ReadonlyRootfs"], name
        assert one["HostConfig"]["CapDrop"] == ["ALL"], name
        assert one["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}, name
        assert one["HostConfig"]["Memory"] > 0, name
        assert one["HostConfig"]["NanoCpus"] > 0, name
        if name in AGENCIES:
            assert one["Config"]["Image"] == f"spbe-lab/services:{VERSION}"
    users = {one["Config"]["Labels"]["com.docker.compose.service"]: one["Config"]["User"] for one in found}
    assert {users[name] for name in (*AGENCIES, "gateway")} == {"10001:10001"}


def test_no_secret_in_containers(stack: Stack) -> None:
    """What the engine tells about a container shows no secret."""
    told = json.dumps(stack.inspect())
    for name in SECRETS:
        assert (stack.secrets / name).read_text().strip() not in told


def test_nobody_is_root(stack: Stack) -> None:
    """Every process of the lab runs as a user who is not root and has no rights of root."""
    for service in ("gateway", *AGENCIES, "postgres"):
        (container,) = stack.containers(service)
        status = docker("exec", "--user", "0", container, "cat", "/proc/1/status")
        uid = int(re.findall(r"^Uid:\t(\d+)", status, re.MULTILINE)[0])
        effective = int(re.findall(r"^CapEff:\t(\w+)", status, re.MULTILINE)[0], 16)
        assert (uid > 0, effective) == (True, 0), service


def test_no_way_out(stack: Stack) -> None:
    """The agencies and their database are on one network only, which the engine lets nobody out of."""
    inner = f"{stack.project}_agencies"
    assert json.loads(docker("network", "inspect", inner))[0]["Internal"] is True
    for one in stack.inspect():
        name = one["Config"]["Labels"]["com.docker.compose.service"]
        if name in {*AGENCIES, "postgres"}:
            assert set(one["NetworkSettings"]["Networks"]) == {inner}, name
            assert not any(one["NetworkSettings"]["Ports"].values()), name


def test_a_call_through_the_gateway(stack: Stack, participant: Callable[[], httpx.Client]) -> None:
    """With a token of their sandbox, a participant reads a resident; without one, the agency itself refuses."""
    client = participant()
    url = stack.addresses["population"].url
    rows = client.get(f"{url}/v1/residents", params={"limit": 1}).raise_for_status().json()["data"]
    found = client.get(f"{url}/v1/residents/{rows[0]['nik']}").raise_for_status().json()
    assert found["nik"] == rows[0]["nik"]
    assert found["nik"].startswith("7679")
    assert httpx.get(f"{url}/v1/residents").status_code == 401


def test_tokens_name_the_address_that_people_see(stack: Stack) -> None:
    """The issuer is the address on the host, whatever the agencies call one another."""
    url = stack.addresses["identity"].url
    assert httpx.get(f"{url}/.well-known/oauth-authorization-server").json()["issuer"] == url


def test_back_door_is_not_on_the_agencies_port(stack: Stack) -> None:
    """Through an agency's own port nobody gets to its back door, not even with the lab's token."""
    header = {"authorization": f"Bearer {stack.token}"}
    address = stack.addresses["population"]
    assert httpx.get(f"{address.backdoor}/_lab", headers=header).json()["service"] == "population"
    assert httpx.get(f"{address.url}/_lab", headers=header).status_code in {401, 404}
    assert httpx.get(f"{address.backdoor}/_lab").status_code == 401


def test_a_slow_answer_and_a_broken_one_arrive_as_they_are(
    stack: Stack, participant: Callable[[], httpx.Client], stack_city: Any
) -> None:
    """The gateway neither hurries a slow answer nor mends a broken one."""
    client = participant()
    sandbox = client.headers["x-sandbox"]
    url = stack.addresses["population"].url + "/v1/residents"
    slow = {"id": "slow", "path": "/v1/*", "kind": "latency", "median_ms": 3000, "sigma": 0.01, "times": 1}
    stack_city.set_faults(sandbox, {"population": [slow]})
    began = time.monotonic()
    assert client.get(url).status_code == 200
    assert time.monotonic() - began > 2
    for kind in ("close_before", "truncate_body"):
        stack_city.set_faults(sandbox, {"population": [{"id": kind, "path": "/v1/*", "kind": kind, "times": 1}]})
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(url)
    assert client.get(url).status_code == 200


def test_sockets_for_learners(stack: Stack, images: Mapping[str, str]) -> None:
    """A container without a network reaches every agency by its socket, and in that volume there is nothing else."""
    program = """
import http.client, os, socket
names = sorted(os.listdir("/run/gates"))
for name in names:
    line = http.client.HTTPConnection("agency")
    line.sock = socket.socket(socket.AF_UNIX)
    line.sock.connect("/run/gates/" + name)
    line.request("GET", "/version")
    print(name, line.getresponse().status)
"""
    gates = f"{stack.project}_gates:/run/gates:ro"
    walls = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--user", "61999:61999")
    said = docker("run", "--rm", *walls, "--volume", gates, images["learner"], "python", "-c", program)
    assert said.splitlines() == [f"{name}.sock 200" for name in AGENCIES]


def calls_answered(stack: Stack, service: str) -> Counter[str]:
    """How many calls each replica has answered, by its address."""
    program = (
        "import re, socket, sys, urllib.request as u\n"
        "for a in sorted({x[4][0] for x in socket.getaddrinfo(sys.argv[1], 0)}):\n"
        "    t = u.urlopen(f'http://{a}:{sys.argv[2]}/metrics', timeout=5).read().decode()\n"
        "    print(a, sum(float(v) for v in re.findall(r'^lab_requests_total.* ([0-9.e+]+)$', t, re.M)))\n"
    )
    port = str(8100 + OFFSETS[service])
    (asker,) = stack.containers("identity")
    said = docker("exec", asker, "python", "-c", program, service, port)
    return Counter({line.split()[0]: int(float(line.split()[1])) for line in said.splitlines()})


@pytest.fixture
def two_replicas(stack: Stack) -> Iterator[None]:
    stack.compose("up", "--detach", "--no-build", "--no-recreate", "--wait", "--scale", "population=2", "population")
    yield
    stack.compose("up", "--detach", "--no-build", "--no-recreate", "--wait", "--scale", "population=1", "population")


def test_replicas(stack: Stack, two_replicas: None, participant: Callable[[], httpx.Client]) -> None:
    """Two replicas both get calls and tell the same; when one stops, nobody notices, and it gets no more calls."""
    client = participant()
    url = stack.addresses["population"].url + "/v1/residents?limit=3"
    first = client.get(url).raise_for_status().json()

    def both_work() -> bool:
        assert [client.get(url).raise_for_status().json() for _ in range(10)] == [first] * 10
        answered = calls_answered(stack, "population")
        return len(answered) == 2 and all(answered.values())

    assert eventually(both_work, 120)
    stopped = stack.containers("population")[0]
    docker("stop", "--time", "10", stopped)
    for _ in range(40):
        assert client.get(url).raise_for_status().json() == first
    docker("start", stopped)


def ready_replicas(stack: Stack, service: str) -> int:
    """How many replicas of an agency the gateway finds ready."""
    program = (
        "import re, sys, urllib.request as u\n"
        "t = u.urlopen('http://gateway:8404/metrics', timeout=5).read().decode()\n"
        "print(re.findall(r'^haproxy_backend_active_servers.proxy=\"%s\". (\\d+)' % sys.argv[1], t, re.M)[0])\n"
    )
    (asker,) = stack.containers("identity")
    return int(docker("exec", asker, "python", "-c", program, service))


def test_database_away(stack: Stack, participant: Callable[[], httpx.Client]) -> None:
    """While the database is away, no agency is ready, and yet calls get through to it, which answers once it can."""
    client = participant()
    url = stack.addresses["population"].url + "/v1/residents?limit=3"
    first = client.get(url).raise_for_status().json()
    (database,) = stack.containers("postgres")
    docker("stop", database)
    try:
        assert eventually(lambda: ready_replicas(stack, "population") == 0, 120)
        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(client.get, url, timeout=90)
            docker("start", database)
            answer = waiting.result()
    finally:
        docker("start", database)
    if answer.status_code == 503:  # the machine is so busy that the start outlasts the agency's patience
        assert answer.json()["code"] == "store_unavailable"
        assert int(answer.headers["retry-after"]) > 0
    else:
        assert answer.raise_for_status().json() == first
    assert eventually(lambda: ready_replicas(stack, "population") == 1, 120)
    assert client.get(url).raise_for_status().json() == first


def test_two_labs_side_by_side(stack: Stack, tmp_path: Path) -> None:
    """A second lab, of another name and on other ports, runs beside the first, with data and secrets of its own."""
    second = started(lambda: tmp_path / f"secrets-{secrets.token_hex(3)}")
    try:
        for lab, other in ((stack, second), (second, stack)):
            address = lab.addresses["finance"]
            assert httpx.get(f"{address.url}/readyz").is_success
            assert httpx.get(f"{address.backdoor}/_lab", headers={"authorization": f"Bearer {lab.token}"}).is_success
            assert httpx.get(f"{address.backdoor}/_lab", headers={"authorization": f"Bearer {other.token}"}).is_error
    finally:
        second.down()
    assert httpx.get(f"{stack.addresses['finance'].url}/readyz").is_success
    left = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={second.project}")
    assert left == ""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", second.base + OFFSETS["finance"]))


def test_ports_taken_are_told(stack: Stack, tmp_path: Path) -> None:
    """A second lab on the same ports fails with the port's number and leaves the first one as it was."""
    second = Stack(f"{stack.project}-b", stack.base, tmp_path / "secrets")
    docker("network", "inspect", f"{stack.project}_agencies")
    second.secrets.mkdir()
    for name in SECRETS:
        (second.secrets / name).write_text((stack.secrets / name).read_text())
    second.write_settings()
    try:
        said = second.compose("up", "--detach", "--no-build", "--no-deps", "gateway", check=False)
        assert said == ""
        assert all(one["State"]["Status"] == "created" for one in second.inspect())
    finally:
        second.down()
    assert httpx.get(f"{stack.addresses['finance'].url}/readyz").is_success


def test_settings_are_documented() -> None:
    """Every setting of the compose file is explained in deploy/README.md with its usual value, and no other."""
    used = dict(re.findall(r"\$\{(LAB_\w+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
    rows = re.findall(r"^\| (`LAB_.*?) \| (.*?) \|", (ROOT / "deploy/README.md").read_text(), re.MULTILINE)
    told: dict[str, str] = {}
    for names, usual in rows:
        values = usual.replace("`", "").split(", ")
        for place, name in enumerate(names.replace("`", "").split(", ")):
            told[name] = values[place if len(values) > 1 else 0]
    assert told == used
