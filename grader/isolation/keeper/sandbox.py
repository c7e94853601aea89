"""Starts the program in a bubblewrap sandbox, whose first process is the stage (see `stage.py`).

A sandbox can be built ahead of the order: its stage waits to be told what to become.
"""

import marshal
import os
import selectors
import socket

from grader.isolation.keeper import harness, kernel, seccomp
from grader.isolation.keeper.launch import Started, backstop
from grader.isolation.keeper.relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from grader.isolation.keeper.order import Order, Sandbox, Staging
    from grader.isolation.keeper.users import OwnUser

_READY_WITHIN = 20.0
"""Seconds that a sandbox may take to be built, on the slowest machine in its worst moment."""

_BWRAP_TASKS = 2


class Built:
    """A sandbox in which nothing of the program runs yet.

    Args:
        sandbox: how to build it.
        user: whom the program shall be; None for this process' own user.

    Attributes:
        output: descriptors from which the program's standard output and error will be read.
    """

    def __init__(self, sandbox: "Sandbox", user: "OwnUser | None") -> None:
        self.sandbox = sandbox
        self.user = user
        pipes = os.pipe(), os.pipe()
        self.output = [read for read, _write in pipes]
        self._control, theirs = socket.socketpair()
        with theirs:
            number = os.geteuid() if user is None else user.number
            self._pid = _start_bwrap(sandbox, number, (pipes[0][1], pipes[1][1]), theirs.fileno())
        for _read, write in pipes:
            os.close(write)

    def start(self, order: "Order", selector: selectors.BaseSelector) -> Started:
        """Start what is ordered and return when it runs; errors as of `launch.start`.

        Args:
            order: the run; its `sandbox` is this one.
            selector: where the relay to the agencies' ports is to be registered.
        """
        if order["sandbox"] != self.sandbox:
            raise harness.NotConfined("another sandbox was built")
        with self._control:
            descriptors = _shake_hands(self._control, _staging(order, self.sandbox, self.user))
        folders = len(self.sandbox["measured"])
        Relay(selector, [socket.socket(fileno=listener) for listener in descriptors[folders:]], order["ports"])
        return Started(self._pid, disk=descriptors[:folders], overhead=_BWRAP_TASKS, shell_like=True)


def _start_bwrap(sandbox: "Sandbox", user: int, output: tuple[int, int], control: int) -> int:
    """Start bwrap and return its process id. Its options go by descriptor, so that nobody reads them in a list."""
    command, inherited = list(sandbox["command"]), [control]
    for path, text in sandbox["files"].items():
        inherited.append(_readable(text.replace("{user}", str(user)).encode()))
        command += ["--perms", "0644", "--ro-bind-data", str(inherited[-1]), path]
    if kernel.machine() in seccomp.ARCHITECTURES:
        inherited.append(_readable(seccomp.everywhere(kernel.machine()).finish()))
        command += ["--seccomp", str(inherited[-1])]
    command += sandbox["after"]
    inherited.append(_readable("\0".join(command[1:]).encode()))
    visible = [command[0], "--args", str(inherited[-1]), "--", *sandbox["stage"], str(control)]
    pid = os.fork()
    if not pid:
        try:
            harness.take_streams(output)
            for descriptor in inherited:
                os.set_inheritable(descriptor, True)
            os.execve(visible[0], visible, {})  # noqa: S606 - bwrap, found in the PATH
        finally:
            os._exit(127)
    for descriptor in inherited[1:]:
        os.close(descriptor)
    return pid


def _staging(order: "Order", sandbox: "Sandbox", user: "OwnUser | None") -> "Staging":
    return {
        "argv": order["argv"],
        "environment": order["environment"],
        "folder": order["folder"],
        "source": sandbox["source"],
        "measured": sandbox["measured"],
        "ports": order["ports"],
        "bounds": order["bounds"],
        "processes": backstop(order, exact=user is not None or _counts_by_namespace()),
        "user": None if user is None else user.number,
    }


def _shake_hands(control: socket.socket, staging: "Staging") -> list[int]:
    """Tell the stage what to do, take the folders and sockets it has opened, and return when the program runs."""
    control.settimeout(_READY_WITHIN)
    wanted = len(staging["measured"]) + len(staging["ports"])
    try:
        control.sendall(marshal.dumps(staging))  # type: ignore[arg-type]  # a TypedDict of plain values is one
        control.shutdown(socket.SHUT_WR)
        message, descriptors, _, _ = socket.recv_fds(control, 4096, wanted)
        told = message.removeprefix(harness.READY)
        while message:
            message = control.recv(4096)
            told += message
    except OSError as error:
        raise harness.NotConfined(repr(error)) from error
    harness.heed(told)
    if len(descriptors) != wanted:
        raise harness.NotConfined("the sandbox was not built")
    return descriptors


def _counts_by_namespace() -> bool:
    """Say whether the kernel counts a user's tasks in each user namespace apart, as it does since 5.14."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)))) >= (5, 14)


def _readable(data: bytes) -> int:
    """Return a descriptor from which `data` can be read."""
    descriptor = os.memfd_create("data")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
