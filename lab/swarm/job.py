"""One grading job, in a container of its own on a Swarm: fetches one submission, grades it, brings the results.

The container has a network in which there is nothing, and no rights. Its only ways out are sockets that the gateway
of the same machine serves: to the agencies' public ports, which this process carries to the ports of 127.0.0.1 that
programs expect, and to the back doors and the counter, which a program cannot open: the rung `landlock` closes files
and sockets to it.
"""

import base64
import io
import os
import secrets
import selectors
import socket
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grader import exercise
from grader.backdoor import Backdoor, BackdoorUnreachableError
from grader.city import Address, City
from grader.isolation import prefixes, workplace
from grader.isolation.keeper.relay import Relay
from grader.language import catalogue, use_language
from grader.run import Learner, Order, grade
from grader.submissions import SubmissionRefused
from grader.verdicts import ExitCode, LabFault

_ = catalogue(__file__)

RUNG = "landlock"
"""The best one that needs no more rights than a container without any has. No lower one is ever taken."""
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 1.0
_BACKLOG = 128
_GROUP = 10001
"""May use the sockets to the desk."""
_USERS = range(61184, 65520)
"""Users without a name that distributions leave to whoever needs one for a moment."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where everything is in the job's container.

    Attributes:
        gates: the folder of the agencies' sockets.
        desk: the folder of the sockets to the back doors and the counter.
        token: the file with the lab's token.
        python: the interpreter of participants' programs.
        exercises: the folder of the exercises.
    """

    gates: Path = Path("/run/gates")
    desk: Path = Path("/run/desk")
    token: Path = Path("/run/secrets/backdoor_token")
    python: Path = Path("/opt/learner/bin/python")
    exercises: Path = Path("/app/exercises")


def number(given: str) -> int:
    """Returns a task's number from what Swarm puts for `{{.Task.Slot}}`: for the first task that is a node's name."""
    return int(given) if given.isdecimal() and len(given) < 10 else 0


def step_down() -> None:
    """Becomes, for good, a user whom nothing else on this machine belongs to.

    The kernel counts a user's processes over all containers of a machine, so a program would otherwise be refused a
    thread because of what agencies and other jobs do. Of root's rights the container has none but to do this.
    """
    user = _USERS[secrets.randbelow(len(_USERS))]
    os.setgroups([])
    os.setgid(_GROUP)
    os.setuid(user)


def carry_out(wave: str, place: int, token: str, here: Surroundings) -> bool:
    """Grades the submission of this number; returns whether its result was brought, or was not wanted any more."""
    counter = Backdoor(f"unix:{here.desk / 'grading.sock'}", token)
    path = f"/work/{wave}/{place}"
    try:
        status, order = _persistently(counter, "GET", path)
        if status != 200:
            return status == 410
        use_language(order["language"])
        return _persistently(counter, "PUT", path, _graded(order, token, here))[0] == 204
    finally:
        counter.close()


def _persistently(counter: Backdoor, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Calls the counter until it answers; gives status 0 where it does not in good time."""
    deadline, pause = time.monotonic() + _PATIENCE_SECONDS, threading.Event()
    while time.monotonic() < deadline:
        try:
            answer = counter.call(method, path, body)
        except BackdoorUnreachableError:
            pause.wait(_PAUSE_SECONDS)
        else:
            return answer.status, answer.content
    return 0, None


def _graded(order: Mapping[str, Any], token: str, here: Surroundings) -> Answer:
    asked = exercise.load(here.exercises / order["exercise"])
    if asked.hash != order["hash"]:
        return _broken(_("The image of the grading jobs holds another version of this exercise.").render())
    services: Mapping[str, str] = order["services"]
    addresses = {name: Address(url, f"unix:{here.desk / name}.sock") for name, url in services.items()}
    gates = {urlsplit(url).port or 80: here.gates / f"{name}.sock" for name, url in services.items()}
    with workplace() as place:
        archive, out = place / "submission.zip", place / "out"
        archive.write_bytes(base64.b64decode(order["submission"]))
        told = Order(
            exercise=asked,
            submission=archive,
            out=out,
            learner=Learner(here.python, tuple(prefixes(here.python))),
            lab_version=order["lab_version"],
            participant=order["participant"],
            isolation=RUNG,
            provisional=False,
        )
        before = _age(gates)
        relay = _relay(gates)
        try:
            with City(addresses, token) as city:
                results = grade(told, city)
        except SubmissionRefused as refusal:
            return {"outcome": "refused", "message": refusal.message.render(), "code": refusal.code}
        except LabFault as fault:
            return _broken(fault.message.render())
        if relay.shut or _age(gates) != before:
            return _broken(_("The way to the agencies was interrupted while the program ran.").render())
        reports = base64.b64encode(_packed(out)).decode("ascii")
        return {"outcome": "graded", "reports": reports, "lab_failed": results.exit_code == ExitCode.LAB_FAILED}


def _broken(message: str) -> Answer:
    return {"outcome": "broken", "message": message}


def _relay(gates: Mapping[int, Path]) -> Relay:
    """Carries the ports of 127.0.0.1 to the agencies' sockets, in a thread of this process, until it ends."""
    selector = selectors.DefaultSelector()
    relay = Relay(selector, [_listener(port) for port in gates], [str(gate) for gate in gates.values()])

    def serve() -> None:
        while True:
            for key, events in selector.select():
                key.data(events)

    threading.Thread(target=serve, daemon=True, name="relay").start()
    return relay


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    return listener


def _age(gates: Mapping[int, Path]) -> list[tuple[int, int]]:
    """Returns what changes when the gateway of this machine is started again: it makes its sockets anew."""
    found = []
    for gate in gates.values():
        try:
            facts = gate.stat()
            found.append((facts.st_ino, facts.st_ctime_ns))
        except OSError:
            found.append((0, 0))
    return found


def _packed(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            archive.write(file, file.name)
    return made.getvalue()
