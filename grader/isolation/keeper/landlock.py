"""Landlock: this process, and all it starts, sees only the files and connects only to the ports it is given.

By system call, because the calls are three and no library is needed. What the running kernel does not know yet is left
out (`version` says which), as the kernel's documentation asks for: https://docs.kernel.org/userspace-api/landlock.html
"""

import os
import struct

from grader.isolation.keeper import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NETWORK_SINCE = 4
SIGNALS_SINCE = 6
"""Versions of the interface from which TCP ports, and signals and abstract sockets, are covered."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REG = 1 << 5, 1 << 8
_MAKE_DEVICES = 1 << 6 | 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_VERSION = (1 << 13) - 1
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1 << 0, 1 << 1

_READING = _EXECUTE | _READ_FILE | _READ_DIR
_SHARED_MEMORY = _READ_FILE | _WRITE_FILE | _MAKE_REG | _REMOVE_FILE | _TRUNCATE  # not listed, so not found by others


def version() -> int:
    """Return the version of Landlock's interface; 0 where the kernel has none or it is switched off."""
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


class Ruleset:
    """What will be allowed. Paths are opened when they are named, so name them while they can still be reached."""

    def __init__(self) -> None:
        """Begin with nothing allowed; `OSError` where the kernel has no Landlock."""
        self._version = version()
        self._handled = self._known(_FIRST_VERSION | _REFER | _TRUNCATE | _IOCTL_DEV)
        network = _BIND_TCP | _CONNECT_TCP if self._version >= NETWORK_SINCE else 0
        scoped = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if self._version >= SIGNALS_SINCE else 0
        attributes = struct.pack("=QQQ", self._handled, network, scoped)
        size = 8 if self._version < NETWORK_SINCE else 16 if self._version < SIGNALS_SINCE else 24
        self._ruleset = kernel.syscall(_CREATE_RULESET, attributes[:size], size, 0)

    def may_read(self, paths: "Sequence[str]") -> None:
        """Allow reading and executing in `paths`; those that are not there are passed over."""
        self._beneath(paths, _READING)

    def may_change(self, paths: "Sequence[str]") -> None:
        """Allow everything in `paths` but making devices."""
        self._beneath(paths, _FIRST_VERSION & ~_MAKE_DEVICES | _REFER | _TRUNCATE)

    def may_use(self, devices: "Sequence[str]") -> None:
        """Allow reading and writing of `devices`, which are files that are there already."""
        self._beneath(devices, _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV)

    def may_share_memory(self, folder: str) -> None:
        """Allow making, using and removing files of a known name in `folder`, but not looking what is in it."""
        self._beneath([folder], _SHARED_MEMORY)

    def may_connect(self, ports: "Sequence[int]") -> None:
        """Allow TCP connections to `ports`; does nothing where the kernel cannot tell ports apart."""
        if self._version >= NETWORK_SINCE:
            for port in ports:
                kernel.syscall(_ADD_RULE, self._ruleset, _NET_PORT, struct.pack("=QQ", _CONNECT_TCP, port), 0)

    def restrict(self) -> None:
        """Put the rules on the calling process, for good. It must have renounced privileges."""
        kernel.syscall(_RESTRICT_SELF, self._ruleset, 0)
        os.close(self._ruleset)

    def _beneath(self, paths: "Sequence[str]", allowed: int) -> None:
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                within = self._known(allowed if os.path.isdir(path) else allowed & _ON_FILES)  # noqa: PTH112 - no pathlib: its import costs as much as the whole start
                rule = struct.pack("=Qi", within, descriptor)
                kernel.syscall(_ADD_RULE, self._ruleset, _PATH_BENEATH, rule, 0)
            finally:
                os.close(descriptor)

    def _known(self, access: int) -> int:
        """Return the part of `access` that this kernel has a word for."""
        unknown = (_REFER if self._version < 2 else 0) | (_TRUNCATE if self._version < 3 else 0)
        return access & ~unknown & ~(_IOCTL_DEV if self._version < 5 else 0)
