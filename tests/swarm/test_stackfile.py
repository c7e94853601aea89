"""What becomes of the compose file on its way to a Swarm."""

import copy
from pathlib import Path
from typing import Any

import pytest

from lab.swarm.stackfile import Wishes, stack

AGENCIES = ("identity", "permits")
CONFIG: dict[str, Any] = {
    "name": "lab-x",
    "services": {
        "gateway": {
            "image": "haproxy:3.0",
            "command": ["haproxy", "-f", "a.cfg"],
            "entrypoint": None,
            "depends_on": {"identity": {"condition": "service_healthy", "required": True}},
            "configs": [{"source": "gateway", "target": "/a.cfg"}],
            "networks": {"agencies": None, "outside": None},
            "ports": [
                {"mode": "ingress", "host_ip": "127.0.0.1", "target": 8101, "published": "9101", "protocol": "tcp"},
                {"mode": "ingress", "host_ip": "127.0.0.1", "target": 8151, "published": "9151", "protocol": "tcp"},
            ],
            "volumes": [{"type": "volume", "source": "gates", "target": "/run/gates", "volume": {}}],
            "healthcheck": {"test": ["CMD", "true"], "interval": "5s", "timeout": "5s"},
            "deploy": {"mode": "global", "resources": {"limits": {"cpus": 1, "memory": "1", "pids": 64}}},
        },
        **{
            name: {
                "image": "spbe-lab/services:dev",
                "build": {"context": "."},
                "security_opt": ["no-new-privileges:true"],
                "networks": {"agencies": None},
                "secrets": [{"source": "token", "target": "/run/secrets/token"}],
                "volumes": [{"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": "64"}}],
                "deploy": {"replicas": 1, "placement": {}},
            }
            for name in AGENCIES
        },
        "postgres": {
            "image": "postgres:17",
            "networks": {"agencies": None},
            "shm_size": "128",
            "volumes": [{"type": "volume", "source": "database", "target": "/data", "volume": {}}],
            "deploy": {"replicas": 1},
        },
    },
    "networks": {"agencies": {"name": "lab-x_agencies", "ipam": {}, "internal": True}, "outside": {"ipam": {}}},
    "volumes": {
        "database": {"name": "lab-x_database"},
        "figures": {"name": "lab-x_figures"},
        "gates": {
            "name": "lab-x_gates",
            "driver": "local",
            "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=0755,uid=1"},
        },
    },
    "secrets": {"token": {"name": "lab-x_token", "file": "/s/token"}},
    "configs": {"gateway": {"name": "g", "file": "/c/a.cfg"}, "prometheus": {"name": "p", "file": "/c/p.yml"}},
}
IMAGES = {"haproxy:3.0": "sha256:h", "spbe-lab/services:dev": "sha256:s", "postgres:17": "sha256:p"}


def made(*, replicas: int = 2, config: dict[str, Any] | None = None, word: str = "1") -> dict[str, Any]:
    wishes = Wishes(range(8100, 8110), replicas, AGENCIES, IMAGES, Path("/d/gateway.cfg"))
    return stack(config or CONFIG, wishes, lambda file: f"{file.name}{word}")


def test_nothing_is_left_that_a_stack_does_not_know() -> None:
    for service in made()["services"].values():
        assert not {"build", "depends_on", "security_opt", "shm_size", "entrypoint"} & set(service)


def test_the_agencies_ports_are_every_nodes_and_the_back_doors_are_nobodys() -> None:
    gateway = made()["services"]["gateway"]
    assert gateway["ports"] == [{"target": 8101, "published": 9101, "protocol": "tcp", "mode": "host"}]


def test_names_lead_straight_to_replicas_because_virtual_addresses_need_ipvs() -> None:
    assert {service["deploy"]["endpoint_mode"] for service in made()["services"].values()} == {"dnsrr"}


def test_agencies_have_as_many_replicas_as_are_wanted_and_the_database_one_on_its_node() -> None:
    services = made(replicas=3)["services"]
    assert [services[name]["deploy"]["replicas"] for name in (*AGENCIES, "postgres")] == [3, 3, 1]
    assert services["postgres"]["deploy"]["placement"]["constraints"] == ["node.labels.spbe-lab.database == true"]


def test_every_node_runs_the_image_of_this_machine_and_asks_no_registry() -> None:
    assert {service["image"] for service in made()["services"].values()} == set(IMAGES.values())


def test_an_image_that_nobody_has_looked_for_is_an_error() -> None:
    config = copy.deepcopy(CONFIG)
    config["services"]["postgres"]["image"] = "postgres:99"
    with pytest.raises(KeyError, match="postgres:99"):
        made(config=config)


def test_a_changed_secret_or_configuration_has_another_name() -> None:
    one, other = made(word="1"), made(word="2")
    for kind in ("secrets", "configs"):
        assert not {value["name"] for value in one[kind].values()} & {value["name"] for value in other[kind].values()}


def test_only_what_is_used_comes_along() -> None:
    found = made()
    assert set(found["configs"]) == {"gateway", "gateway-desk"}
    assert set(found["volumes"]) == {"database", "gates", "desk"}


def test_the_sockets_to_the_back_doors_are_closed_to_others_than_their_group() -> None:
    volumes = made()["volumes"]
    assert "mode=0755" in volumes["gates"]["driver_opts"]["o"]
    assert "mode=0750" in volumes["desk"]["driver_opts"]["o"]


def test_agencies_and_database_have_no_way_out() -> None:
    found = made()
    assert found["networks"]["agencies"]["internal"]
    assert {name: service["networks"] for name, service in found["services"].items() if name != "gateway"} == {
        name: ["agencies"] for name in (*AGENCIES, "postgres")
    }


def test_the_compose_file_is_not_changed_on_the_way() -> None:
    config = copy.deepcopy(CONFIG)
    made(config=config)
    assert config == CONFIG
