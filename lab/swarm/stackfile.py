"""What `docker stack deploy` takes, made of what `docker compose config` says. Pure: values in, values out.

Swarm knows neither `depends_on` nor `build`; what waits for another service does so by itself. Ports are those of each
node, and names lead straight to replicas, because virtual IPs and the ingress mesh need IPVS, which not every kernel
has; the gateway stands in front of the replicas in any case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Spec = dict[str, Any]

GATEWAY, DATABASE = "gateway", "postgres"
DATABASE_LABEL = "spbe-lab.database"
"""The label of the node that keeps the database's volume."""
GATES, DESK = "gates", "desk"
"""Volumes of each node: the agencies' sockets, for programs; and those that lead to the desk, for grading jobs."""
DESK_FOLDER = "/run/desk"
DESK_CONFIG = "gateway-desk"
DESK_CONFIG_TARGET = "/usr/local/etc/haproxy/desk.cfg"
PUBLIC_NETWORKS = ("agencies", "outside")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the container's own

_PATIENT = {"interval": "10s", "timeout": "20s", "start_period": "180s"}
"""A task that is not well in time is replaced, and has no name until it is well; on a node that is short of processors
replacing it only makes that worse."""

_NOT_IN_SWARM = (
    "build", "container_name", "depends_on", "links", "mem_limit", "network_mode", "profiles", "restart",
    "security_opt", "shm_size",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a stack has that a compose file does not.

    Attributes:
        ports: of the containers, that every node publishes; all others stay within.
        replicas: of each agency.
        agencies: their names.
        images: by the compose file's names, what the engine calls them: with an identifier no node asks a registry.
        desk_config: the file that adds the desk's listeners to the gateway.
    """

    ports: range
    replicas: int
    agencies: Sequence[str]
    images: Mapping[str, str]
    desk_config: Path


def stack(config: Mapping[str, Any], wishes: Wishes, digest: Callable[[Path], str]) -> Spec:
    """Returns the stack.

    Args:
        config: what `docker compose config --format json` gives.
        wishes: what is to be added.
        digest: gives a short hash of a file's content. Swarm's secrets and configs cannot change, so each content
            has a name of its own.

    Raises:
        KeyError: an image of the file is not among the wishes'.
    """
    services = {name: _service(name, service, wishes) for name, service in config["services"].items()}
    used = {volume["source"] for service in services.values() for volume in service["volumes"] if "source" in volume}
    gates = _volume(config["volumes"][GATES])
    return {
        "version": "3.13",
        "services": services,
        "networks": {name: _network(config["networks"][name]) for name in PUBLIC_NETWORKS},
        "volumes": {
            **{name: _volume(volume) for name, volume in config["volumes"].items() if name in used},
            DESK: {**gates, "driver_opts": {**gates["driver_opts"], "o": desk_options(gates["driver_opts"])}},
        },
        "secrets": _files(config.get("secrets", {}), digest, config["name"]),
        "configs": _files({**_used_configs(config, services), DESK_CONFIG: {"file": str(wishes.desk_config)}},
                          digest, config["name"]),
    }  # fmt: skip


def desk_options(options: Mapping[str, str]) -> str:
    """Returns the mount options of the volume `desk`: those of `gates`, but for nobody outside its group."""
    return options["o"].replace("mode=0755", "mode=0750")


def _service(name: str, given: Mapping[str, Any], wishes: Wishes) -> Spec:
    made: Spec = {key: value for key, value in given.items() if key not in _NOT_IN_SWARM and value is not None}
    made["image"] = wishes.images[given["image"]]
    made["volumes"] = [_mount(mount) for mount in given.get("volumes", [])]
    if "shm_size" in given:
        made["volumes"].append({"type": "tmpfs", "target": _SHARED_MEMORY, "tmpfs": {"size": int(given["shm_size"])}})
    made["networks"] = sorted(given.get("networks", {}))
    made["ports"] = [_port(port) for port in given.get("ports", []) if port["target"] in wishes.ports]
    made["deploy"] = _deploy(name, given.get("deploy", {}), wishes)
    if "healthcheck" in made:
        made["healthcheck"] = {**made["healthcheck"], **_PATIENT}
    if name == GATEWAY:
        made["command"] = [*given["command"], "-f", DESK_CONFIG_TARGET]
        made["configs"] = [*given.get("configs", []), {"source": DESK_CONFIG, "target": DESK_CONFIG_TARGET}]
        made["volumes"].append({"type": "volume", "source": DESK, "target": DESK_FOLDER})
    return made


def _deploy(name: str, given: Mapping[str, Any], wishes: Wishes) -> Spec:
    made: Spec = {**given, "endpoint_mode": "dnsrr", "resources": _resources(given.get("resources", {}))}
    if name in wishes.agencies:
        made["replicas"] = wishes.replicas
    if name == DATABASE:
        made["placement"] = {"constraints": [f"node.labels.{DATABASE_LABEL} == true"]}
    return made


def _resources(given: Mapping[str, Any]) -> Spec:
    """Returns limits and reservations with processors as text, which is how stacks count them."""
    return {
        kind: {key: str(value) if key == "cpus" else value for key, value in amounts.items()}
        for kind, amounts in given.items()
    }


def _mount(given: Mapping[str, Any]) -> Spec:
    made = {key: value for key, value in given.items() if value not in ({}, None)}
    if "tmpfs" in made:
        made["tmpfs"] = {"size": int(made["tmpfs"]["size"])}
    return made


def _port(given: Mapping[str, Any]) -> Spec:
    return {
        "target": given["target"],
        "published": int(given["published"]),
        "protocol": given.get("protocol", "tcp"),
        "mode": "host",
    }


def _network(given: Mapping[str, Any]) -> Spec:
    """Returns an overlay network that the desk, a container of its own, may join."""
    return {"driver": "overlay", "attachable": True, "internal": bool(given.get("internal", False))}


def _volume(given: Mapping[str, Any]) -> Spec:
    return {key: value for key, value in given.items() if key != "name"}


def _used_configs(config: Mapping[str, Any], services: Mapping[str, Any]) -> Spec:
    used = {one["source"] for service in services.values() for one in service.get("configs", [])}
    return {name: value for name, value in config.get("configs", {}).items() if name in used}


def _files(given: Mapping[str, Any], digest: Callable[[Path], str], stack_name: str) -> Spec:
    return {
        name: {"file": one["file"], "name": f"{stack_name}_{name}_{digest(Path(one['file']))}"}
        for name, one in given.items()
    }
