"""Machines of a Swarm that are none: Docker engines in network namespaces of this machine, each on a cable to a switch.

The engine that others use is never in a Swarm. Pulling a machine's cable is what a lost node looks like to the others:
its containers go on, and nobody hears of them.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SUBNET = "10.213.7"
"""Addresses that lead nowhere but to the switch."""


def call(*arguments: str, patience: float = 120, check: bool = True) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=patience)
    assert not check or done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass
class Machine:
    """One engine in a network namespace of its own."""

    name: str
    number: int
    folder: Path
    switch: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    def docker(self, *arguments: str, patience: float = 300, check: bool = True) -> str:
        return call("docker", "--host", self.socket, *arguments, patience=patience, check=check)

    def within(self, *arguments: str) -> list[str]:
        """A command that sees this machine's network."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *arguments]

    def build(self) -> None:
        call("ip", "netns", "add", self.name)
        cable = f"c{self.number}"
        call(
            "ip", "link", "add", "eth0", "netns", self.name, "type", "veth", "peer", "name", cable, "netns", self.switch
        )
        call("ip", "-n", self.switch, "link", "set", cable, "master", "switch", "up")
        call("ip", "-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            call("ip", "-n", self.name, "link", "set", device, "up")
        call("ip", "-n", self.name, "route", "add", "default", "via", f"{SUBNET}.254")

    def start(self) -> None:
        folder = self.folder
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.within(
                    "dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--host", self.socket,
                    "--pidfile", f"{folder}/pid", "--bridge", "none", "--log-level", "warn",
                    "--default-address-pool", f"base=10.214.{self.number * 16}.0/20,size=26",
                ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        call("timeout", "60", "sh", "-c", f"until docker --host {self.socket} info >/dev/null 2>&1; do sleep 0.2; done")

    def pull_cable(self) -> None:
        call("ip", "-n", self.switch, "link", "set", f"c{self.number}", "down")

    def plug_in(self) -> None:
        call("ip", "-n", self.switch, "link", "set", f"c{self.number}", "up")

    def crash(self) -> None:
        """End the engine and everything that runs on it at once, as when the power goes."""
        mine = [process for process in psutil.process_iter() if self._is_mine(process)]
        for process in [*mine, *(child for one in mine for child in _children(one))]:
            with suppress(psutil.NoSuchProcess):
                process.kill()  # psutil's own, which spares a process that came to the same number meanwhile
        if self.process is not None:
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        self.crash()
        for mount in sorted((line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()), reverse=True):
            if mount.startswith(f"{self.folder}/"):
                call("umount", "--lazy", mount, check=False)
        call("ip", "netns", "delete", self.name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_mine(self, process: psutil.Process) -> bool:
        """Whether it is the engine or one of what it starts for containers: all name the engine's own folder."""
        try:
            return process.pid != os.getpid() and any(f"{self.folder}/" in word for word in process.cmdline())
        except psutil.Error:
            return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


@contextmanager
def machines(folder: Path, count: int, images: list[str]) -> Iterator[list[Machine]]:
    """Machines on one switch, all with the same images; whatever happens, nothing of them stays."""
    word = secrets.token_hex(2)
    switch = f"spbe-{word}-s"
    found = [Machine(f"spbe-{word}-{number}", number, folder / f"m{number}", switch) for number in range(1, count + 1)]
    try:
        call("ip", "netns", "add", switch)
        call("ip", "-n", switch, "link", "add", "switch", "type", "bridge")
        call("ip", "-n", switch, "link", "set", "switch", "up")
        for machine in found:
            machine.folder.mkdir(parents=True)
            machine.build()
            machine.start()
            carried = f"docker save {' '.join(images)} | docker --host {machine.socket} load --quiet"
            call("sh", "-c", carried, patience=600)
        first = found[0]
        first.docker("swarm", "init", "--advertise-addr", first.address)
        token = first.docker("swarm", "join-token", "--quiet", "worker").strip()
        for machine in found[1:]:
            machine.docker(
                "swarm", "join", "--token", token, "--advertise-addr", machine.address, f"{first.address}:2377"
            )
        yield found
    finally:
        for machine in found:
            machine.remove()
        call("ip", "netns", "delete", switch, check=False)
