"""Homes among replicas: a session's advisory lock in PostgreSQL says who is home, a row says where.

    lab_<service>.homes   sandbox, address (`host:port` of the home's back door; null: released in order),
                          instance (which process), claimed_at

The lock ends with the process that holds it, however that ends, so the replica that is asked next can take over. Who
takes over changes the store's mark of the sandbox (`postgresql_database`), which waits for the transaction that runs
and lets no other one of the home before be committed.

All locks of a process are held by one connection, its line. When the line breaks, all memory is in doubt; a sandbox
that nobody else took meanwhile goes on as it was once it is claimed again.
"""

import asyncio
import hashlib
import logging
import os
import secrets
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, sql

from services.kit.homes import ElsewhereError, Homes, Memory
from services.kit.store import StoreUnavailableError

_log = logging.getLogger(__name__)

PATIENCE_SECONDS = 25.0
"""How long a call waits for a database that is away, such as one that is being restarted."""

FORSAKEN = "1 hour"
REACHABLE_SECONDS = 2.0
CONNECT_SECONDS = 5
ROW_LOCK_TIMEOUT = "1s"
"""How long a claim waits for the last transactions of the home before."""

MOST_KNOWN = 10_000
"""Homes of others that are remembered: a mistake is noticed when they are asked."""

KEEPALIVES: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
    # The same from the server's side: the locks of a machine that is lost are free after a quarter of a minute.
    "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3",
}
"""How soon both ends of a connection notice that the other machine is gone."""

_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError)
_Done = TypeVar("_Done")


