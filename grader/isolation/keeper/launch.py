"""Starts the program straight from here: as a child of this process, confined by Landlock or by its limits alone."""

import os

from grader.isolation.keeper import census, harness, kernel, landlock, seccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.isolation.keeper.order import Order
    from grader.isolation.keeper.relay import Relay
    from grader.isolation.keeper.users import OwnUser


class Started:
    """A running program.

    Attributes:
        pid: of the child of this process that is the program, or stands for it.
        disk: open folders whose file systems are the program's alone; empty where it writes on the machine's disk.
        overhead: how many tasks below this process are not the program's.
        shell_like: the child's exit code is 128 + n where signal n killed the program.
        relay: to the agencies' socket files, in a container.
    """

    def __init__(
        self,
        pid: int,
        *,
        disk: "Sequence[int]" = (),
        overhead: int = 0,
        shell_like: bool = False,
        relay: "Relay | None" = None,
    ) -> None:
        self.pid = pid
        self.disk = disk
        self.overhead = overhead
        self.shell_like = shell_like
        self.relay = relay


def start(order: "Order", user: "OwnUser | None", output: tuple[int, int]) -> Started:
    """Start what is ordered and return when it runs.

    Args:
        order: the run.
        user: whom the program shall be; None for this process' own user.
        output: where its standard output and error go.

    Raises:
        harness.NotConfined: nothing ran.
        harness.NotStarted: nothing of the program ran.
    """
    keeper = os.getpid()
    search = user is not None and not all(map(user.reaches, (*order["read"], order["place"])))
    processes = backstop(order, exact=user is not None)
    told, report = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            harness.take_streams(output)
            _confine(order, None if user is None else user.number, keeper, processes, may_search=search)
        except BaseException as error:  # noqa: BLE001 - a forked child must end here, whatever happens
            harness.tell(report, harness.NOT_CONFINED, error)
            os._exit(1)
        harness.become(order["argv"], order["environment"], report)
    os.close(report)
    with open(told, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        harness.heed(file.read())
    return Started(pid)


def backstop(order: "Order", *, exact: bool) -> int:
    """Return how many tasks the kernel shall let the program's user have.

    Twice the limit, because the kernel only refuses, while the keeper, who looks a few times in the time this takes,
    can say which limit it was. Where the user has other processes, these are counted, too, so they come on top
    (`exact` says that it has none).
    """
    return 2 * order["bounds"]["processes"] + 8 + (0 if exact else census.tasks_of(os.getuid()))


def _confine(order: "Order", user: int | None, keeper: int, processes: int, *, may_search: bool) -> None:
    os.setsid()
    kernel.be_dumpable(yes=True)  # else the next line is refused; this memory holds nothing but the order itself
    harness.stand_back()
    rules = _rules(order)
    os.chdir(order["folder"])
    if user is not None:
        kernel.become(user, may_search=may_search)
    kernel.die_with_parent(keeper)
    harness.limit(order["bounds"], processes)
    kernel.renounce_privileges()
    if rules is not None:
        rules.restrict()
        spare = [*order["spare"], keeper]
        own_user = user is not None
        kernel.install_filter(
            seccomp.without_namespaces(kernel.machine(), landlock=landlock.version(), own_user=own_user, spare=spare)
        )


def _rules(order: "Order") -> landlock.Ruleset | None:
    paths = order["landlock"]
    if paths is None:
        return None
    rules = landlock.Ruleset()
    rules.may_read([*paths["read"], *order["read"]])
    rules.may_change([order["place"]])
    rules.may_use(paths["devices"])
    rules.may_share_memory(paths["shared_memory"])
    rules.may_connect(order["ports"])
    return rules
