"""What all reads of this agency have in common: Spring-like pages, entity tags."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy import ColumnElement, Integer, Select, String, bindparam, func, or_

from services.kit.access import Allow, Call
from services.kit.etags import etag
from services.kit.paging import spring_page
from services.kit.store import Prepared, Record

Reader = Annotated[Call, Depends(Allow("finance:read"))]


def given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Give the condition that `column` equals the parameter `name`, or that the parameter is not given."""
    parameter = bindparam(name, type_=column.type)
    return or_(parameter.is_(None), column == parameter)


def beneath(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Give the condition that a dotted code is the parameter `name` or stands below it in the hierarchy."""
    parameter = bindparam(name, type_=String())
    return or_(parameter.is_(None), column == parameter, column.startswith(parameter + "."))


class Listing:
    """A list that is read by pages.

    Args:
        query: all rows in their order; its parameters are the filters.
    """

    def __init__(self, path: str, query: Select[Any]) -> None:
        self.path = path
        self._rows = Prepared(
            query.limit(bindparam("size", type_=Integer())).offset(bindparam("offset", type_=Integer()))
        )
        self._count = Prepared(
            query.order_by(None).with_only_columns(func.count().label("total"), maintain_column_froms=True)
        )

    async def page(
        self,
        call: Call,
        number: int,
        size: int,
        filters: Mapping[str, Any],
        *,
        shape: Callable[[Record], Mapping[str, Any]] = dict,
        **hidden: object,
    ) -> JSONResponse:
        """Answer one page.

        Args:
            filters: the caller's filters, None where not given.
            shape: makes what is answered of a row.
            hidden: parameters of the query that are not the caller's.
        """
        values = {**filters, **hidden}
        total = await call.db.scalar(self._count, **values)
        offset = call.first_row(number, size)
        rows = [shape(row) for row in await call.db.all(self._rows, size=size, offset=offset, **values)]
        page = spring_page(rows, number=number, size=size, total=total, path=self.path, filters=filters)
        return JSONResponse(page.body, headers=page.headers)


def tag(body: Mapping[str, Any]) -> str:
    """Give the strong entity tag of a representation: it changes when any member does."""
    return etag(blake2b(repr(sorted(body.items())).encode(), digest_size=8).hexdigest())


def one(call: Call, body: Mapping[str, Any]) -> Response:
    """Answer a single read with its `ETag`, or with 304 when the caller has this representation."""
    current = tag(body)
    if call.has_current(current):
        return Response(status_code=304, headers={"etag": current})
    return JSONResponse(body, headers={"etag": current})


def made(path: str, body: Mapping[str, Any]) -> JSONResponse:
    """Answer 201 with the address and the `ETag` of what was made."""
    return JSONResponse(body, 201, headers={"location": path, "etag": tag(body)})
