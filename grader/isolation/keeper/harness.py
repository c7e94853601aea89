"""The last steps of a process before it becomes the learner's program: limits on, everything of ours out of reach."""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of; importing that took longer than all the rest
import os

try:
    import resource
except ImportError:  # Windows has none; nothing here is called there
    resource = None  # type: ignore[assignment]  # absent, not another module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from grader.isolation.keeper.order import Bounds

STARTED_BADLY = b"start"
NOT_CONFINED = b"confine"
READY = b"ready"
"""How messages begin: the program cannot be started, it cannot be confined, all is set for it."""


class NotConfined(Exception):  # noqa: N818 - says the fact
    """The confinement could not be made: the lab's fault."""


class NotStarted(Exception):  # noqa: N818 - says the fact
    """The program could not be started inside its confinement; `args` are the error number and its words."""


def limit(bounds: "Bounds", processes: int) -> None:
    """Put the kernel's own limits on this process and on all it starts; they are the backstop of the keeper's watch.

    Args:
        bounds: the limits of the run. Memory is not among the kernel's: it can only limit addresses, of which some
            runtimes reserve hundreds of times what they use.
        processes: how many tasks its user may have, counted as the kernel does.
    """
    seconds = bounds["cpu_seconds"]
    for name, soft, hard in (
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_MSGQUEUE", 0, 0),
        ("RLIMIT_CPU", seconds, seconds + 1),
        ("RLIMIT_FSIZE", bounds["file_bytes"], bounds["file_bytes"]),
        ("RLIMIT_NOFILE", bounds["open_files"], bounds["open_files"]),
        ("RLIMIT_NPROC", processes, processes),
    ):
        number = getattr(resource, name, None)
        if number is not None:
            ceiling = resource.getrlimit(number)[1]
            most = hard if ceiling == resource.RLIM_INFINITY else min(hard, ceiling)
            resource.setrlimit(number, (min(soft, most), most))


def stand_back() -> None:
    """Let others go first to the processors, and be the first to go when the whole machine runs out of memory.

    Others are the services, whose answers the program waits for, and the keeper, who could otherwise not look through
    a crowd of processes.
    """
    os.nice(5)
    try:
        with open("/proc/self/oom_score_adj", "wb") as file:  # noqa: PTH123 - as in landlock.py
            file.write(b"1000")
    except OSError:
        return  # not Linux, or a /proc that is not to be written


def become(argv: list[str], environment: "dict[str, str]", report: int) -> None:
    """Become the program `argv`, with no open file but the standard ones. Comes back never.

    Args:
        argv: the program; the first word is a path.
        environment: the whole of its environment.
        report: a descriptor that closes when the program has started, and is told why where it cannot be.
    """
    try:
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # Python ignores these, and what is ignored stays so
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
        os.umask(0o022)
        os.set_inheritable(report, False)
        os.closerange(3, report)
        os.closerange(report + 1, 1024)
        os.execve(argv[0], argv, environment)  # noqa: S606 - the whole purpose of this process
    except OSError as error:
        tell(report, STARTED_BADLY, error)
    finally:
        os._exit(127)


def tell(report: int, what: bytes, error: BaseException) -> None:
    """Write to `report` that `what` has gone wrong, and how."""
    number = error.errno if isinstance(error, OSError) else 0
    os.write(report, b"%b %d %b: %b" % (what, number or 0, type(error).__name__.encode(), str(error).encode()[:1000]))


def heed(message: bytes) -> None:
    """Raise what `tell` has written at the other end of a report; nothing written means that the program runs."""
    if not message:
        return
    what, number, words = message.split(None, 2)
    if what == STARTED_BADLY:
        raise NotStarted(int(number), words.decode(errors="replace"))
    raise NotConfined(words.decode(errors="replace"))


def take_streams(output: tuple[int, int]) -> None:
    """Make `output` the standard output and error, and an empty file the standard input."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    for number, descriptor in enumerate((nothing, *output)):
        os.dup2(descriptor, number)
