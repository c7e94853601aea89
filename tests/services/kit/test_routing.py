"""Routes: found as they were declared, answered straight where nothing has to be checked."""

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.kit.access import Allow, Call
from services.kit.answers import Answer
from services.kit.problems import Problem
from services.kit.routing import Routes, http_problem
from services.kit.tokens import Caller

Reader = Annotated[Call, Depends(Allow("x:read"))]
router = APIRouter(prefix="/v1")


class Thing(BaseModel):
    name: str


@router.get("/things/special")
async def special(call: Reader) -> Response:
    return PlainTextResponse("special")


@router.get("/things/{thing}")
async def thing(call: Reader, thing: str) -> JSONResponse:
    return JSONResponse({"thing": thing})


@router.delete("/things/{thing}", status_code=204)
async def remove(call: Reader, thing: str) -> None:
    """Nothing to say."""


@router.get("/numbers/{number}")
async def number(call: Reader, number: int) -> Response:
    return JSONResponse(number + 1)


@router.get("/checked/{name}")
async def checked(call: Reader, name: Annotated[str, Path(pattern="^[a-z]+$")]) -> Response:
    return JSONResponse(name)


@router.get("/described/{name}")
async def described(call: Reader, name: Annotated[str, Path(description="Words.", examples=["a"])]) -> Response:
    return JSONResponse(name)


@router.get("/searched")
async def searched(call: Reader, q: Annotated[str, Query()] = "none") -> Response:
    return JSONResponse(q)


@router.get("/modelled", response_model=Thing)
async def modelled(call: Reader) -> dict[str, Any]:
    return {"name": "x", "secret": "y"}


@router.post("/bodies")
async def bodies(call: Reader, given: Annotated[Thing, Body()]) -> Response:
    return JSONResponse(given.name)


@router.get("/request")
async def request(call: Reader, request: Request) -> Response:
    return JSONResponse([request.app is APP, request.scope["route"].path])


@router.get("/files/{path:path}")
async def files(call: Reader, path: str) -> Response:
    return JSONResponse(path)


@router.get("/open")
async def unguarded() -> Response:
    return JSONResponse("open")


@router.get("/framework")
async def framework(call: Reader) -> Response:
    raise HTTPException(418, "short and stout")


APP = FastAPI()
ROUTES = Routes([router], APP)
PLAIN = {"special", "thing", "described", "files", "framework"}


def ask(method: str, path: str, query: str = "", body: bytes = b"", scopes: tuple[str, ...] = ("x:read",)) -> Answer:
    caller = Caller("city", "city-app", "id", scopes, 0.0)
    call = Call(caller, None, None, {}, 0.0, "r", "t")  # type: ignore[arg-type] # these routes need no sandbox
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
    return asyncio.run(ROUTES.answer(ROUTES.find(method, path), call, scope, body))


def refused(method: str, path: str, **more: Any) -> Problem:
    with pytest.raises(Problem) as problem:
        ask(method, path, **more)
    return problem.value


def test_only_functions_with_nothing_to_check_are_called_straight() -> None:
    assert {route.original.name for route in ROUTES._routes if route.allow} == PLAIN


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [
        ("/v1/things/special", "", b"special"),
        ("/v1/things/other", "", b'{"thing":"other"}'),
        ("/v1/things/two words", "", b'{"thing":"two words"}'),
        ("/v1/numbers/41", "", b"42"),
        ("/v1/checked/abc", "", b'"abc"'),
        ("/v1/described/ABC", "", b'"ABC"'),
        ("/v1/searched", "", b'"none"'),
        ("/v1/searched", "q=some", b'"some"'),
        ("/v1/modelled", "", b'{"name":"x"}'),
        ("/v1/request", "", b'[true,"/v1/request"]'),
        ("/v1/files/a/b/c", "", b'"a/b/c"'),
        ("/v1/open", "", b'"open"'),
    ],
)
def test_every_kind_of_route_answers(path: str, query: str, body: bytes) -> None:
    answer = ask("GET", path, query)
    assert (answer.status, answer.body) == (200, body)
    assert "content-length" not in answer.headers
    assert ask("HEAD", path, query) == answer


def test_a_body_is_read_and_checked() -> None:
    assert ask("POST", "/v1/bodies", body=b'{"name": "n"}').body == b'"n"'
    assert refused("POST", "/v1/bodies", body=b'{"name": 5}').code == "validation_failed"
    assert refused("POST", "/v1/bodies", body=b"{").code == "malformed_json"


def test_a_route_without_content_gives_an_empty_answer() -> None:
    answer = ask("DELETE", "/v1/things/x")
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("path", ["/v1/things/special", "/v1/things/x", "/v1/numbers/1", "/v1/searched"])
def test_the_scope_is_checked_on_either_way(path: str) -> None:
    assert refused("GET", path, scopes=("x:write",)).code == "insufficient_scope"


@pytest.mark.parametrize("path", ["/v1/things/special", "/v1/things/x", "/v1/numbers/1", "/v1/searched"])
def test_unknown_parameters_are_refused_on_either_way(path: str) -> None:
    problem = refused("GET", path, query="nobody=asked")
    assert (problem.status, problem.errors[0].pointer) == (422, "?nobody")


def test_wrong_parameters_are_refused() -> None:
    assert refused("GET", "/v1/numbers/x").status == 422
    assert refused("GET", "/v1/checked/ABC").status == 422


def test_what_is_not_there_and_what_is_not_taken_are_told_apart() -> None:
    assert refused("GET", "/v1/nothing").code == "route_not_found"
    assert refused("GET", "/v1/things/a/b").code == "route_not_found"
    wrong = refused("PUT", "/v1/things/a")
    assert (wrong.code, wrong.headers) == ("method_not_allowed", {"allow": "DELETE, GET, HEAD"})


def test_an_error_of_the_framework_is_a_problem() -> None:
    assert (refused("GET", "/v1/framework").status, refused("GET", "/v1/framework").code) == (418, "malformed_request")
    assert http_problem(HTTPException(404)).code == "route_not_found"
    assert http_problem(HTTPException(405, headers={"allow": "GET"})).headers == {"allow": "GET"}


def test_routers_stand_side_by_side() -> None:
    nested = APIRouter()
    nested.include_router(router)
    with pytest.raises(TypeError, match="side by side"):
        Routes([nested], APP)
