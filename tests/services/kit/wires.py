"""A line between a client and PostgreSQL that a test cuts."""

import asyncio
from contextlib import suppress
from pathlib import Path


class Wire:
    """A line to the server that can be cut; what stands behind its name in the file system is what clients see."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server = server
        self.folder = folder
        self._socket = folder / ".s.PGSQL.5432"
        self._listening: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._cut_at: bytes | None = None
        self._reaches = False
        self.stays_down = False
        self.cuts = 0

    async def up(self) -> None:
        """Let clients connect."""
        self._socket.unlink(missing_ok=True)
        self._listening = await asyncio.start_unix_server(self._serve, self._socket)

    async def down(self) -> None:
        """Cut all lines and let nobody connect."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self._socket.unlink(missing_ok=True)
        for writer in list(self._open):
            writer.transport.abort()

    def cut_at(self, words: bytes, *, reaches: bool, stays_down: bool = False) -> None:
        """Cut the line once, at the next message with these words in it.

        Args:
            reaches: whether the server still gets it and answers it; only the answer is lost.
            stays_down: whether nobody can connect afterwards.
        """
        self._cut_at = words
        self._reaches = reaches
        self.stays_down = stays_down

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server / ".s.PGSQL.5432")
        mine = {writer, to_server}
        self._open |= mine
        answering = asyncio.create_task(self._pass_on(from_server, writer))
        try:
            while data := await reader.read(65536):
                if self._cut_at is not None and self._cut_at in data:
                    self._cut_at = None
                    self.cuts += 1
                    if self._reaches:
                        answering.cancel()
                        with suppress(asyncio.CancelledError):
                            await answering
                        to_server.write(data)
                        await from_server.read(65536)
                    if self.stays_down:
                        await self.down()
                    break
                to_server.write(data)
        except (ConnectionError, asyncio.CancelledError):
            """The other end is gone."""
        finally:
            answering.cancel()
            self._open -= mine
            for end in mine:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
