"""What replicas say to each other arrives as it was sent, and what did not arrive is told apart from what may have."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.answers import Answer
from services.kit.homes import ElsewhereError
from services.kit.incoming import Incoming
from services.kit.peers import MOST, LostError, Outcome, Passed, Peers, Reply, UnreachedError
from services.kit.tokens import Caller

LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
HEADERS = st.lists(st.tuples(LATIN.map(lambda t: t.encode("latin-1")), LATIN.map(lambda t: t.encode("latin-1"))))
TEXTS = st.text(max_size=20)


def incoming(headers: list[tuple[bytes, bytes]], body: bytes, path: str = "/v1/x", query: str = "") -> Incoming:
    return Incoming("POST", path, query, dict(headers), headers, body, "r-1", "t-1", 1.0)


@given(HEADERS, st.binary(), TEXTS, LATIN, st.none() | TEXTS, st.lists(TEXTS), st.booleans())
def test_a_call_arrives_as_it_was_sent(headers, body, path, query, token_id, scopes, again) -> None:
    caller = Caller("city", "city-app", token_id, tuple(scopes), float("inf"))
    sent = Passed("v", incoming(headers, body, path, query), caller, again)
    came = Passed.unpacked(sent.packed(), 1.0)
    assert came == sent


@given(st.none() | st.integers(100, 599), st.dictionaries(TEXTS, TEXTS), st.binary(), st.dictionaries(TEXTS, TEXTS))
def test_an_answer_comes_back_as_it_was_given(status, headers, body, extra) -> None:
    answer = None if status is None else Answer(status, headers, body)
    given_ = Outcome(answer, extra, "/v1/{x}", "latency")
    assert Outcome.unpacked(given_.packed()) == given_


Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class House:
    """Another replica's back door, as badly behaved as a test wants it."""

    def __init__(self, behave: Behave) -> None:
        self._behave = behave
        self.lines = 0
        self.heard: list[bytes] = []

    @asynccontextmanager
    async def open(self):
        server = await asyncio.start_server(self._served, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.heard.append(head + await reader.readexactly(length))
                await self._behave(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            """The other side hung up."""
        finally:
            writer.close()


def answering(text: bytes) -> Behave:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return behave


async def soon(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for is seen from outside only
            await asyncio.sleep(0.01)


FINE = b"HTTP/1.1 200 OK\r\nX-Word: yes\r\ncontent-length: 3\r\n\r\nyes"


def asked(behave: Behave, work: Callable[[Peers, str, House], Awaitable[None]]) -> None:
    async def whole() -> None:
        house, peers = House(behave), Peers("the-labs-own")
        async with house.open() as address:
            await work(peers, address, house)
            await peers.close()

    asyncio.run(whole())


def test_a_question_carries_the_token_and_a_line_is_used_again() -> None:
    async def work(peers: Peers, address: str, house: House) -> None:
        for _ in range(3):
            reply = await peers.ask(address, "POST", "/_lab/x?y=1", {"content-type": "text/plain"}, b"body")
            assert (reply.status, reply.headers["x-word"], reply.body) == (200, "yes", b"yes")
        assert house.lines == 1
        head, _blank, body = house.heard[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /_lab/x?y=1 HTTP/1.1\r\n")
        assert {b"authorization: Bearer the-labs-own", b"x-lab-passed: 1"} <= set(head.split(b"\r\n"))
        assert body == b"body"

    asked(answering(FINE), work)


def test_a_door_that_is_not_there_was_not_reached() -> None:
    async def work(peers: Peers, address: str, _house: House) -> None:
        for wrong in ("127.0.0.1:1", "no-port"):
            with pytest.raises(UnreachedError):
                await peers.ask(wrong, "GET", "/", {}, b"")

    asked(answering(FINE), work)


def leaving_after(text: bytes) -> Behave:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(text)(reader, writer)
        writer.close()

    return behave


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_does_not_come_whole_is_lost(text: bytes) -> None:
    async def work(peers: Peers, address: str, _house: House) -> None:
        caller = Caller("city", "city-app", "t", (), 0.0)
        with pytest.raises(LostError):
            await peers.visit(address, Passed("v", incoming([], b""), caller, again=False))

    asked(leaving_after(text), work)


def test_a_door_that_is_not_the_home_s_says_so() -> None:
    async def work(peers: Peers, address: str, _house: House) -> None:
        caller = Caller("city", "city-app", "t", (), 0.0)
        with pytest.raises(ElsewhereError) as elsewhere:
            await peers.visit(address, Passed("v", incoming([], b""), caller, again=False))
        assert (elsewhere.value.address, elsewhere.value.is_doubtful) == ("10.0.0.7:9000", True)

    text = b"HTTP/1.1 421 Not home\r\nx-lab-home: 10.0.0.7:9000\r\nx-lab-doubtful: 1\r\ncontent-length: 0\r\n\r\n"
    asked(answering(text), work)


def test_a_line_that_the_other_side_closed_meanwhile_is_not_used_again() -> None:
    async def work(peers: Peers, address: str, house: House) -> None:
        await peers.ask(address, "GET", "/", {}, b"")
        await soon(lambda: not any(line.is_usable for line in peers._idle[address]))
        assert (await peers.ask(address, "GET", "/", {}, b"")).status == 200
        assert house.lines == 2

    asked(leaving_after(FINE), work)


def test_one_sandbox_has_no_more_lines_than_may_be_and_keeps_no_other_waiting() -> None:
    free = asyncio.Event()

    async def wait_then_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await free.wait()
        await answering(FINE)(reader, writer)

    async def work(peers: Peers, address: str, house: House) -> None:
        def ask(sandbox: str) -> asyncio.Task[Reply]:
            return asyncio.create_task(peers.ask(address, "GET", "/", {}, b"", sandbox=sandbox))

        asking = [ask("crowded") for _ in range(MOST + 20)]
        await soon(lambda: house.lines == MOST)
        asking.append(ask("quiet"))
        await soon(lambda: house.lines == MOST + 1)
        free.set()
        assert {reply.status for reply in await asyncio.gather(*asking)} == {200}
        assert house.lines == MOST + 1

    asked(wait_then_answer, work)
