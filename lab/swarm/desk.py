"""The desk: one container beside the stack, on the machine where `lab` is used, which leads between the two.

It publishes the agencies' back doors on 127.0.0.1, which a Swarm's services cannot (their ports are open on all
addresses of every node), and it carries grading jobs, wherever they run, to the socket of the command that waits for
them. It is the gateway's image and configuration, with other doors.
"""

import contextlib
import shutil
from pathlib import Path
from typing import Any

from docker.errors import NotFound
from docker.types import Mount

from lab import rundir
from lab.docker.compose import CONTROL, PORTS
from lab.settings import Settings
from lab.swarm.engine import NAMESPACE, Swarm, worded

LABEL = "spbe-lab.desk"
ALIAS = "desk"
_CONFIGS = ("deploy/gateway/haproxy.cfg", "deploy/swarm/desk.cfg")
_INSIDE = "/run/lab"
_USER = "10001"
_FIRST_CONTROL = 8150


class Desk:
    """The desk of one lab."""

    def __init__(self, swarm: Swarm, stack: str) -> None:
        """Describes it; touches nothing."""
        self._swarm = swarm
        self._stack = stack

    def start(self, settings: Settings, image: str, port_base: int) -> Path:
        """Starts it in place of one that is there; returns its private folder on this machine.

        Args:
            settings: of the lab.
            image: the gateway's.
            port_base: of the agencies; the back doors' ports lie above.
        """
        self.stop()
        run = rundir.make(settings.run_folders)
        shared = run / ALIAS
        shared.mkdir(mode=0o755)
        shared.chmod(0o755)
        for config in _CONFIGS:
            copy = shared / Path(config).name
            shutil.copyfile(settings.root / config, copy)
            copy.chmod(0o644)
        words = ["haproxy", "-W", "-db", "-f", f"{_INSIDE}/haproxy.cfg", "-f", f"{_INSIDE}/desk.cfg"]
        ports = {f"{_FIRST_CONTROL + n}/tcp": ("127.0.0.1", port_base + CONTROL + n) for n in range(PORTS)}
        walls: dict[str, Any] = {
            "user": f"{_USER}:{_USER}",
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "mem_limit": "128m",
            "pids_limit": 64,
            "tmpfs": {"/run/gates": f"size=1m,mode=0700,uid={_USER},gid={_USER}"},
        }
        with worded():
            made = self._swarm.client.containers.create(
                image,
                words,
                name=f"{self._stack}_{ALIAS}",
                labels={LABEL: self._stack, NAMESPACE: self._stack},
                network=f"{self._stack}_outside",
                ports=ports,
                mounts=[Mount(_INSIDE, str(shared), type="bind", read_only=True)],
                restart_policy={"Name": "unless-stopped"},
                **walls,
            )
            self._swarm.client.networks.get(f"{self._stack}_agencies").connect(made, aliases=[ALIAS])
            made.start()
        return run

    def stop(self) -> None:
        """Stops and removes it, with its folder on this machine."""
        with worded():
            found = self._swarm.client.api.containers(all=True, filters={"label": f"{LABEL}={self._stack}"})
            for one in found:
                folders = [Path(mount["Source"]).parent for mount in one["Mounts"] if mount["Type"] == "bind"]
                with contextlib.suppress(NotFound):
                    self._swarm.client.api.remove_container(one["Id"], force=True)
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)
