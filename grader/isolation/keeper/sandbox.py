"""Starts the program in a bubblewrap sandbox, whose first process is the stage (see `stage.py`)."""

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


def start(order: "Order", user: "OwnUser | None", output: tuple[int, int], selector: selectors.BaseSelector) -> Started:
    """Start what is ordered and return when it runs; arguments and errors as of `launch.start`.

    Args:
        order: the run; its `sandbox` is not None.
        user: whom the program shall be; None for this process' own user.
        output: where its standard output and error go.
        selector: where the relay to the agencies' ports is to be registered.
    """
    assert order["sandbox"] is not None  # noqa: S101 - for the type checker; the caller has looked
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            pid = _start_bwrap(order["sandbox"], os.geteuid() if user is None else user.number, output, theirs.fileno())
        descriptors = _shake_hands(ours, _staging(order, order["sandbox"], user))
    folders = len(order["sandbox"]["measured"])
    Relay(selector, [socket.socket(fileno=listener) for listener in descriptors[folders:]], order["ports"])
    return Started(pid, disk=descriptors[:folders], overhead=_BWRAP_TASKS, shell_like=True)


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
