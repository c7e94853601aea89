"""The store of a server: PostgreSQL, one database for all services and sandboxes.

    lab_<service>.sandboxes   one row for each sandbox that there is: its specification, the mark of its last write, the
                              image that its state was last equal to, since when, and the tables written since
    lab_<service>.images      images, part by part, as COPY reads them; `initial` is the seeded city
    <service>_<sandbox>       a schema with the present state

Whatever is made or put back is one transaction, so nothing is ever there by half. A reset puts back the tables that
were written, or all of them where the state comes from another image. What was staged is known in memory only: a
process that ends between the two phases of a reset has not reset anything.

The layout's number is the comment on the schema `lab_<service>`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import psycopg
from sqlalchemy import MetaData

from services.kit.layout import LAYOUT
from services.kit.postgresql_connections import Connections, Line
from services.kit.postgresql_database import PostgreSqlDatabase, beginning
from services.kit.postgresql_dialect import Definitions
from services.kit.postgresql_images import Part, drawn, fill, seeded
from services.kit.store import INITIAL, Database, ExistsError, Seed, Store
from services.kit.tables import KIT

_Done = TypeVar("_Done")

_NAMES = "SELECT id FROM {lab}.sandboxes ORDER BY id"
_SPEC = "SELECT spec FROM {lab}.sandboxes WHERE id = $1"
_MARK = "SELECT mark FROM {lab}.sandboxes WHERE id = $1"
_OPENED = "SELECT began, mark, touched FROM {lab}.sandboxes WHERE id = $1"
_STATE = "SELECT base, touched FROM {lab}.sandboxes WHERE id = $1 FOR UPDATE"
_ENTER = "INSERT INTO {lab}.sandboxes (id, spec, durable, began, mark, base) VALUES ($1, $2, $3, $4, $5, $6)"
_STRIKE = "DELETE FROM {lab}.sandboxes WHERE id = $1"
_PUT_BACK = "UPDATE {lab}.sandboxes SET began = $1, mark = $2, base = $3, touched = '{{}}' WHERE id = $4"
_IMAGES = "SELECT DISTINCT name FROM {lab}.images WHERE sandbox = $1 ORDER BY name"
_IMAGE = "SELECT image FROM {lab}.images WHERE sandbox = $1 AND name = $2 LIMIT 1"
_PARTS = """
SELECT relation, columns, rows FROM {lab}.images WHERE sandbox = $1 AND image = $2 AND relation = ANY ($3)
ORDER BY position
"""
_KEEP = """
INSERT INTO {lab}.images (sandbox, name, image, position, relation, columns, rows) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_FORGET = "DELETE FROM {lab}.images WHERE sandbox = $1 AND name = $2"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('{lab}'))"
_LAYOUT = """
SELECT obj_description(relnamespace, 'pg_namespace') FROM pg_class WHERE oid = to_regclass('{lab}.sandboxes')
"""
_ANY = "SELECT id FROM {lab}.sandboxes LIMIT 1"
_CLEAR = "DROP TABLE {lab}.sandboxes, {lab}.images"
_KIT_TABLES = """
CREATE SCHEMA IF NOT EXISTS {lab};
COMMENT ON SCHEMA {lab} IS '{layout}';
CREATE TABLE IF NOT EXISTS {lab}.sandboxes (
    id text COLLATE "C" PRIMARY KEY, spec text NOT NULL, durable boolean NOT NULL,
    began double precision NOT NULL, mark bigint NOT NULL, base bigint NOT NULL,
    touched text[] NOT NULL DEFAULT '{{}}'
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS {lab}.images (
    sandbox text COLLATE "C" REFERENCES {lab}.sandboxes ON DELETE CASCADE, name text COLLATE "C",
    image bigint NOT NULL, position integer, relation text NOT NULL, columns text NOT NULL, rows bytea NOT NULL,
    PRIMARY KEY (sandbox, name, position)
);
ALTER TABLE {lab}.images ALTER COLUMN rows SET STORAGE EXTERNAL
"""
"""Images are stored as they are: to compress them takes longer than to write them."""


