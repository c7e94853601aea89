"""What makes a process one of several replicas: the database they share, the line that holds its homes, the others.

Nothing here is imported where one process serves a whole laptop.
"""

import asyncio
import logging
from concurrent.futures import Executor

from psycopg.conninfo import make_conninfo
from sqlalchemy import MetaData

from services.kit.peers import Peers
from services.kit.postgresql import PostgreSqlStore
from services.kit.postgresql_connections import Connections
from services.kit.replicas import LockLine, ReplicaHomes
from services.kit.service import Shared
from services.kit.settings import Database
from services.kit.store import Store

_log = logging.getLogger(__name__)

LOOKING_SECONDS = 1.0
"""How often a database that is not there yet is looked for."""


class Replication:
    """One process among replicas.

    Args:
        database: what they share.
        token: what opens their back doors.
        instance: a random word by which this process is known.
        worker: one thread for generating and copying.
    """

    def __init__(self, database: Database, token: str, instance: str, worker: Executor) -> None:
        password = {} if database.password is None else {"password": database.password}
        conninfo = make_conninfo(database.url, **password)
        self._worker = worker
        self._connections = Connections(conninfo, database.connections).share()
        self._line = LockLine(conninfo, instance)
        self._peers = Peers(token)
        self._instance = instance

    def shared(self, service: str, port: int) -> Shared:
        """Give what a service of this process shares with its replicas.

        Args:
            port: TCP port of its back door.
        """

        def store(tables: MetaData) -> Store:
            return PostgreSqlStore(self._connections, service, tables, self._worker)

        return Shared(store, ReplicaHomes(self._line, service, port), self._peers, self._instance)

    async def stand(self) -> None:
        """Wait until the database is there, however long that takes."""
        told = ""
        while not await self._line.reachable():
            if told != self._line.trouble:
                told = self._line.trouble
                _log.warning("waiting for PostgreSQL: %s", told)
            await asyncio.sleep(LOOKING_SECONDS)
        if told:
            _log.info("PostgreSQL answers")

    async def close(self) -> None:
        """Hang up: all homes of this process are free."""
        await self._line.close()
        await self._peers.close()
        await self._connections.close()
