"""The lab's own door, `/_lab`, on a listener of its own: sandboxes, reset, checkpoints, journal, faults, clock, truth.

Guarded by the lab's token, never by a participant's. docs/architecture.md has the table of calls.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field

from services.kit.clock import WITA, Clock, RealTime
from services.kit.faults import Faults, RuleSet
from services.kit.homes import ElsewhereError
from services.kit.language import catalogue
from services.kit.peers import DOUBTFUL, HOME, NOT_HOME
from services.kit.problems import Problem
from services.kit.sandbox import Sandbox, SandboxBusyError
from services.kit.settings import Settings
from services.kit.specs import ImageName, SandboxId, SandboxSpec, Shape
from services.kit.store import INITIAL, Session
from services.kit.tenancy import SandboxDiffersError, Sandboxes, SandboxUnknownError
from services.kit.validation import problem_of
from services.world import World, build

_ = catalogue(__file__)

View = Callable[[World, Session], Awaitable[Any]]
"""Facts that only the grader may know, of the seeded world and of the present state."""

SandboxName = Annotated[SandboxId, Path()]
Image = Annotated[ImageName, Path()]


class Phase(Shape):
    """Which half of a reset: neither means both at once."""

    phase: Literal["prepare", "commit", "abort"] | None = None


class CheckpointName(Shape):
    """Body of `POST …/checkpoints`."""

    name: ImageName


class ClockChange(Shape):
    """Body of `PATCH …/clock`: how far to move, or what to show."""

    advance_seconds: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """What the back door of one service works on.

    Attributes:
        instance: a random word by which this process is known.
    """

    service: str
    version: str
    sandboxes: Sandboxes
    views: Mapping[str, View]
    settings: Settings
    real: RealTime
    instance: str

    def instance_of(self, name: str) -> str:
        """Give the word by which a sandbox's memory in this process is known."""
        return f"{self.instance}-{self.sandboxes.drops(name)}"


async def _back(request: Request) -> Back:  # or it would run in a thread, on which the caller waits
    back: Back = request.app.state.back
    given = request.headers.get("authorization", "")
    if not secrets.compare_digest(given.encode(), f"Bearer {back.settings.backdoor_token}".encode()):
        raise Problem(401, "lab_token_invalid", _("The back door is for the lab itself."))
    return back


Door = Annotated[Back, Depends(_back)]
router = APIRouter(prefix="/_lab")


@router.get("")
async def describe(back: Door) -> dict[str, object]:
    """Say which service this is."""
    return {"service": back.service, "version": back.version, "views": sorted(back.views)}


@router.get("/sandboxes")
async def list_sandboxes(back: Door) -> dict[str, object]:
    """List the sandboxes."""
    return {"data": [{"id": name} for name in await back.sandboxes.names()]}


@router.put("/sandboxes/{name}")
async def create(back: Door, name: SandboxName, spec: SandboxSpec) -> Response:
    """Make a sandbox."""
    created = await back.sandboxes.create(name, spec)
    return Response(status_code=201 if created else 200)


@router.get("/sandboxes/{name}")
async def show(back: Door, name: SandboxName) -> dict[str, object]:
    """Show a sandbox; its clients' secrets are left out."""
    async with back.sandboxes.inside(name) as sandbox:
        return {
            "id": name,
            "spec": sandbox.spec.model_dump(mode="json", exclude={"clients": {"__all__": {"client_secret"}}}),
            "now": _now(back, sandbox),
            "frozen": sandbox.frozen,
            "requests": sandbox.journal.last,
            "checkpoints": await back.sandboxes.checkpoints(name),
            "instance": back.instance_of(name),
        }


@router.delete("/sandboxes/{name}", status_code=204)
async def delete(back: Door, name: SandboxName) -> None:
    """Remove a sandbox."""
    await back.sandboxes.delete(name)


@router.post("/sandboxes/{name}/reset", status_code=204)
async def reset(back: Door, name: SandboxName, phase: Phase | None = None) -> None:
    """Put the seeded city back."""
    await _restore(back, name, INITIAL, phase)


@router.post("/sandboxes/{name}/checkpoints", status_code=201)
async def save(back: Door, name: SandboxName, body: CheckpointName) -> dict[str, str]:
    """Keep the present state under a name."""
    if body.name == INITIAL:
        raise Problem(409, "checkpoint_reserved", _("The checkpoint {name} is the seeded city itself.", name=INITIAL))
    await back.sandboxes.save(name, body.name)
    return {"name": body.name}


@router.get("/sandboxes/{name}/checkpoints")
async def checkpoints(back: Door, name: SandboxName) -> dict[str, object]:
    """List the checkpoints."""
    return {"data": [{"name": image} for image in await back.sandboxes.checkpoints(name)]}


@router.delete("/sandboxes/{name}/checkpoints/{image}", status_code=204)
async def forget(back: Door, name: SandboxName, image: Image) -> None:
    """Remove a checkpoint."""
    if image == INITIAL or not await back.sandboxes.forget(name, image):
        raise _no_checkpoint(image)


@router.post("/sandboxes/{name}/checkpoints/{image}/restore", status_code=204)
async def restore(back: Door, name: SandboxName, image: Image, phase: Phase | None = None) -> None:
    """Put a kept state back."""
    await _restore(back, name, image, phase)


async def _restore(back: Back, name: str, image: str, phase: Phase | None) -> None:
    which = phase.phase if phase else None
    try:
        if which in {None, "prepare"}:
            await back.sandboxes.prepare(name, image)
        if which in {None, "commit"}:
            await back.sandboxes.commit(name)
        if which == "abort":
            await back.sandboxes.abort(name)
    except SandboxUnknownError:
        raise
    except LookupError as error:
        raise _no_checkpoint(image) from error


def _no_checkpoint(image: str) -> Problem:
    return Problem(404, "checkpoint_not_found", _("There is no checkpoint {name}.", name=image))


@router.post("/sandboxes/{name}/freeze")
async def freeze(back: Door, name: SandboxName) -> dict[str, object]:
    """Answer participants no more; tell who served them until now."""
    await back.sandboxes.freeze(name)
    return {"instance": back.instance_of(name)}


@router.post("/sandboxes/{name}/thaw", status_code=204)
async def thaw(back: Door, name: SandboxName) -> None:
    """Answer participants again: the next run in the same city begins."""
    await back.sandboxes.thaw(name)


