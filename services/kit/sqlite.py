"""The store on a laptop: one SQLite file per sandbox and service.

    <root>/<sandbox>/spec-<layout>.json      made last: a folder without it is half-made, or of another layout, and is
                                             cleared away
    <root>/<sandbox>/epoch                   number of the present state file and since when it is the present one, as
                                             seconds since the epoch; replaced atomically by a reset
    <root>/<sandbox>/state-<epoch>.db        the present state, in WAL mode
    <root>/<sandbox>/checkpoints/<name>.db   images; `initial` is the seeded city

A reset writes the next epoch's file whole and then moves the pointer, so no log file can ever meet another's database.
Reads run on the event loop (a prepared read takes some tens of microseconds), as does looking whether a file is there;
whatever waits for the disk goes to a thread.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing, suppress
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

from services.kit.layout import LAYOUT
from services.kit.sqlite_database import Connections, SqliteDatabase
from services.kit.sqlite_image import POSITIONAL, Image, Writers
from services.kit.store import INITIAL, Database, Seed, Store


class SqliteStore(Store):
    """The sandboxes of one service under one folder.

    Args:
        root: folder of this service's sandboxes; made when missing, half-made sandboxes in it are cleared away.
        tables: what each sandbox holds.
        worker: where files are made and copied, one at a time.
        writers: who writes the first images for all services of this process; None for writers of its own.
        layout: number of the layout of what is kept.
    """

    def __init__(
        self, root: Path, tables: MetaData, worker: Executor, writers: Writers | None = None, layout: int = LAYOUT
    ) -> None:
        self._root = root
        self._spec_name = f"spec-{layout}.json"
        self._tables = tables
        self._worker = worker
        self._writers = writers or Writers(worker)
        self._connections = Connections()
        root.mkdir(parents=True, exist_ok=True)
        whole = set(self._names())
        for folder in root.iterdir():
            if folder.is_dir() and folder.name not in whole:
                shutil.rmtree(folder)

    async def _work(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def names(self) -> list[str]:
        """Give the ids of the sandboxes that are complete."""
        return self._names()

    def _names(self) -> list[str]:
        folders = (folder for folder in self._root.iterdir() if not folder.name.startswith("."))
        return sorted(folder.name for folder in folders if (folder / self._spec_name).exists())

    async def create(self, sandbox: str, spec: str, seed: Callable[[], Seed], *, at: float, durable: bool) -> None:
        """Make a sandbox and its initial image, all or nothing."""
        making = self._root.resolve() / f".{sandbox}"
        image = making / "checkpoints" / f"{INITIAL}.db"
        try:
            await asyncio.to_thread(_make_folder, making)
            await self._writers.write(sandbox, Image(image, *self._definitions, seed))
            await asyncio.to_thread(self._finish, sandbox, making, image, spec, at=at, durable=durable)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise

    def _finish(self, sandbox: str, making: Path, image: Path, spec: str, *, at: float, durable: bool) -> None:
        """Put everything else beside the image, and the whole in its place."""
        state, epoch, told = making / "state-0.db", making / "epoch", making / self._spec_name
        shutil.copyfile(image, state)
        epoch.write_text(f"0 {at}", encoding="ascii")
        told.write_text(spec, encoding="utf-8")
        if durable:
            for path in (image, state, epoch, told, making / "checkpoints"):
                _flush(path)
            _flush(making)
        self._clear(sandbox)
        making.rename(self._root / sandbox)
        if durable:
            _flush(self._root)

    @cached_property
    def _definitions(self) -> tuple[list[str], list[str]]:
        """The SQL that makes the tables and the indexes, compiled once: a room makes its sandboxes all together."""
        tables = self._tables.sorted_tables
        indexes = sorted((index for table in tables for index in table.indexes), key=lambda index: str(index.name))
        parts = (map(CreateTable, tables), map(CreateIndex, indexes))
        made, indexed = ([str(part.compile(dialect=POSITIONAL)) for part in some] for some in parts)
        return made, indexed

    async def spec(self, sandbox: str) -> str | None:
        """Give the specification that a sandbox was made with, or None when there is no such sandbox."""
        try:
            return (self._root / sandbox / self._spec_name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    async def open(self, sandbox: str, *, durable: bool) -> Database:
        """Open a sandbox that exists, and clear away what a killed reset left of another epoch."""
        present, began = self._present(sandbox)
        for file in present.parent.glob("state-*"):
            if not file.name.startswith(present.name):
                file.unlink()
        return SqliteDatabase(present, self._connections, began, durable=durable)

    def _present(self, sandbox: str) -> tuple[Path, float]:
        """Give the present state's file, and since when it is that."""
        folder = self._root / sandbox
        epoch, began = (folder / "epoch").read_text(encoding="ascii").split()
        return folder / f"state-{epoch}.db", float(began)

    def _state(self, sandbox: str) -> Path:
        return self._present(sandbox)[0]

    def _image(self, sandbox: str, image: str) -> Path:
        return self._root / sandbox / "checkpoints" / f"{image}.db"

    async def save(self, sandbox: str, image: str) -> None:
        """Keep the present state under a name."""
        await self._work(partial(self._save, sandbox, image))

    def _save(self, sandbox: str, image: str) -> None:
        target = self._image(sandbox, image)
        making = target.with_suffix(".making")
        making.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._state(sandbox))) as source, closing(sqlite3.connect(making)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
        _flush(making)
        making.replace(target)
        _flush(target.parent)

    async def stage(self, sandbox: str, image: str, *, durable: bool) -> None:
        """Lay a named image ready as the next epoch's file."""
        await self._work(partial(self._stage, sandbox, image, durable=durable))

    def _stage(self, sandbox: str, image: str, *, durable: bool) -> None:
        present = self._state(sandbox)
        epoch = int(present.stem.removeprefix("state-")) + 1
        staged = present.with_name(f"state-{epoch}.db")
        for leftover in (staged, staged.with_name(staged.name + "-wal"), staged.with_name(staged.name + "-shm")):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(self._image(sandbox, image), staged)
        if durable:
            _flush(staged)

    async def swap(self, sandbox: str, *, at: float, durable: bool) -> None:
        """Move the pointer to the staged epoch and remove the old one."""
        await self._work(partial(self._swap, sandbox, at=at, durable=durable))

    def _swap(self, sandbox: str, *, at: float, durable: bool) -> None:
        present = self._state(sandbox)
        epoch = int(present.stem.removeprefix("state-")) + 1
        staged = present.with_name(f"state-{epoch}.db")
        if not staged.exists():
            message = f"nothing is staged for sandbox {sandbox}"
            raise RuntimeError(message)
        pointer = present.with_name("epoch")
        making = present.with_name("epoch.making")
        making.write_text(f"{epoch} {at}", encoding="ascii")
        if durable:
            _flush(making)
        making.replace(pointer)
        if durable:
            _flush(pointer.parent)
        for old in (present, present.with_name(present.name + "-wal"), present.with_name(present.name + "-shm")):
            old.unlink(missing_ok=True)

    async def images(self, sandbox: str) -> list[str]:
        """Give the names of the kept images."""
        return sorted(path.stem for path in (self._root / sandbox / "checkpoints").glob("*.db"))

    async def forget(self, sandbox: str, image: str) -> bool:
        """Remove an image; False when there was none."""
        try:
            self._image(sandbox, image).unlink()
        except FileNotFoundError:
            return False
        return True

    async def delete(self, sandbox: str) -> None:
        """Remove a sandbox; its specification goes first, so that a half-removed one counts as none."""
        await self._work(partial(self._delete, sandbox))

    def _delete(self, sandbox: str) -> None:
        (self._root / sandbox / self._spec_name).unlink(missing_ok=True)
        self._clear(sandbox)

    async def close(self) -> None:
        """Nothing is held but by the databases themselves."""

    def _clear(self, sandbox: str) -> None:
        """Remove what is left of a sandbox that counts as none."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / sandbox)


def _make_folder(making: Path) -> None:
    """Make the folder of a sandbox that is being made, anew."""
    shutil.rmtree(making, ignore_errors=True)
    (making / "checkpoints").mkdir(parents=True)


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
