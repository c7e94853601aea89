"""The few calls to the Linux kernel that Python has no function for. Importable everywhere, callable on Linux."""

import ctypes
import os
import struct
import sys

LINUX = sys.platform == "linux"

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 2
_CAPSET = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def machine() -> str:
    """Return the processor's name as the kernel gives it, for example `x86_64`."""
    return os.uname().machine


def memory_kills() -> int:
    """Return how many processes the kernel has killed since it started because there was no memory for them."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:  # noqa: PTH123 - as in landlock.py
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def is_root() -> bool:
    """Say whether this process may become another user."""
    return LINUX and os.geteuid() == 0


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by number and return what it answers; `OSError` where that is an error.

    `bytes` are passed by address, numbers as they are.
    """
    if _libc is None:
        raise OSError(0, "not Linux")
    given = [ctypes.c_char_p(a) if a is None or isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    answer: int = _libc.syscall(ctypes.c_long(number), *given)
    return _checked(answer)


def be_dumpable(*, yes: bool) -> None:
    """Let others of the same user read this process' memory and environment, and trace it; or not."""
    _prctl(_PR_SET_DUMPABLE, int(yes))


def be_subreaper() -> None:
    """Become the parent of every descendant that loses its own."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Be killed when the parent, whose process id was `parent`, is gone."""
    _prctl(_PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent:
        os._exit(1)


def renounce_privileges() -> None:
    """Make every set-uid bit and file capability meaningless for this process and what it starts."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: bytes) -> None:
    """Put a seccomp filter, given as an array of `struct sock_filter`, on this process and what it starts."""
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header)


def become(user: int, *, may_search: bool) -> None:
    """Give up root for user and group `user`.

    Args:
        user: the number of the user and of the group; the process is in no other group.
        may_search: keep the one capability to pass through closed folders. It is needed where the interpreter lies in
            root's own closed home; what can be read there is then for Landlock to say.
    """
    os.setgroups([])
    if may_search:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if may_search:
        bit = 1 << _CAP_DAC_READ_SEARCH
        syscall(
            _CAPSET[machine()], struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), struct.pack("=6I", bit, bit, bit, 0, 0, 0)
        )
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH)


def _prctl(option: int, first: int, second: int | bytes = 0) -> None:
    if _libc is None:
        raise OSError(0, "not Linux")
    last = ctypes.c_char_p(second) if isinstance(second, bytes) else ctypes.c_ulong(second)
    zero = ctypes.c_ulong(0)
    _checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(first), last, zero, zero))


def _checked(answer: int) -> int:
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer
