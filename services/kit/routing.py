"""Finds the route of a call and lets it answer.

FastAPI reads, validates and documents; what it puts around every call beside that (telemetry, layers of exception
handlers, a search through nested routers) the pipeline already does or does not need, and it costs more than answering
a small read. So a call goes straight to its route's handler, and a route that has nothing to validate straight to its
function.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from services.kit.access import Allow, Call
from services.kit.answers import Answer
from services.kit.language import catalogue
from services.kit.problems import Problem
from services.kit.validation import problem_of

_ = catalogue(__file__)


class Route:
    """One route of an agency.

    Attributes:
        path: its template, such as `/v1/residents/{nik}`.
        allow: its guard, where the route needs nothing else that must be checked: no parameters but plain text in the
            path, no body, an answer made by the function itself; None for every other route.
        query_names: the query parameters that it knows.
        call_name: the name under which such a function takes the `Call`.
        guards: what the route asks of its caller, whether FastAPI checks it or `allow`.
    """

    __slots__ = (
        "allow", "call_name", "endpoint", "guards", "handle", "match", "methods", "original", "path", "query_names",
    )  # fmt: skip

    def __init__(self, route: APIRoute) -> None:
        self.original = route
        self.path = route.path
        methods = frozenset(route.methods or ())
        self.methods = methods | {"HEAD"} if "GET" in methods else methods
        self.match = route.path_regex.match
        self.endpoint: Callable[..., Awaitable[Any]] = route.endpoint
        self.handle: Callable[[Request], Awaitable[Response]] = route.get_route_handler()
        self.query_names = frozenset(
            field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, params.Query)
        )
        self.allow, self.call_name = _plain(route.dependant, route.endpoint)
        self.guards = tuple(guard.call for guard in route.dependant.dependencies if isinstance(guard.call, Allow))


def _plain(dependant: Dependant, endpoint: Callable[..., Any]) -> tuple[Allow | None, str]:
    """Give the guard of a function that may be called without FastAPI, and its parameter's name."""
    guards = dependant.dependencies
    guard = guards[0].call if len(guards) == 1 else None
    answer = inspect.signature(endpoint).return_annotation
    texts = all(field.field_info.annotation is str and not field.field_info.metadata for field in dependant.path_params)
    names = {field.name for field in dependant.path_params} | {guards[0].name if guards else None}
    if (
        isinstance(guard, Allow)
        and texts
        and isinstance(answer, type)
        and issubclass(answer, Response)
        # Whatever else it takes, FastAPI has to provide.
        and names == set(inspect.signature(endpoint).parameters)
    ):
        return guard, guards[0].name or ""
    return None, ""


class Found(NamedTuple):
    """A route that a call meets, with the texts in its path."""

    route: Route
    parameters: dict[str, Any]


class Routes:
    """All routes of a service, in the order in which they were declared.

    Args:
        app: what the routes find as `request.app`.
    """

    def __init__(self, routers: Sequence[APIRouter], app: FastAPI) -> None:
        self._app = app
        self._routes = [Route(_flat(route)) for router in routers for route in router.routes]

    def find(self, method: str, path: str) -> Found:
        """Give the first route for a method and path.

        Raises:
            Problem: 404 `route_not_found`, 405 `method_not_allowed`.
        """
        allowed: set[str] = set()
        for route in self._routes:
            match = route.match(path)
            if match is not None:
                if method in route.methods:
                    return Found(route, match.groupdict())
                allowed |= route.methods
        if allowed:
            raise wrong_method({"allow": ", ".join(sorted(allowed))})
        raise nothing_here()

    async def answer(self, found: Found, call: Call, scope: Scope, body: bytes) -> Answer:
        """Let a route answer.

        Raises:
            Problem: it refuses the call, or the call does not fit what the route expects.
        """
        route, parameters = found
        try:
            if route.allow is not None and not scope["query_string"]:
                route.allow.admit(call)
                return whole(await route.endpoint(**{route.call_name: call}, **parameters))
            return await self._checked(route, parameters, call, scope, body)
        except RequestValidationError as error:
            raise problem_of(error.errors()) from error
        except HTTPException as error:
            raise http_problem(error) from error

    async def _checked(self, route: Route, parameters: dict[str, Any], call: Call, scope: Scope, body: bytes) -> Answer:
        """Let FastAPI read the request and check it against what the route declares."""
        for name, convertor in route.original.param_convertors.items():
            parameters[name] = convertor.convert(parameters[name])
        scope["lab.call"] = call
        scope["lab.query"] = route.query_names
        scope["app"] = self._app
        scope["route"] = route.original
        scope["endpoint"] = route.endpoint
        scope["path_params"] = parameters
        async with AsyncExitStack() as stack:
            # What FastAPI's own middleware would give to the handler.
            for name in ("fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack"):
                scope[name] = stack
            return whole(await route.handle(Request(scope, _replayed(body))))


def _flat(route: object) -> APIRoute:
    if not isinstance(route, APIRoute):
        message = f"a service lists its routers side by side, none inside another: {route!r}"
        raise TypeError(message)
    return route


def whole(response: Response) -> Answer:
    """Give a response as a plain value."""
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in response.raw_headers}
    headers.pop("content-length", None)
    return Answer(response.status_code, headers, bytes(response.body))


def _replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def nothing_here() -> Problem:
    """Give the 404 for a path that no route has."""
    detail = _("There is nothing at this address. See /docs for what there is.")
    return Problem(404, "route_not_found", detail, source="gateway")


def wrong_method(headers: Mapping[str, str]) -> Problem:
    """Give the 405, with the `Allow` header."""
    detail = _("This address does not take this method. See /docs for what it takes.")
    return Problem(405, "method_not_allowed", detail, headers=headers, source="gateway")


def http_problem(error: HTTPException) -> Problem:
    """Give the problem for an error of the framework's own."""
    status, headers = error.status_code, dict(error.headers or {})
    if status == 404:
        return nothing_here()
    if status == 405:
        return wrong_method(headers)
    detail = _("The request cannot be read.")
    return Problem(status, "malformed_request", detail, headers=headers, source="gateway")
