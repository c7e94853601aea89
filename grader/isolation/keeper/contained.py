"""The keeper as the first process of a container made for one run: it says hello, waits, and starts the program.

The container's walls are the engine's work. The keeper sees for itself that they stand before it takes an order: an
engine that does not know an option passes over it.
"""

import os
import selectors
import signal
import socket
import sys

from grader.isolation.keeper import copying, harness, kernel, seccomp
from grader.isolation.keeper.launch import Started
from grader.isolation.keeper.relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from grader.isolation.keeper.order import Contained, Order

_INTERPRETERS = ("node", "php", "sh")
_WAITS = 900
"""Seconds after which a keeper that nobody has given an order ends, and its container with it."""

_NO_LIMIT = 1 << 20
"""How many tasks the kernel lets the program's user have. The container's own limit of tasks is the one that counts;
users are counted over all containers, and a neighbour's tasks are not to be this program's affair."""

_OUT_OF_MEMORY = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
"""Where the kernel tells how often it had to kill in this container, in the two versions of its control groups."""


def greet() -> None:
    """Say on standard output what is here, as the keeper says its answer; end if it is no place to run a program in."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a first process never feels; Python's own handler it would
    missing = _missing()
    said = f"problem={', '.join(missing)}\n" if missing else f"python={sys.executable}\n{_interpreters()}"
    sys.stdout.buffer.write(f"{said}\n".encode())
    sys.stdout.buffer.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        if missing or not selector.select(_WAITS):
            os._exit(0)


def start(order: "Order", output: tuple[int, int], selector: selectors.BaseSelector) -> Started:
    """Start what is ordered and return when it runs; errors as of `launch.start`.

    Args:
        order: the run; its `contained` is not None.
        output: where the program's standard output and error go.
        selector: where the relay to the agencies is to be registered.
    """
    inside = order["contained"]
    assert inside is not None  # noqa: S101 - for the type checker; the caller has looked
    try:
        folders = _furnish(order, inside)
        relay = Relay(selector, [_listener(port) for port in order["ports"]], inside["gates"])
    except OSError as error:
        raise harness.NotConfined(str(error)) from error
    keeper = os.getpid()
    told, report = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            harness.take_streams(output)
            _confine(order, keeper)
        except BaseException as error:  # noqa: BLE001 - a forked child must end here, whatever happens
            harness.tell(report, harness.NOT_CONFINED, error)
            os._exit(1)
        harness.become(order["argv"], order["environment"], report)
    os.close(report)
    with open(told, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        harness.heed(file.read())
    return Started(pid, disk=folders, relay=relay)


def ran_out_of_memory() -> bool:
    """Say whether the kernel has killed something because the container's memory was used up, not the machine's."""
    for path in _OUT_OF_MEMORY:
        told = dict(line.split(" ", 1) for line in _read(path).splitlines() if " " in line)
        if "oom_kill" in told:
            # The newer version also counts how often the container was at its own limit.
            return told["oom_kill"] != "0" and told.get("oom", "1") != "0"
    return False


def _missing() -> list[str]:
    """Return what this container lacks of the walls that it was ordered with."""
    status = dict(line.split(":\t", 1) for line in _read("/proc/self/status").splitlines() if ":\t" in line)
    capabilities = [status.get(name, "?").strip("0") for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")]
    routes = _read("/proc/net/route").splitlines()[1:] + [
        line for line in _read("/proc/net/ipv6_route").splitlines() if line.split()[-1] != "lo"
    ]
    walls = {
        "processes of its own": os.getpid() == 1,
        "a user without rights": os.getuid() != 0,
        "no capabilities": not any(capabilities),
        "no new privileges": status.get("NoNewPrivs") == "1",
        "no network": not routes,
        "a read-only root": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    }
    return [name for name, stands in walls.items() if not stands]


def _interpreters() -> str:
    folders = [*os.defpath.split(os.pathsep), "/usr/local/bin"]
    found = ((name, f"{folder}/{name}") for name in _INTERPRETERS for folder in folders)
    there = {name: path for name, path in found if os.access(path, os.X_OK)}
    return "".join(f"{name}={path}\n" for name, path in there.items())


def _furnish(order: "Order", inside: "Contained") -> list[int]:
    copying.unpack(inside["files"], order["folder"])
    return [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in inside["measured"]]


def _listener(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=128)


def _confine(order: "Order", keeper: int) -> None:
    os.setsid()
    kernel.be_dumpable(yes=True)  # else the next line is refused; this memory holds nothing but the order itself
    harness.stand_back()
    os.chdir(order["folder"])
    kernel.die_with_parent(keeper)
    harness.limit(order["bounds"], _NO_LIMIT)
    kernel.renounce_privileges()
    if kernel.machine() in seccomp.ARCHITECTURES:
        kernel.install_filter(seccomp.in_container(kernel.machine()))


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123 - as in landlock.py
            return file.read()
    except OSError:
        return ""