class LockLine:
    """The connection on which a process holds its locks.

    Args:
        conninfo: where the database is, its password included.
        instance: the random word by which this process is known.

    Attributes:
        host: the address of this machine on the network where the database is.
        trouble: why the database could not be reached when it last could not.
    """

    def __init__(self, conninfo: str, instance: str) -> None:
        self.instance = instance
        self._conninfo = conninfo
        self._lock = asyncio.Lock()
        self._connection: AsyncConnection[Any] | None = None
        self._pid = 0
        self._watched = -1
        self._checking: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[bool] | None = None
        self._broken: list[Callable[[], None]] = []
        self.host = ""
        self.trouble = "it does not answer in time"

    def on_break(self, told: Callable[[], None]) -> None:
        """Have a function called each time when the line breaks, and all locks with it."""
        self._broken.append(told)

    async def run(
        self, work: Callable[[AsyncConnection[Any]], Awaitable[_Done]], patience: float = PATIENCE_SECONDS
    ) -> _Done:
        """Do something on the line; once more, from its beginning, on a new one where it breaks.

        Args:
            patience: seconds to wait for a database that is away.

        Raises:
            StoreUnavailableError: it stayed away.
        """
        pause = 0.05
        try:
            async with asyncio.timeout(patience) as timer:
                while True:
                    try:
                        async with self._lock:
                            return await work(await self._connected())
                    except _BROKEN as error:
                        self.trouble = " ".join(str(error).split())
                        self._breaks(self.trouble)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise StoreUnavailableError from error

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None:
            connection = await AsyncConnection.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name=f"lab-homes-{self.instance}",
                **KEEPALIVES,
            )
            try:
                await connection.execute(f"SET lock_timeout = '{ROW_LOCK_TIMEOUT}'")
                await self._end_former(connection)
                self._watch(connection)
            except BaseException:
                await connection.close()
                raise
        return self._connection or connection

    async def _end_former(self, connection: AsyncConnection[Any]) -> None:
        """End the session before, of which the server may not know yet that it is over: it holds our locks."""
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE pid = %s AND application_name = %s",
            [self._pid, f"lab-homes-{self.instance}"],
        )
        self._pid = connection.info.backend_pid

    def _watch(self, connection: AsyncConnection[Any]) -> None:
        """Look at the line while nothing is done on it: a server that ends it says so at once."""
        self._connection = connection
        self._watched = os.dup(connection.fileno())
        with socket.socket(fileno=os.dup(self._watched)) as line:
            self.host = line.getsockname()[0] if line.family == socket.AF_INET else "127.0.0.1"
        asyncio.get_running_loop().add_reader(self._watched, self._stirred)

    def _stirred(self) -> None:
        if not self._lock.locked() and (self._checking is None or self._checking.done()):
            self._checking = asyncio.get_running_loop().create_task(self._check())

    async def _check(self) -> None:
        async with self._lock:
            if self._connection is None:
                return
            try:
                await self._connection.execute("SELECT 1")
            except _BROKEN as error:
                self._breaks(" ".join(str(error).split()))

    def _breaks(self, why: str) -> None:
        if self._connection is None:
            return
        _log.warning("the connection that holds the homes' locks broke: %s", why)
        self._let_go()
        for told in self._broken:
            told()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            asyncio.get_running_loop().remove_reader(self._watched)
            os.close(self._watched)
            connection.pgconn.finish()

    async def reachable(self) -> bool:
        """Say, within two seconds, whether the database answers.

        A question that takes longer goes on, for to break it off would break the line, and all homes with it.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked())
        answered, _waiting = await asyncio.wait({self._asking}, timeout=REACHABLE_SECONDS)
        return any(task.result() for task in answered)

    async def _asked(self) -> bool:
        async def asked(connection: AsyncConnection[Any]) -> object:
            return await _value(connection, "SELECT 1")

        try:
            await self.run(asked)
        except StoreUnavailableError:
            return False
        return True

    async def close(self) -> None:
        """Let go of the line and of all locks."""
        for task in (self._checking, self._asking):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._let_go()


class ReplicaHomes(Homes):
    """One service's homes, over a line that the services of a process share.

    Args:
        port: TCP port of this process's back door of the service.
    """

    def __init__(self, line: LockLine, service: str, port: int) -> None:
        self._line = line
        self._service = service
        self._port = port
        self._memory: Memory | None = None
        self._mine: set[str] = set()
        self._elsewhere: OrderedDict[str, str] = OrderedDict()
        self._ready = False
        self.term = 0
        self._table = sql.Identifier(f"lab_{service}", "homes")
        self._ledger = sql.Identifier(f"lab_{service}", "sandboxes")
        line.on_break(self._lost)

    @property
    def _address(self) -> str:
        return f"{self._line.host}:{self._port}"

    def watched_by(self, memory: Memory) -> None:
        """Say whose memory depends on these homes."""
        self._memory = memory

    def _lost(self) -> None:
        self.term += 1
        self._mine.clear()
        self._elsewhere.clear()
        if self._memory is not None:
            self._memory.doubt()

    def _key(self, sandbox: str) -> int:
        digest = hashlib.blake2b(f"home/{self._service}/{sandbox}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def elsewhere(self, sandbox: str) -> str | None:
        """Give the address that was told last, without asking."""
        return self._elsewhere.get(sandbox)

    def mistrust(self, sandbox: str) -> None:
        """Ask again next time."""
        self._elsewhere.pop(sandbox, None)

    async def claim(self, sandbox: str) -> str | None:
        """Make this process the sandbox's home, unless there is one: then give that one's address."""
        if sandbox in self._mine:
            return None

        async def taken(connection: AsyncConnection[Any]) -> str | None:
            await self._made_ready(connection)
            if not await _value(connection, "SELECT pg_try_advisory_lock(%s)", self._key(sandbox)):
                return await self._taken_by(connection, sandbox)
            if not await self._moved_in(connection, sandbox):
                await _value(connection, "SELECT pg_advisory_unlock(%s)", self._key(sandbox))
                raise ElsewhereError(None)
            self._mine.add(sandbox)
            self._elsewhere.pop(sandbox, None)
            return None

        return await self._line.run(taken)

    async def _taken_by(self, connection: AsyncConnection[Any], sandbox: str) -> str:
        query = sql.SQL("SELECT address FROM {} WHERE sandbox = %s").format(self._table)
        address = await _value(connection, query, sandbox)
        if address is None or address == self._address:
            # Its home is just moving in, or was this very process, on a line whose end the server does not know yet.
            raise ElsewhereError(None)
        self._elsewhere[sandbox] = address
        if len(self._elsewhere) > MOST_KNOWN:
            self._elsewhere.popitem(last=False)
        return str(address)

    async def _moved_in(self, connection: AsyncConnection[Any], sandbox: str) -> bool:
        """Take a sandbox over from who was home before; False where a transaction of theirs still runs."""
        query = sql.SQL("SELECT instance FROM {} WHERE sandbox = %s").format(self._table)
        if await _value(connection, query, sandbox) != self._line.instance:
            try:
                marking = sql.SQL("UPDATE {} SET mark = %s WHERE id = %s").format(self._ledger)
                await connection.execute(marking, [secrets.randbits(62), sandbox])
            except psycopg.errors.LockNotAvailable:
                return False
            except psycopg.errors.UndefinedTable:
                """There is no sandbox yet."""
            if self._memory is not None:
                self._memory.drop(sandbox)
        await self._entered(connection, sandbox)
        return True

    async def _entered(self, connection: AsyncConnection[Any], sandbox: str) -> None:
        statement = sql.SQL(
            "INSERT INTO {} AS homes (sandbox, address, instance) VALUES (%s, %s, %s) ON CONFLICT (sandbox) DO UPDATE "
            "SET address = excluded.address, instance = excluded.instance, claimed_at = excluded.claimed_at"
        ).format(self._table)
        await connection.execute(statement, [sandbox, self._address, self._line.instance])

    async def _made_ready(self, connection: AsyncConnection[Any]) -> None:
        """Make the table, once; several replicas may want to at the same moment."""
        if self._ready:
            return
        async with connection.transaction():
            # The lock under which the store makes its tables in the same schema.
            await _value(connection, "SELECT pg_advisory_xact_lock(hashtext(%s))", f"lab_{self._service}")
            schema = sql.Identifier(f"lab_{self._service}")
            await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            await connection.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {} (sandbox text PRIMARY KEY, address text, instance text NOT NULL, "
                    "claimed_at timestamptz NOT NULL DEFAULT now())"
                ).format(self._table)
            )
        self._ready = True

    async def release(self, sandbox: str) -> None:
        """Be its home no more: all that memory knew is in the store."""
        await self._leave(sandbox, sql.SQL("UPDATE {} SET address = NULL WHERE sandbox = %s AND instance = %s"))

    async def forget(self, sandbox: str) -> None:
        """Be its home no more: it was removed."""
        await self._leave(sandbox, sql.SQL("DELETE FROM {} WHERE sandbox = %s AND instance = %s"))

    async def _leave(self, sandbox: str, statement: sql.SQL) -> None:
        async def left(connection: AsyncConnection[Any]) -> None:
            if sandbox not in self._mine:
                return
            self._mine.discard(sandbox)
            await connection.execute(statement.format(self._table), [sandbox, self._line.instance])
            await _value(connection, "SELECT pg_advisory_unlock(%s)", self._key(sandbox))

        if sandbox in self._mine:
            await self._line.run(left)

    async def is_forsaken(self, sandbox: str) -> bool:
        """Say whether nobody is home at a sandbox and has not been for an hour; then this process is its home now."""
        query = sql.SQL("SELECT claimed_at < now() - %s::interval FROM {} WHERE sandbox = %s")

        async def old(connection: AsyncConnection[Any]) -> bool:
            await self._made_ready(connection)
            return bool(await _value(connection, query.format(self._table), FORSAKEN, sandbox))

        try:
            return await self._line.run(old) and await self.claim(sandbox) is None
        except ElsewhereError:
            return False

    async def reachable(self) -> bool:
        """Say, within two seconds, whether the store answers."""
        return await self._line.reachable()


async def _value(connection: AsyncConnection[Any], query: Any, *values: object) -> Any:  # noqa: ANN401 - any column
    row = await (await connection.execute(query, values)).fetchone()
    return None if row is None else row[0]
