"""The connections of one process to PostgreSQL: few, whatever the number of sandboxes, and healed when they break.

They serve any sandbox, and prefer the one that they served last, whose statements they have prepared. A statement names
the sandbox's schema itself, so no connection can stand on another city by mistake.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.string import TextLoader

from services.kit.store import StoreUnavailableError

_log = logging.getLogger(__name__)
_Done = TypeVar("_Done")

PATIENCE_SECONDS = 20.0
"""How long a call waits for a database that is away, such as one that is being restarted."""
LARGE = 6
"""How many times as long the lab waits for what it asks of a whole sandbox, such as to make a large one."""
CONNECT_SECONDS = 5
MOST_CITIES = 250
"""Sandboxes that a connection has seen when it is replaced: the server's end of it never forgets their tables."""
MOST_PREPARED = 200

_ENDINGS = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
    psycopg.errors.ConnectionException,
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_SETTINGS: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
    "options": (
        # A city fits into memory, where a row found by index costs no more than the next one.
        "-c client_min_messages=warning -c random_page_cost=1 "
        # The server's end looks, too: what a lost machine had begun would hold its sandboxes for hours.
        "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 -c tcp_user_timeout=12000"
    ),
}


class BrokenError(Exception):
    """The connection broke, or none could be made; what was going on in it may be tried again."""


class _WholeLoader(Loader):
    """Sums of whole numbers are whole numbers, however large PostgreSQL thinks that they might become."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


class Line:
    """One open connection."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self.cursor = AsyncRawCursor(connection)
        self.cities: set[str] = set()
        self.city = ""

    @property
    def is_idle(self) -> bool:
        """Whether it is in order, and in no transaction."""
        return self.connection.info.transaction_status == TransactionStatus.IDLE

    def is_broken_by(self, error: psycopg.Error) -> bool:
        """Say whether nothing can be done with it any more; the server's last word comes before it hangs up."""
        return self.connection.closed or isinstance(error, _ENDINGS)

    async def rows(self, sql: str, values: Sequence[object] = (), *, binary: bool = False) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows."""
        await self.cursor.execute(sql, values, binary=binary)
        return await self.cursor.fetchall()

    async def run(self, sql: str, values: Sequence[object] | None = None) -> int:
        """Run a statement, or without values several at once; give the number of rows that (the first) touched."""
        await self.cursor.execute(sql, values, prepare=False if values is None else None)
        return self.cursor.rowcount

    async def value_after(self, sql: str) -> Any:  # noqa: ANN401 - a column of any type
        """Run several statements at once; give the first column of the last one's first row, or None."""
        await self.cursor.execute(sql)
        while self.cursor.nextset():
            pass
        row = await self.cursor.fetchone()
        return None if row is None else row[0]

    async def run_for_each(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Run a statement once for each row of values, sent together; give the number of rows touched in all."""
        await self.cursor.executemany(sql, rows)
        return self.cursor.rowcount

    async def roll_back(self, *, clean: bool = False) -> None:
        """End a transaction without a trace, if one is open; hanging up, which ends a broken line, does the same.

        Args:
            clean: it has changed nothing. The driver lets go of all prepared statements at a rollback, and need not
                where a commit does the same.
        """
        if self.connection.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
            await self.run("COMMIT" if clean else "ROLLBACK")

    async def close(self) -> None:
        """Hang up."""
        await self.connection.close()


class Connections:
    """The connections of one process, shared by all its services; `share` for each that will `close` them.

    Args:
        conninfo: where the database is, who asks and the password, as libpq takes it (or a URL).
        most: how many there are at most. One of them is kept for what is asked in the midst of a transaction of
            another one, so that those can never wait for one another.
        patience: seconds that a call waits.
    """

    def __init__(self, conninfo: str, most: int = 8, patience: float = PATIENCE_SECONDS) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._users = 0
        self._is_away = False
        self._idle: list[Line] = []
        self._gates = {False: asyncio.Semaphore(max(most - 1, 1)), True: asyncio.Semaphore(1)}

    def share(self) -> "Connections":
        """Count one more who uses them."""
        self._users += 1
        return self

    async def close(self) -> None:
        """Count one less; the last one hangs up."""
        self._users -= 1
        if self._users <= 0:
            await self._hang_up()

    async def _hang_up(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _lent(self, city: str, *, aside: bool) -> AsyncIterator[Line]:
        async with self._gates[aside]:
            line = self._taken(city) or await self._connected()
            line.city = city
            line.cities.add(city)
            try:
                yield line
            except psycopg.Error as error:
                if not line.is_broken_by(error):
                    raise
                # What broke this one has most likely broken them all.
                await line.close()
                await self._hang_up()
                raise BrokenError(str(error)) from error
            finally:
                if line.is_idle and len(line.cities) <= MOST_CITIES:
                    self._idle.append(line)
                else:
                    await line.close()

    def _taken(self, city: str) -> Line | None:
        """Take an idle line, the one that served this city last if there is one, else the one that rested longest."""
        for place, line in enumerate(self._idle):
            if line.city == city:
                return self._idle.pop(place)
        return self._idle.pop(0) if self._idle else None

    async def _connected(self) -> Line:
        try:
            connection = await AsyncConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS, **_SETTINGS
            )
        except psycopg.OperationalError as error:
            raise BrokenError(str(error)) from error
        connection.prepared_max = MOST_PREPARED
        connection.adapters.register_loader("json", TextLoader)
        connection.adapters.register_loader("numeric", _WholeLoader)
        return Line(connection)

    def _is_away_because(self, reason: str) -> None:
        """Log, once for all calls that notice, that the database is away."""
        if not self._is_away:
            self._is_away = True
            _log.warning("PostgreSQL cannot be reached, trying again: %s", reason)

    def _is_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("PostgreSQL answers again")

    def deadline(self) -> float:
        """Give the moment, by the event loop's clock, until which a call that comes now waits."""
        return asyncio.get_running_loop().time() + self._patience

    async def patiently(
        self,
        city: str,
        work: Callable[[Line], Awaitable[_Done]],
        *,
        aside: bool = False,
        large: bool = False,
        until: float | None = None,
    ) -> _Done:
        """Do something on a connection; from its beginning on another one, where it breaks.

        Args:
            city: the sandbox that it is about.
            aside: whether the asker holds a connection already.
            large: whether it is about the whole sandbox, which may take longer.
            until: the `deadline` of a call that has waited before.

        Raises:
            StoreUnavailableError: they were not enough.
        """
        patience = self._patience * LARGE if large else self._patience
        pause = _FIRST_PAUSE
        reason = "all connections are in use"
        try:
            async with asyncio.timeout_at(until) if until is not None else asyncio.timeout(patience) as timer:
                while True:
                    try:
                        async with self._lent(city, aside=aside) as line:
                            done = await work(line)
                            self._is_back()
                            return done
                    except BrokenError as error:
                        reason = " ".join(str(error).split())
                        self._is_away_because(reason)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except TimeoutError as error:
            if not timer.expired():
                raise
            _log.error("PostgreSQL could not be reached for %.0f seconds: %s", patience, reason)
            raise StoreUnavailableError from error
