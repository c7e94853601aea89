"""The filter of system calls, run here as the kernel would run it: for other processors and older kernels, too."""

import errno
import struct

import pytest

from grader.isolation.keeper import seccomp

ALLOWED = None
KILLED = "killed"
CALLS = {
    "x86_64": {"read": 0, "ptrace": 101, "clone": 56, "clone3": 435, "kill": 62, "socket": 41, "socketpair": 53,
               "chmod": 90, "fchmodat": 268, "truncate": 76, "prlimit64": 302, "sendto": 44, "setxattr": 188},
    "aarch64": {"read": 63, "ptrace": 117, "clone": 220, "clone3": 435, "kill": 129, "socket": 198, "socketpair": 199,
                "fchmodat": 53, "truncate": 45, "prlimit64": 261, "sendto": 206, "setxattr": 5},
}  # fmt: skip


def run(program: bytes, machine: str, call: int, *arguments: int, architecture: int | None = None) -> object:
    """Return the errno that the filter answers, `ALLOWED` or `KILLED`."""
    given = [argument & 0xFFFFFFFFFFFFFFFF for argument in (*arguments, *[0] * 6)][:6]
    data = struct.pack("<IIQ6Q", call, architecture or seccomp.ARCHITECTURES[machine], 0, *given)
    steps = list(struct.iter_unpack("=HBBI", program))
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        elif code == 0x06:
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(value, value & 0xFFFF)
        else:
            tests = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}
            at += if_true if tests[code] else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_everywhere(machine):
    """Ordinary calls pass; tracing, namespaces and what a filter cannot look into do not."""
    program, calls = seccomp.everywhere(machine).finish(), CALLS[machine]
    assert run(program, machine, calls["read"]) is ALLOWED
    assert run(program, machine, calls["socket"], 1, 2, 0) is ALLOWED
    assert run(program, machine, calls["ptrace"]) == errno.EPERM
    assert run(program, machine, calls["clone3"]) == errno.ENOSYS
    assert run(program, machine, calls["clone"], 0x01200011) is ALLOWED
    assert run(program, machine, calls["clone"], 0x10000011) == errno.EPERM
    assert run(program, machine, 470) == errno.ENOSYS
    assert run(program, machine, 0x40000000 + calls["read"]) == errno.ENOSYS
    assert run(program, machine, calls["read"], architecture=0x40000003) is KILLED


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_without_namespaces(machine):
    """Only TCP and unnamed pairs of streams are left of the network, and only itself to be limited."""
    program = seccomp.without_namespaces(machine, landlock=7, own_user=True, spare=[77])
    calls = CALLS[machine]
    assert run(program, machine, calls["socket"], 2, 1 | 0o2000000, 6) is ALLOWED
    assert run(program, machine, calls["socket"], 10, 1, 0) is ALLOWED
    assert run(program, machine, calls["socket"], 2, 2, 0) == errno.EACCES
    assert run(program, machine, calls["socket"], 1, 1, 0) == errno.EACCES
    assert run(program, machine, calls["socket"], 2, 1, 262) == errno.EPROTONOSUPPORT
    assert run(program, machine, calls["socketpair"], 1, 1, 0) is ALLOWED
    assert run(program, machine, calls["socketpair"], 1, 2, 0) == errno.EACCES
    assert run(program, machine, calls["sendto"], 3, 0, 0, 0x20000000) == errno.EPERM
    assert run(program, machine, calls["sendto"], 3, 0, 0, 0x4000) is ALLOWED
    assert run(program, machine, calls["prlimit64"], 0) is ALLOWED
    assert run(program, machine, calls["prlimit64"], 77) == errno.EPERM
    assert run(program, machine, calls["kill"], -1, 9) is ALLOWED
    assert run(program, machine, calls["truncate"]) is ALLOWED
    assert run(program, machine, calls["fchmodat"]) is ALLOWED


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_an_old_kernel_leaves_to_the_filter(machine):
    """Before Landlock knew signals and truncation, the filter spares the grader and refuses to truncate by name."""
    program = seccomp.without_namespaces(machine, landlock=2, own_user=False, spare=[77, 78])
    calls = CALLS[machine]
    assert run(program, machine, calls["kill"], 50, 9) is ALLOWED
    for pid in (77, 78, -77, -1):
        assert run(program, machine, calls["kill"], pid, 9) == errno.EPERM
    assert run(program, machine, calls["truncate"]) == errno.EACCES


def test_modes_seem_to_change_where_the_user_is_everybodys():
    """Where others' files are the same user's, a mode is not changed and no error told; an attribute is refused."""
    shared = seccomp.without_namespaces("x86_64", landlock=7, own_user=False, spare=[])
    assert run(shared, "x86_64", CALLS["x86_64"]["chmod"]) == 0
    assert run(shared, "x86_64", CALLS["x86_64"]["setxattr"]) == errno.ENOTSUP
