"""Runs one program from its start to the end of everything it started, and tells how it went."""

import marshal
import os
import resource
import selectors
import signal
import sys
import time

from grader.isolation.keeper import census, contained, copying, disk, harness, kernel, launch, sandbox
from grader.isolation.keeper.outlet import Outlet
from grader.isolation.keeper.users import OwnUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.isolation.keeper.order import Order

_GLANCE = 0.02
"""Seconds between two looks at what the program uses."""

_PATIENCE = 10.0
_DRAIN = 2.0
"""Seconds within which everything has to be dead once it is killed, and its last words read."""


class Keeper:
    """One run: `run` it once, then `answer` is complete."""

    def __init__(self, order: "Order", built: sandbox.Built | None = None) -> None:
        """Prepare for `order`, for which a sandbox may have been built; nothing of the program is started yet."""
        self.answer: dict[str, object] = {}
        self._order = order
        self._bounds = order["bounds"]
        self._selector = selectors.DefaultSelector()
        self._outlets = {name: Outlet(self._bounds["output_bytes"]) for name in ("stdout", "stderr")}
        self._reading = 0
        self._abandoned = False
        self._user = _own_user() if built is None else built.user
        self._built = built
        self._number = None if self._user is None else self._user.number
        self._folders = disk.Watch(order["place"], self._number)

    def run(self) -> None:
        """Start the program, watch it, stop all it started.

        Raises:
            harness.NotConfined: the lab could not do its part.
            harness.NotStarted: nothing of the program ran.
        """
        if self._order["place"]:
            self._furnish()
        self._listen()
        kills = kernel.memory_kills()
        self._start()
        begun = time.monotonic()
        try:
            limit = self._watch(begun)
            seconds = time.monotonic() - begun
        finally:
            stopped = self._family.stop(patience=_PATIENCE, user=self._number)
        if not stopped:
            raise harness.NotConfined("the program could not be stopped")
        self._drain()
        # Programs are the first to go when the whole machine runs out of memory, whatever they use themselves.
        is_starved = not limit and self._signal() == signal.SIGKILL and kernel.memory_kills() > kills
        self._conclude(seconds, limit, is_starved=is_starved)
        self._folders.clean_up()

    def _furnish(self) -> None:
        """Put the submission and a folder for temporary files into the place of the run."""
        for folder in (self._order["folder"], self._order["temporary"]):
            os.mkdir(folder, 0o700)  # noqa: PTH102 - as in landlock.py
        copying.copy(self._order["source"], self._order["folder"])
        if self._number is not None:
            copying.own(self._order["place"], self._number)

    def _listen(self) -> None:
        """Hear of ended children, and take the end of standard input as the wish, or the death, of the grader."""
        bell, ring = os.pipe()
        os.set_blocking(bell, False)
        os.set_blocking(ring, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._selector.register(bell, selectors.EVENT_READ, lambda _events: os.read(bell, 4096))
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._abandon)

    def _abandon(self, _events: int) -> None:
        self._abandoned = True
        self._selector.unregister(sys.stdin.fileno())

    def _start(self) -> None:
        try:
            if self._order["sandbox"] is not None:
                self._started = self._in_sandbox(self._built or sandbox.Built(self._order["sandbox"], self._user))
            else:
                self._started = self._here()
        except harness.NotConfined as error:
            self._drain()
            said = self._outlets["stderr"].text().decode(errors="replace")
            raise harness.NotConfined(f"{error} {said}".strip()) from error
        self._family = census.Family(self._started.pid)

    def _in_sandbox(self, built: sandbox.Built) -> launch.Started:
        for name, read in zip(self._outlets, built.output, strict=True):
            self._collect(name, read)
        return built.start(self._order, self._selector)

    def _here(self) -> launch.Started:
        streams = self._stream("stdout"), self._stream("stderr")
        try:
            if self._order["contained"] is not None:
                return contained.start(self._order, streams, self._selector)
            return launch.start(self._order, self._user, streams)
        finally:
            for stream in streams:
                os.close(stream)

    def _stream(self, name: str) -> int:
        """Return a descriptor to write to; what arrives there goes to the outlet of that name."""
        read, write = os.pipe()
        self._collect(name, read)
        return write

    def _collect(self, name: str, read: int) -> None:
        os.set_blocking(read, False)
        self._selector.register(read, selectors.EVENT_READ, self._reader(self._outlets[name], read))
        self._reading += 1

    def _reader(self, outlet: Outlet, descriptor: int) -> "Callable[[int], None]":
        def read(_events: int) -> None:
            if not outlet.read(descriptor):
                self._selector.unregister(descriptor)
                os.close(descriptor)
                self._reading -= 1

        return read

    def _watch(self, begun: float) -> str:
        """Attend to everything until the program has ended or has to be ended; return the limit it hit, or nothing."""
        look = begun
        while self._family.ending is None and not self._abandoned:
            self._attend()
            self._family.reap()
            now = time.monotonic()
            if now - begun > self._bounds["wall_seconds"]:
                return "wall"
            if now >= look and self._family.ending is None:
                limit = self._limit_hit()
                if limit:
                    return limit
                look = time.monotonic() + _GLANCE
        return self._limit_seen_late()

    def _attend(self) -> None:
        for key, events in self._selector.select(_GLANCE):
            key.data(events)

    def _limit_hit(self) -> str:
        usage = self._family.measure(exact_above=self._bounds["memory_bytes"])
        if usage.memory > self._bounds["memory_bytes"]:
            return "memory"
        if usage.tasks - self._started.overhead > self._bounds["processes"]:
            return "processes"
        if usage.cpu > self._bounds["cpu_seconds"]:
            return "cpu"
        return self._disk_limit_hit(now=False)

    def _limit_seen_late(self) -> str:
        """Return the limit that the program hit, where it ended before anybody looked."""
        number = self._signal()
        if number == signal.SIGXCPU:
            return "cpu"
        if number == signal.SIGXFSZ:
            return "file"
        if number == signal.SIGKILL and self._order["contained"] is not None and contained.ran_out_of_memory():
            return "memory"
        return self._disk_limit_hit(now=True)

    def _disk_limit_hit(self, *, now: bool) -> str:
        if self._started.disk:
            used = disk.of_file_systems(self._started.disk)
        else:
            used = self._folders.used(self._family.members, now=now)
        return "disk" if used > self._bounds["work_bytes"] else ""

    def _drain(self) -> None:
        """Read what is left in the pipes; nobody is alive to write more."""
        until = time.monotonic() + _DRAIN
        while self._reading and time.monotonic() < until:
            self._attend()

    def _signal(self) -> int:
        """Return the number of the signal that killed the program, 0 where none did."""
        code = os.waitstatus_to_exitcode(self._family.ending or 0)
        if self._started.shell_like and 128 < code <= 128 + signal.NSIG:  # PHP ends every error with 255
            return code - 128
        return max(-code, 0)

    def _conclude(self, seconds: float, limit: str, *, is_starved: bool) -> None:
        number = self._signal()
        self.answer = {
            "exit": "" if number else os.waitstatus_to_exitcode(self._family.ending or 0),
            "signal": number or "",
            "seconds": f"{seconds:.6f}",
            "limit": limit,
            "starved": int(is_starved),
            "dropped": sum(outlet.dropped for outlet in self._outlets.values()),
            "shut": 0 if self._started.relay is None else self._started.relay.shut,
            **{name: outlet.text() for name, outlet in self._outlets.items()},
        }


