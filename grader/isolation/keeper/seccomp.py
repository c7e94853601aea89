"""The seccomp filter of a learner's program: system calls that no exercise needs and that lead out of a sandbox.

A list of what is refused, not of what is allowed, because programs in any language must run; calls newer than the
newest one known here do not exist for the program, so that a new kernel opens no new door. A refusal looks like what a
program meets on an old or a strict machine (`ENOSYS`, `EPERM`, `EACCES`), for which runtimes have a second way.

The table of numbers is from the kernel's own headers (asm/unistd_64.h and asm-generic/unistd.h). Pure: it only builds
bytes, and can be read and tested anywhere.
"""

import errno
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Processors for which the filter can be built, and the kernel's number for each."""

_NEWEST = 469  # file_setattr, Linux 6.17
_COLUMN = {"x86_64": 0, "aarch64": 1}

_LEADING_OUT: dict[str, tuple[int | None, int | None]] = {
    # other processes' memory and files
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # parts of the kernel that are attacked more than used
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "lookup_dcookie": (212, 18),
    "fanotify_init": (300, 262),
    # namespaces and mounts: a way to get rights inside a world of one's own
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # the machine
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "nfsservctl": (180, 42),
    "vhangup": (153, 58),
}

_UNACCOUNTED: dict[str, tuple[int | None, int | None]] = {
    # memory that belongs to no process, or that outlives them all; and ways around the checks on ordinary calls
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot look; the C library then uses clone
}

_CLONE = (56, 220)
_CLONE_NEW_NAMESPACES = 0x7E020000

_SOCKET, _SOCKETPAIR, _LISTEN = (41, 198), (53, 199), (50, 201)
_SENDTO, _SENDMSG, _SENDMMSG = (44, 206), (46, 211), (307, 269)
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_TYPE_MASK = 1, 5, 0xF
_IPPROTO_TCP = 6
_MSG_FASTOPEN = 0x20000000

_SIGNALS_TO = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138)}
_SIGNALS_BY_DESCRIPTOR = {"pidfd_send_signal": (424, 424), "rt_tgsigqueueinfo": (297, 240)}

# Who may be named by number in these can be slowed or stopped; 0 is the caller itself.
_OTHERS_FIRST = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
_OTHERS_SECOND = {"setpriority": (141, 140), "ioprio_set": (251, 30)}

_WHOLE_USER = {"setpriority": 2, "ioprio_set": 3}

_MODES = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
_ATTRIBUTES = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_TRUNCATE = (76, 45)
_PRCTL, _PR_SET_DUMPABLE = (157, 167), 4
_INOTIFY_ADD_WATCH = (254, 27)

# struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


class Filter:
    """A seccomp program under construction: rules are tried in the order given, what none refuses is allowed."""

    def __init__(self, machine: str) -> None:
        """Begin a filter for `machine`, a key of `ARCHITECTURES`."""
        self._column = _COLUMN[machine]
        self._code = [
            _op(_LOAD, _ARCHITECTURE),
            _op(_EQUAL, ARCHITECTURES[machine], 1, 0),
            _op(_RETURN, _KILL),  # 32-bit calls have other numbers: nobody needs them here
            _op(_LOAD, _NUMBER),
            _op(_AT_LEAST, _NEWEST + 1, 0, 1),  # with this the x32 numbers are refused, too
            _op(_RETURN, _ERROR | errno.ENOSYS),
        ]

    def refuse(self, calls: "Iterable[tuple[int | None, int | None]]", error: int) -> None:
        """Refuse `calls` with `error`; 0 makes them do nothing and seem to work."""
        for call in calls:
            self._rule(call, [_op(_RETURN, _ERROR | error)])

    def refuse_bits(self, call: tuple[int, int], argument: int, bits: int, error: int) -> None:
        """Refuse `call` where any of `bits` is set in its argument number `argument`."""
        self._rule(call, [_argument(argument), _op(_ANY_BIT, bits, 0, 1), _op(_RETURN, _ERROR | error)])

    def refuse_values(self, call: tuple[int, int], argument: int, values: "Sequence[int]", error: int) -> None:
        """Refuse `call` where its argument is one of `values` (as 32 bits, so that -1 means what it says)."""
        tests = [
            step for value in values for step in (_op(_EQUAL, value & 0xFFFFFFFF, 0, 1), _op(_RETURN, _ERROR | error))
        ]
        self._rule(call, [_argument(argument), *tests])

    def refuse_unless(
        self, call: tuple[int, int], argument: int, values: "Sequence[int]", error: int, *, mask: int = 0xFFFFFFFF
    ) -> None:
        """Refuse `call` where its argument, under `mask`, is none of `values`."""
        after = len(values)
        tests = [_op(_EQUAL, value, after - index, 0) for index, value in enumerate(values)]
        self._rule(call, [_argument(argument), _op(_AND, mask), *tests, _op(_RETURN, _ERROR | error)])

    def finish(self) -> bytes:
        """Return the whole as an array of `struct sock_filter`."""
        return b"".join([*self._code, _op(_RETURN, _ALLOW)])

    def _rule(self, call: tuple[int | None, int | None], body: list[bytes]) -> None:
        number = call[self._column]
        if number is not None:
            self._code += [_op(_LOAD, _NUMBER), _op(_EQUAL, number, 0, len(body)), *body]


