"""Where a sandbox's memory lives: of several replicas of a service, at most one is a sandbox's home.

Clock, faults, limits and journal numbers are kept in memory, so only one process may keep them. With one process for
all (`SoleHome`) that is nothing to think about; `replicas.ReplicaHomes` settles it over PostgreSQL.
"""

from typing import Protocol


class ElsewhereError(Exception):
    """This process is not the sandbox's home, so it may neither answer from memory nor write.

    Args:
        address: `host:port` of the home's back door, or None where that is to be found out by asking again.
        is_doubtful: what was asked may have been carried out here all the same, just before.
    """

    def __init__(self, address: str | None, *, is_doubtful: bool = False) -> None:
        super().__init__(address or "the home is not known")
        self.address = address
        self.is_doubtful = is_doubtful


class Memory(Protocol):
    """What a service has in memory of its sandboxes, which can come to an end from outside."""

    def doubt(self) -> None:
        """Serve nothing more from memory before `Homes.claim` has been asked again."""
        ...

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox without writing: the store has gone on without this process."""
        ...


class Homes(Protocol):
    """The homes of one service's sandboxes, as one of its replicas sees them.

    Attributes:
        term: another number after each moment in which all homes were lost.
    """

    term: int

    def watched_by(self, memory: Memory) -> None:
        """Say whose memory depends on these homes."""
        ...

    def elsewhere(self, sandbox: str) -> str | None:
        """Give the address that was told last, without asking, or None where none is known or this is the home."""
        ...

    def mistrust(self, sandbox: str) -> None:
        """Ask again next time: who was told to be the home is not, or does not answer."""
        ...

    async def claim(self, sandbox: str) -> str | None:
        """Make this process the sandbox's home, unless there is one: then give that one's address.

        Raises:
            ElsewhereError: there is a home, whose address cannot be told at this moment; ask again.
            StoreUnavailableError: the store cannot be reached.
        """
        ...

    async def release(self, sandbox: str) -> None:
        """Be its home no more: all that memory knew is in the store."""
        ...

    async def forget(self, sandbox: str) -> None:
        """Be its home no more: it was removed."""
        ...

    async def is_forsaken(self, sandbox: str) -> bool:
        """Say whether nobody is home at a sandbox and has not been for an hour, so that its run cannot go on."""
        ...

    async def reachable(self) -> bool:
        """Say, within two seconds, whether the store answers."""
        ...


class SoleHome(Homes):
    """The one process that serves all of a laptop's sandboxes is home to all of them."""

    term = 0

    def watched_by(self, memory: Memory) -> None:
        """Nothing ends this memory but the process's own end."""

    def elsewhere(self, sandbox: str) -> str | None:
        """There is nobody else."""
        return None

    def mistrust(self, sandbox: str) -> None:
        """There is nobody else."""

    async def claim(self, sandbox: str) -> str | None:
        """There is nobody else."""
        return None

    async def release(self, sandbox: str) -> None:
        """There is nobody else to take it."""

    async def forget(self, sandbox: str) -> None:
        """Nothing is kept of it."""

    async def is_forsaken(self, sandbox: str) -> bool:
        """Whatever ended the lab ended its runs too."""
        return True

    async def reachable(self) -> bool:
        """Files are always there."""
        return True