class PostgreSqlStore(Store):
    """The sandboxes of one service.

    Args:
        connections: shared with the other services of this process.
        service: whose they are.
        tables: what each sandbox holds.
        worker: where cities are generated, one at a time.
        layout: number of the layout of what is kept.
    """

    def __init__(
        self, connections: Connections, service: str, tables: MetaData, worker: Executor, layout: int = LAYOUT
    ) -> None:
        self._layout = str(layout)
        self._connections = connections.share()
        self._service = service
        self._definitions = Definitions(tables)
        self._worker = worker
        self._lab = f"lab_{service}"
        self._ledger = f"{self._lab}.sandboxes"
        self._staged: dict[str, int] = {}
        self._is_ready = False

    def _schema(self, sandbox: str) -> str:
        return f"{self._service}_{sandbox}"

    def _at(self, sql: str) -> str:
        """Give a statement about the kit's own tables as it is for this service."""
        return sql.format(lab=self._lab, layout=self._layout)

    async def _do(self, sandbox: str, work: Callable[[Line], Awaitable[_Done]], *, large: bool = False) -> _Done:
        """Do something outside of any transaction."""

        async def ready(line: Line) -> _Done:
            await self._make_ready(line)
            return await work(line)

        return await self._connections.patiently(self._schema(sandbox), ready, large=large)

    async def _transact(self, sandbox: str, work: Callable[[Line], Awaitable[_Done]], *, durable: bool = True) -> _Done:
        """Do something in one transaction, which may happen twice where its commit was not answered."""

        async def whole(line: Line) -> _Done:
            try:
                await line.run(beginning(durable=durable))
                done = await work(line)
                await line.run("COMMIT")
            finally:
                await line.roll_back()
            return done

        return await self._do(sandbox, whole, large=True)

    async def _make_ready(self, line: Line) -> None:
        """Make the kit's own tables, once; replicas may want to at the same moment."""
        while not self._is_ready:
            try:
                await line.run(f"BEGIN; {self._at(_LOCK)}")
                cleared = await self._one_cleared(line)
                await line.run("COMMIT" if cleared else f"{self._at(_KIT_TABLES)}; COMMIT")
            finally:
                await line.roll_back()
            # Only now: whoever asks meanwhile would not find the tables yet.
            self._is_ready = not cleared

    async def _one_cleared(self, line: Line) -> bool:
        """Remove a sandbox of another layout, and when there is none any more what held them; say whether it did.

        One at a time, for a server gives one transaction only so many locks.
        """
        found = await line.rows(self._at(_LAYOUT))
        if not found or found[0][0] == self._layout:
            return False
        left = await line.rows(self._at(_ANY))
        if left:
            await self._remove(line, left[0][0])
        else:
            await line.run(self._at(_CLEAR))
        return True

    async def names(self) -> list[str]:
        """Give the ids of the sandboxes that are complete."""

        async def look(line: Line) -> list[str]:
            return [row[0] for row in await line.rows(self._at(_NAMES))]

        return await self._do("", look)

    async def create(self, sandbox: str, spec: str, seed: Callable[[], Seed], *, at: float, durable: bool) -> None:
        """Make a sandbox and its initial image, all or nothing."""

        def generate() -> list[Part]:
            return seeded(self._definitions.tables, seed())

        parts = await asyncio.get_running_loop().run_in_executor(self._worker, generate)
        schema = self._schema(sandbox)
        mark, base = secrets.randbits(62), secrets.randbits(62)

        async def make(line: Line) -> None:
            await line.run(self._at(_ENTER), [sandbox, spec, durable, at, mark, base])
            await line.run(self._definitions.creating(schema))
            await fill(line, schema, parts)
            await line.run(self._definitions.completing(schema))
            if parts:
                # Without figures of what is in them, sums over tables take a hundred times as long.
                filled = sorted({f'{schema}."{part.table}"' for part in parts})
                await line.run(f"ANALYZE {','.join(filled)}")
            await self._keep(line, sandbox, INITIAL, base, parts)

        try:
            await self._transact(sandbox, make, durable=durable)
        except psycopg.errors.UniqueViolation as error:
            if error.diag.schema_name != self._lab:
                raise
            # An earlier attempt may have been committed without telling.
            if await self._mark(sandbox) != mark:
                raise ExistsError(sandbox) from error

    async def _keep(self, line: Line, sandbox: str, name: str, image: int, parts: Sequence[Part]) -> None:
        """Store an image; one without any row in it has an empty part all the same."""
        kept = enumerate(parts or [Part("", "", b"")])
        rows = [(sandbox, name, image, place, part.table, part.columns, part.rows) for place, part in kept]
        await line.run_for_each(self._at(_KEEP), rows)

    async def spec(self, sandbox: str) -> str | None:
        """Give the specification that a sandbox was made with, or None when there is no such sandbox."""

        async def look(line: Line) -> str | None:
            rows = await line.rows(self._at(_SPEC), [sandbox])
            return rows[0][0] if rows else None

        return await self._do(sandbox, look)

    async def _mark(self, sandbox: str) -> int | None:
        async def look(line: Line) -> int | None:
            rows = await line.rows(self._at(_MARK), [sandbox])
            return rows[0][0] if rows else None

        return await self._do(sandbox, look)

    async def open(self, sandbox: str, *, durable: bool) -> Database:
        """Open a sandbox that exists."""

        async def look(line: Line) -> list[tuple[float, int, list[str]]]:
            return await line.rows(self._at(_OPENED), [sandbox])

        found = await self._do(sandbox, look)
        if not found:
            raise LookupError(sandbox)
        own = [table for table in self._definitions.tables if table.name not in KIT.tables]
        schema = self._schema(sandbox)
        return PostgreSqlDatabase(self._connections, self._ledger, sandbox, schema, own, *found[0], durable=durable)

    async def save(self, sandbox: str, image: str) -> None:
        """Keep the present state under a name."""

        async def keep(line: Line) -> None:
            await line.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            parts = await drawn(line, self._schema(sandbox), self._definitions.tables)
            await line.run(self._at(_FORGET), [sandbox, image])
            await self._keep(line, sandbox, image, secrets.randbits(62), parts)

        await self._transact(sandbox, keep)

    async def stage(self, sandbox: str, image: str, *, durable: bool) -> None:
        """See that the image is there, and remember which one it is."""

        async def look(line: Line) -> list[tuple[int]]:
            return await line.rows(self._at(_IMAGE), [sandbox, image])

        found = await self._do(sandbox, look)
        if not found:
            raise LookupError(image)
        self._staged[sandbox] = found[0][0]

    async def swap(self, sandbox: str, *, at: float, durable: bool) -> None:
        """Put what was staged in the place of the present state, in one transaction."""
        image = self._staged.get(sandbox)
        if image is None:
            message = f"nothing is staged for sandbox {sandbox}"
            raise RuntimeError(message)
        schema = self._schema(sandbox)

        async def put_back(line: Line) -> None:
            # The row is held first, as by whoever still writes.
            [(base, touched)] = await line.rows(self._at(_STATE), [sandbox])
            tables = touched if base == image else [table.name for table in self._definitions.tables]
            if tables:
                parts = await line.rows(self._at(_PARTS), [sandbox, image, list(tables)], binary=True)
                await line.run(self._definitions.emptying(schema, tables))
                await fill(line, schema, [Part(*part) for part in parts])
                if relinking := self._definitions.relinking(schema, tables):
                    await line.run(relinking)
            await line.run(self._at(_PUT_BACK), [at, secrets.randbits(62), image, sandbox])

        await self._transact(sandbox, put_back, durable=durable)
        del self._staged[sandbox]

    async def images(self, sandbox: str) -> list[str]:
        """Give the names of the kept images."""

        async def look(line: Line) -> list[str]:
            return [row[0] for row in await line.rows(self._at(_IMAGES), [sandbox])]

        return await self._do(sandbox, look)

    async def forget(self, sandbox: str, image: str) -> bool:
        """Remove an image; False when there was none."""

        async def remove(line: Line) -> bool:
            return await line.run(self._at(_FORGET), [sandbox, image]) > 0

        return await self._do(sandbox, remove)

    async def delete(self, sandbox: str) -> None:
        """Remove a sandbox."""
        self._staged.pop(sandbox, None)
        await self._transact(sandbox, partial(self._remove, sandbox=sandbox))

    async def _remove(self, line: Line, sandbox: str) -> None:
        schema = self._schema(sandbox)
        await line.run(self._at(_STRIKE), [sandbox])
        await line.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE; DROP SCHEMA IF EXISTS {schema}__past CASCADE")

    async def close(self) -> None:
        """Let go of the connections, if no other service needs them."""
        await self._connections.close()