@router.get("/sandboxes/{name}/journal")
async def journal(
    back: Door,
    name: SandboxName,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> JSONResponse:
    """Read the journal."""
    async with back.sandboxes.inside(name) as sandbox:
        await sandbox.flush()
        rows = await sandbox.journal.read(sandbox.database.reading, service=back.service, after=after, limit=limit + 1)
        meta = {"has_more": len(rows) > limit, "last": sandbox.journal.last}
        return JSONResponse({"data": rows[:limit], "meta": meta})


@router.put("/sandboxes/{name}/faults")
async def set_faults(back: Door, name: SandboxName, rules: RuleSet) -> dict[str, object]:
    """Replace the fault rules."""
    return await _faults(back, name, rules)


@router.delete("/sandboxes/{name}/faults")
async def clear_faults(back: Door, name: SandboxName) -> dict[str, object]:
    """Remove every fault rule."""
    return await _faults(back, name, RuleSet(rules=[]))


@router.get("/sandboxes/{name}/faults")
async def faults(back: Door, name: SandboxName) -> dict[str, object]:
    """Show the fault rules and how often each has struck."""
    return _shown(await back.sandboxes.get(name))


async def _faults(back: Back, name: str, rules: RuleSet) -> dict[str, object]:
    async with back.sandboxes.inside(name) as sandbox:
        before, sandbox.faults = sandbox.faults, Faults(rules.rules, sandbox.spec.seed, {}, {})
        try:
            await sandbox.remember("faults", sandbox.faults.stored())
        except BaseException:
            sandbox.faults = before
            raise
        await sandbox.drop_stale()
        return _shown(sandbox)


def _shown(sandbox: Sandbox) -> dict[str, object]:
    rules = [rule.model_dump(mode="json") for rule in sandbox.faults.rules]
    return {"rules": rules, "struck": dict(sandbox.faults.struck)}


@router.patch("/sandboxes/{name}/clock")
async def move_clock(back: Door, name: SandboxName, change: ClockChange) -> dict[str, str]:
    """Move the sandbox's clock."""
    if (change.advance_seconds is None) == (change.now is None):
        raise Problem(422, "validation_failed", _("Give either advance_seconds or now."))
    real = back.real()
    async with back.sandboxes.inside(name) as sandbox:
        if change.now is not None:
            shown = change.now if change.now.tzinfo else change.now.replace(tzinfo=WITA)
            moved = Clock.showing(shown, real)
        else:
            moved = sandbox.clock.moved(real, seconds=change.advance_seconds or 0.0)
        if moved is None:
            raise Problem(422, "validation_failed", _("The clock shows years from 1900 to 2199 only."))
        before, sandbox.clock = sandbox.clock, moved
        try:
            await sandbox.remember("clock", moved.stored())
        except BaseException:
            sandbox.clock = before
            raise
        return {"now": _now(back, sandbox)}


@router.get("/sandboxes/{name}/clock")
async def clock(back: Door, name: SandboxName) -> dict[str, str]:
    """Read the sandbox's clock."""
    return {"now": _now(back, await back.sandboxes.get(name))}


def _now(back: Back, sandbox: Sandbox) -> str:
    return sandbox.clock.now(back.real()).isoformat(timespec="milliseconds")


@router.get("/sandboxes/{name}/truth/{view}")
async def truth(back: Door, name: SandboxName, view: str) -> JSONResponse:
    """Give facts that only the grader may know."""
    look = back.views.get(view)
    if look is None:
        raise Problem(404, "view_not_found", _("There is no view {view}.", view=view))
    async with back.sandboxes.inside(name) as sandbox:
        world = build(sandbox.spec.seed, sandbox.spec.size, sandbox.spec.reference_date)
        return JSONResponse({"data": await look(world, sandbox.database.reading)})


def _refuse(request: Request, problem: Problem) -> Response:
    answer = problem.answer("en", instance=request.url.path, trace_id="-")
    return Response(answer.body, answer.status, dict(answer.headers))


async def _on_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return _refuse(request, error)
    if isinstance(error, RequestValidationError):
        return _refuse(request, problem_of(error.errors()))
    if isinstance(error, SandboxUnknownError):
        return _refuse(request, Problem(404, "sandbox_not_found", _("There is no such sandbox.")))
    if isinstance(error, SandboxDiffersError):
        detail = _("A sandbox with this id exists, made from another specification.")
        return _refuse(request, Problem(409, "sandbox_differs", detail))
    detail = _("The sandbox is busy, or not prepared for this.")
    return _refuse(request, Problem(409, "sandbox_busy", detail))


async def _on_elsewhere(_request: Request, error: Exception) -> Response:
    address = error.address if isinstance(error, ElsewhereError) else None
    headers = {} if address is None else {HOME: address}
    if isinstance(error, ElsewhereError) and error.is_doubtful:
        headers[DOUBTFUL] = "1"
    return Response(status_code=NOT_HOME, headers=headers)


async def _on_mistake(request: Request, _error: Exception) -> Response:
    return _refuse(request, Problem(500, "internal_error", _("The back door made a mistake; the log has its trace.")))


def backdoor(back: Back) -> FastAPI:
    """Make the back-door application of one service."""
    app = FastAPI(title=f"{back.service} back door", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.back = back
    # As they are: including the router would make all its routes anew for each service, on its first call.
    app.router.routes.extend(router.routes)
    for error in (Problem, RequestValidationError, SandboxUnknownError, SandboxDiffersError, SandboxBusyError):
        app.add_exception_handler(error, _on_problem)
    app.add_exception_handler(ElsewhereError, _on_elsewhere)
    app.add_exception_handler(Exception, _on_mistake)
    return app
