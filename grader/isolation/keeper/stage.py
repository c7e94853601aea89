"""The first process inside a bubblewrap sandbox: sets the scene and becomes the learner's program.

It opens, inside, the ports of the agencies and hands those sockets to the keeper outside, which answers them. So
nothing of the lab is left in the sandbox, neither a process nor a socket file, when the program starts.
"""

import _socket  # what `socket` is made of: half of a sandbox's start-up time went into importing that
import marshal
import os
import struct
import sys

from grader.isolation.keeper import copying, harness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from grader.isolation.keeper.order import Staging


def main() -> None:
    """Do what the keeper asks over the socket whose number is the second word of the command line."""
    control = _socket.socket(fileno=int(sys.argv[2]))
    report = control.fileno()
    try:
        order: Staging = marshal.loads(_everything(control))  # noqa: S302 - the keeper, our own program, wrote it
        _set_the_scene(control, order)
    except Exception as error:  # noqa: BLE001 - whatever it is, the keeper has to hear of it
        harness.tell(report, harness.NOT_CONFINED, error)
        os._exit(1)
    harness.become(order["argv"], order["environment"], report)


def _everything(control: _socket.socket) -> bytes:
    pieces = [control.recv(65536)]
    while pieces[-1]:
        pieces.append(control.recv(65536))
    return b"".join(pieces)


def _set_the_scene(control: _socket.socket, order: "Staging") -> None:
    listeners = [_listener(port) for port in order["ports"]]
    folders = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in order["measured"]]
    copying.copy(order["source"], order["folder"])
    if order["user"] is not None:
        from grader.isolation.keeper import kernel  # noqa: PLC0415 - costs milliseconds, and only root needs it

        copying.own(order["folder"], order["user"])
        kernel.become(order["user"], may_search=False)
    harness.stand_back()
    harness.limit(order["bounds"], order["processes"])
    os.chdir(order["folder"])
    handed = [*folders, *(listener.fileno() for listener in listeners)]
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(handed)}i", *handed))
    control.sendmsg([harness.READY], [rights])


def _listener(port: int) -> _socket.socket:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
