"""A small agency with every convention of the kit in it, for the kit's own tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import KeySet, RSAKey
from pydantic import Field
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, select

from services.kit.access import Allow, Call
from services.kit.etags import etag
from services.kit.language import catalogue
from services.kit.paging import Cursor, Limit, PageNumber, PageSize, cursor_page, key_of, spring_page
from services.kit.problems import Problem
from services.kit.service import Service
from services.kit.settings import Settings
from services.kit.specs import SandboxSpec, Shape
from services.kit.store import Prepared, Seed, Session
from services.world import World

_ = catalogue(__file__)

LETTERS = 45
TOPICS = ("izin", "pajak", "warga")

TABLES = MetaData()
letters = Table(
    "letters",
    TABLES,
    Column("id", String, primary_key=True),
    Column("topic", String, nullable=False, index=True),
    Column("text", String, nullable=False),
    Column("version", Integer, nullable=False),
)

_ONE = Prepared(select(letters).where(letters.c.id == bindparam("id")))
_LIST = Prepared(select(letters).where(letters.c.id > bindparam("after")).order_by(letters.c.id).limit(bindparam("n")))
_OF_TOPIC = Prepared(
    select(letters)
    .where(letters.c.id > bindparam("after"), letters.c.topic == bindparam("topic"))
    .order_by(letters.c.id)
    .limit(bindparam("n"))
)
_PAGE = Prepared(select(letters).order_by(letters.c.id).limit(bindparam("n")).offset(bindparam("offset")))
_COUNT = Prepared(select(func.count().label("total")).select_from(letters))

Reader = Annotated[Call, Depends(Allow("letters:read"))]
Writer = Annotated[Call, Depends(Allow("letters:write"))]
Sender = Annotated[Call, Depends(Allow("letters:write", idempotent=True))]


class Letter(Shape):
    """A letter to be kept; it is in the hands of the clerk for `pause_ms` before it is kept."""

    id: Annotated[str, Field(min_length=1, max_length=40)]
    topic: Annotated[str, Field(max_length=20)] = "warga"
    text: Annotated[str, Field(max_length=2000)]
    pause_ms: Annotated[int, Field(ge=0, le=2000)] = 0


class Change(Shape):
    """A letter's new text."""

    text: Annotated[str, Field(max_length=2000)]


class Lookup(Shape):
    """Which letter to look up."""

    id: Annotated[str, Field(max_length=40)]


router = APIRouter(prefix="/v1")


async def _found(call: Call, letter: str) -> dict[str, Any]:
    row = await call.db.first(_ONE, id=letter)
    if row is None:
        raise Problem(404, "letter_not_found", _("There is no letter {id}.", id=letter))
    return dict(row)


@router.get("/letters/{letter}")
async def one(call: Reader, letter: str) -> Response:
    row = await _found(call, letter)
    tag = etag(row["version"])
    if call.has_current(tag):
        return Response(status_code=304, headers={"etag": tag})
    return JSONResponse(row, headers={"etag": tag})


@router.get("/letters")
async def listed(
    call: Reader, limit: Limit = 10, cursor: Cursor = None, topic: Annotated[str | None, Query(max_length=20)] = None
) -> Response:
    filters = {"topic": topic}
    after = key_of(cursor, filters)
    if topic is None:
        rows = await call.db.all(_LIST, after=after, n=limit + 1)
    else:
        rows = await call.db.all(_OF_TOPIC, after=after, topic=topic, n=limit + 1)
    page = cursor_page(rows, limit=limit, key="id", path="/v1/letters", filters=filters)
    return JSONResponse(page.body, headers=page.headers)


@router.get("/paged-letters")
async def paged(call: Reader, page: PageNumber = 0, size: PageSize = 10) -> Response:
    rows = await call.db.all(_PAGE, n=size, offset=call.first_row(page, size))
    total = await call.db.scalar(_COUNT)
    shown = spring_page(rows, number=page, size=size, total=total, path="/v1/paged-letters", filters={})
    return JSONResponse(shown.body, headers=shown.headers)


@router.post("/letters", status_code=201)
async def keep(call: Sender, letter: Letter) -> Letter:
    await call.db.run(letters.insert(), rows=[{**letter.model_dump(exclude={"pause_ms"}), "version": 1}])
    await asyncio.sleep(letter.pause_ms / 1000)
    if letter.text == "refuse me":
        raise Problem(409, "letter_refused", _("The letter {id} is refused.", id=letter.id))
    if letter.text == "break on me":
        message = "a defect of the agency"
        raise RuntimeError(message)
    return letter


@router.put("/letters/{letter}")
async def change(call: Writer, letter: str, new: Change) -> Response:
    row = await _found(call, letter)
    call.require_current(etag(row["version"]))
    version = row["version"] + 1
    await call.db.run(letters.update().where(letters.c.id == letter), text=new.text, version=version)
    return JSONResponse({**row, "text": new.text, "version": version}, headers={"etag": etag(version)})


@router.delete("/letters/{letter}", status_code=204)
async def discard(call: Writer, letter: str) -> None:
    await _found(call, letter)
    await call.db.run(letters.delete().where(letters.c.id == letter))


@router.post("/lookups")
async def look_up(call: Reader, lookup: Lookup) -> Response:
    """A question asked by POST, as dialects do: it changes nothing."""
    return JSONResponse(await _found(call, lookup.id))


@router.get("/writing-read")
async def writing_read(call: Reader) -> None:
    """A defect on purpose: a safe method that writes."""
    await call.db.run(letters.delete())


def seed(_world: World, spec: SandboxSpec) -> Seed:
    yield (
        letters,
        [
            {"id": f"s{number:04}", "topic": TOPICS[number % 3], "text": f"{spec.seed}/{number}", "version": 1}
            for number in range(LETTERS)
        ],
    )


async def everything(_world: World, session: Session) -> list[dict[str, Any]]:
    return [dict(row) for row in await session.all(_LIST, after="", n=100_000)]


def service(key: RSAKey) -> Service:
    """Give the agency, which trusts tokens signed with `key`."""

    async def fetch() -> KeySet:
        return KeySet([key])

    def keys(_settings: Settings) -> Callable[[], Awaitable[KeySet]]:
        return fetch

    return Service(
        file=__file__,
        tables=TABLES,
        routers=[router],
        seed=seed,
        views={"letters": everything},
        keys=keys,
    )
