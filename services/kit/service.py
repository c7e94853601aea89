"""What a service is made of, and how it is put together: one public application and one back door."""

import secrets
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from sqlalchemy import MetaData
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from services.kit.backdoor import Back, View, backdoor
from services.kit.clock import RealTime
from services.kit.envoy import Envoy
from services.kit.homes import Homes, SoleHome
from services.kit.incoming import Identify, Incoming
from services.kit.language import catalogue, preferred
from services.kit.metrics import Metrics
from services.kit.peers import Peers
from services.kit.pipeline import Pipeline
from services.kit.problems import PROBLEM_SCHEMA, Problem, documented
from services.kit.relay import Relay
from services.kit.routing import Routes, http_problem
from services.kit.seeding import Seeder, seeded
from services.kit.settings import Settings
from services.kit.sqlite import SqliteStore
from services.kit.sqlite_image import Writers
from services.kit.store import Store, StoreUnavailableError
from services.kit.tables import add_kit_tables
from services.kit.tenancy import Sandboxes
from services.kit.tokens import Caller, Keys, Verifier, published_keys
from services.kit.tracing import trace_id
from services.kit.validation import problem_of

_ = catalogue(__file__)

VERSION = "0.1.0"
_OPEN = frozenset(
    {"/livez", "/readyz", "/version", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"}
    | {"/static-offline-docs/"}
)

_EVERYWHERE = documented(400, 401, 403, 413, 422, 429, 500)

Setup = Callable[[FastAPI, Settings, RealTime], None]
Recognise = Callable[[Incoming, Sandboxes], Awaitable[Caller]]
"""Tells who calls, by other means than a bearer token, or raises a `Problem`."""


def _no_setup(_app: FastAPI, _settings: Settings, _real: RealTime) -> None:
    """Most services need nothing of their own."""


@dataclass(frozen=True)
class Service:
    """An agency's service: what `services/<name>/app.py` declares.

    Attributes:
        file: `__file__` of `app.py`; `service.toml` stands beside it.
        tables: the agency's SQLAlchemy Core tables; the kit adds its own.
        routers: its routes, the dialects included.
        seed: the rows that a sandbox begins with.
        views: facts for the grader.
        open_paths: paths served without a caller.
        setup: puts what the routes need on `app.state`.
        identify: for paths where a caller is known otherwise than by a bearer token (the token endpoint).
        keys: where token keys come from, if not from the issuer's published ones.
    """

    file: str
    tables: MetaData
    routers: Sequence[APIRouter]
    seed: Seeder
    views: Mapping[str, View]
    open_paths: frozenset[str] = frozenset()
    setup: Setup = _no_setup
    identify: Mapping[str, Recognise] = field(default_factory=dict)
    keys: Callable[[Settings], Keys] | None = None

    @property
    def folder(self) -> Path:
        """The service's own folder."""
        return Path(self.file).resolve().parent

    @property
    def name(self) -> str:
        """The service's name, which is its folder's."""
        return self.folder.name

    @property
    def facts(self) -> dict[str, Any]:
        """What `service.toml` says."""
        return tomllib.loads((self.folder / "service.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Assembled:
    """A service ready to be served."""

    name: str
    public: ASGIApp
    api: FastAPI
    backdoor: ASGIApp
    sandboxes: Sandboxes


@dataclass(frozen=True)
class Shared:
    """What one service shares with its other replicas, where there are any.

    Attributes:
        store: gives the store for the service's tables.
        homes: which sandboxes are in this replica's memory.
        peers: the other replicas.
        instance: a random word by which this process is known.
    """

    store: Callable[[MetaData], Store]
    homes: Homes
    peers: Peers
    instance: str


def assemble(
    service: Service,
    settings: Settings,
    *,
    real: RealTime,
    worker: Executor,
    writers: Writers | None = None,
    shared: Shared | None = None,
) -> Assembled:
    """Put a service together.

    Args:
        real: the real clock, such as `time.time`.
        worker: one thread for generating and copying, shared by the services of a process.
        writers: who writes new sandboxes' files, shared likewise; None for writers of its own.
        shared: None where this process is the only one, which keeps all under `settings.data`.
    """
    add_kit_tables(service.tables)

    store = shared.store(service.tables) if shared else SqliteStore(settings.data, service.tables, worker, writers)
    homes = shared.homes if shared else SoleHome()
    sandboxes = Sandboxes(store, partial(seeded, service.seed), real, settings.open_sandboxes, homes)
    metrics = Metrics(service.name)
    health = _health(service, sandboxes, homes, metrics)
    api = _api(service, health)
    service.setup(api, settings, real)
    keys = service.keys(settings) if service.keys else published_keys(settings.identity_url or settings.issuer)
    verifier = Verifier(settings.issuer, keys, real)
    identify = _identifier(service, verifier, sandboxes)
    routes = Routes(service.routers, api)
    public = Pipeline(api, routes, sandboxes, identify, metrics, real, _OPEN | service.open_paths)
    instance = shared.instance if shared else secrets.token_hex(8)
    door = backdoor(Back(service.name, VERSION, sandboxes, service.views, settings, real, instance))
    if shared is None:
        return Assembled(service.name, public, api, door, sandboxes)
    public.envoy = Envoy(shared.peers, homes, public.visited, metrics)
    relay = Relay(door, shared.peers, homes, settings.backdoor_token, public.visited, real)
    return Assembled(service.name, public, api, relay, sandboxes)


def _identifier(service: Service, verifier: Verifier, sandboxes: Sandboxes) -> Identify:
    async def identify(incoming: Incoming) -> Caller:
        special = service.identify.get(incoming.path)
        if special is not None:
            return await special(incoming, sandboxes)
        return await verifier.caller(incoming.headers.get(b"authorization", b""))

    return identify


def _api(service: Service, health: APIRouter) -> FastAPI:
    facts = service.facts
    readme = service.folder / "README.md"
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title=facts["title"]["id"],
        description=readme.read_text(encoding="utf-8") if readme.exists() else "",
        version=VERSION,
        redirect_slashes=False,
    )
    # As they are: including a router makes all its routes anew, on the first call that looks for one.
    for router in (health, *service.routers):
        app.router.routes.extend(router.routes)
    for error in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(error, _on_error)
    _document_problem(app)
    return app


def _health(service: Service, sandboxes: Sandboxes, homes: Homes, metrics: Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def alive() -> dict[str, str]:
        return {"status": "ok", "service": service.name}

    @router.get("/readyz")
    async def ready() -> dict[str, str]:
        if not await homes.reachable():
            raise StoreUnavailableError
        return {"status": "ok", "service": service.name}

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"service": service.name, "version": VERSION}

    @router.get("/metrics")
    async def figures() -> Response:
        up = await homes.reachable()
        metrics.store_up.set(up)
        metrics.open_sandboxes.set(sandboxes.in_memory)
        if up:
            metrics.sandboxes.set(len(await sandboxes.names()))
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _document_problem(app: FastAPI) -> None:
    """Say in the document that errors are problems, those included that any route may answer with."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = dict(PROBLEM_SCHEMA)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation["responses"] = _with_problems(operation["responses"])
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def _with_problems(responses: Mapping[str, Any]) -> dict[str, Any]:
    # FastAPI documents its own shape of a 422 where a route says nothing of it.
    own = {status: answer for status, answer in responses.items() if "HTTPValidationError" not in str(answer)}
    everywhere = {str(status): dict(answer) for status, answer in _EVERYWHERE.items()}
    return dict(sorted({**everywhere, **own}.items()))


async def _on_error(request: Request, error: Exception) -> Response:
    """Answer what goes wrong on the open paths, in the shape that all errors have."""
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, RequestValidationError):
        problem = problem_of(error.errors())
    else:
        problem = http_problem(error if isinstance(error, HTTPException) else HTTPException(500))
    language = preferred(request.headers.get("accept-language", ""))
    trace = trace_id(request.headers.get("traceparent", ""))
    answer = problem.answer(language, instance=request.url.path, trace_id=trace)
    return Response(answer.body, answer.status, dict(answer.headers))