def everywhere(machine: str) -> Filter:
    """Return the filter that serves on every rung which has one."""
    made = Filter(machine)
    made.refuse(_LEADING_OUT.values(), errno.EPERM)
    made.refuse(_UNACCOUNTED.values(), errno.ENOSYS)
    made.refuse_bits(_CLONE, 0, _CLONE_NEW_NAMESPACES, errno.EPERM)
    return made


def without_namespaces(machine: str, *, landlock: int, own_user: bool, spare: "Sequence[int]") -> bytes:
    """Return the filter for a program that shares network, users and processes with everybody (the Landlock rung).

    Args:
        machine: a key of `ARCHITECTURES`.
        landlock: version of the Landlock interface; what it does not cover yet is refused here.
        own_user: the program runs as a user of its own, whom nobody else's file or process belongs to.
        spare: process ids that must not be signalled, where Landlock cannot see to it.
    """
    made = everywhere(machine)
    _only_tcp_out(made)
    made.refuse_values(_PRCTL, 0, [_PR_SET_DUMPABLE], 0)  # who makes itself unreadable hides what it uses
    made.refuse([_INOTIFY_ADD_WATCH], errno.EACCES)  # would tell the names of files elsewhere
    for call in _OTHERS_FIRST.values():
        made.refuse_unless(call, 0, [0], errno.EPERM)
    for call in _OTHERS_SECOND.values():
        made.refuse_unless(call, 1, [0], errno.EPERM)
    if landlock < 3:
        made.refuse([_TRUNCATE], errno.EACCES)
    if landlock < 6:
        made.refuse(_SIGNALS_BY_DESCRIPTOR.values(), errno.EPERM)
        for call in _SIGNALS_TO.values():
            made.refuse_values(call, 0, [-1, *spare, *(-pid for pid in spare)], errno.EPERM)
    # Landlock does not cover a file's mode, owner, times and attributes, and the filter cannot see whose file it is.
    made.refuse(_ATTRIBUTES.values(), errno.ENOTSUP)
    if not own_user:
        made.refuse(_MODES.values(), 0)  # they seem to work, because copying a file sets them and has to go on working
    return made.finish()


def in_container(machine: str) -> bytes:
    """Return the filter for a program in a container of its own, whose first process is the keeper, of the same user.

    The keeper's number is 1 there. Signals that it does not handle cannot reach it, but it could be slowed or limited.
    Named sockets would lead to the agencies past the relay, and so past the number of connections that it allows.

    Args:
        machine: a key of `ARCHITECTURES`.
    """
    made = everywhere(machine)
    made.refuse_values(_SOCKET, 0, [_AF_UNIX], errno.EACCES)
    made.refuse_unless(_SOCKETPAIR, 1, [_SOCK_STREAM, _SOCK_SEQPACKET], errno.EACCES, mask=_SOCK_TYPE_MASK)
    for call in (*_OTHERS_FIRST.values(), *_SIGNALS_TO.values()):
        made.refuse_values(call, 0, [1], errno.EPERM)
    for name, call in _OTHERS_SECOND.items():
        made.refuse_values(call, 1, [1], errno.EPERM)
        made.refuse_values(call, 0, [_WHOLE_USER[name]], errno.EPERM)  # the keeper is one of that user's processes
    return made.finish()


def _only_tcp_out(made: Filter) -> None:
    """Leave TCP connections (whose ports are Landlock's affair) and unnamed pairs, which event loops are built on."""
    made.refuse_unless(_SOCKET, 0, [_AF_INET, _AF_INET6], errno.EACCES)
    made.refuse_unless(_SOCKET, 1, [_SOCK_STREAM], errno.EACCES, mask=_SOCK_TYPE_MASK)
    made.refuse_unless(_SOCKET, 2, [0, _IPPROTO_TCP], errno.EPROTONOSUPPORT)  # MPTCP and SCTP pass Landlock by
    made.refuse_unless(_SOCKETPAIR, 0, [_AF_UNIX], errno.EACCES)
    # a pair of datagram sockets could be pointed at any socket file
    made.refuse_unless(_SOCKETPAIR, 1, [_SOCK_STREAM, _SOCK_SEQPACKET], errno.EACCES, mask=_SOCK_TYPE_MASK)
    made.refuse([_LISTEN], errno.EACCES)  # binds by itself where nothing is bound yet
    for call, flags in ((_SENDTO, 3), (_SENDMSG, 2), (_SENDMMSG, 3)):
        made.refuse_bits(call, flags, _MSG_FASTOPEN, errno.EPERM)  # connects without the call to connect


def _argument(index: int) -> bytes:
    """Load the lower half of an argument; both processors here are little-endian, and these arguments are ints."""
    return _op(_LOAD, _ARGUMENTS + 8 * index)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