def main() -> None:
    """Take an order from standard input, carry it out, answer on standard output.

    A description of the order's sandbox may come before, as soon as it is known: then it is built by the time that the
    order comes.
    """
    kernel.be_dumpable(yes=False)
    kernel.be_subreaper()
    _allow_many_connections()
    built = None
    try:
        told = marshal.load(sys.stdin.buffer)  # noqa: S302 - the grader, our own program, wrote it
        if "command" in told:
            built = sandbox.Built(told, _own_user())
            told = marshal.load(sys.stdin.buffer)  # noqa: S302 - likewise
    except EOFError:
        return  # there was nothing to do for this one; a sandbox ends with who built it
    order: Order = told
    answer: dict[str, object]
    try:
        keeper = Keeper(order, built)
        keeper.run()
        answer = keeper.answer
    except harness.NotStarted as error:
        answer = {"unstartable": error.args[0], "stderr": str(error.args[1]).encode()}
    except harness.NotConfined as error:
        answer = {"problem": str(error).encode()}
    sys.stdout.buffer.write(_on_paper(answer))
    sys.stdout.buffer.flush()
    os._exit(0)  # there is nothing left to tidy up, and tidying up takes longer than it seems


def _on_paper(answer: dict[str, object]) -> bytes:
    """Return `answer` as lines `name=value`; bytes are told by their number and follow after an empty line."""
    bodies = [value for value in answer.values() if isinstance(value, bytes)]
    lines = [f"{name}={len(value) if isinstance(value, bytes) else value}\n" for name, value in answer.items()]
    return b"".join(["".join(lines).encode(), b"\n", *bodies])


def _own_user() -> OwnUser | None:
    return OwnUser() if kernel.is_root() else None


def _allow_many_connections() -> None:
    ceiling = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 4096 if ceiling == resource.RLIM_INFINITY else min(ceiling, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, ceiling))
