"""The grader's way to the services: their back doors, over HTTP, and nothing else.

Whatever goes wrong here is the lab's own failure, so every transport error becomes a `LabFault`, never a participant's
fail. Calls that concern all services of a sandbox run side by side.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from grader.backdoor import Backdoor, BackdoorUnreachableError
from grader.language import catalogue
from grader.verdicts import LabFault

_ = catalogue(__file__)

INITIAL = "initial"
LAST_TO_OPEN = "identity"
"""Creating a sandbox ends with this service, so that no token exists before the city does."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Address:
    """Where one service is.

    Attributes:
        url: the agency's public base URL, which participants' programs are given.
        backdoor: `unix:PATH` or an `http://` base URL.
    """

    url: str
    backdoor: str


class CityRefusal(LabFault):
    """A back door answered, but not with what was asked for.

    Attributes:
        status: the HTTP status.
        code: the problem's `code`, empty where there is none.
    """

    def __init__(self, service: str, status: int, code: str) -> None:
        super().__init__(
            _("The service {service} refused the lab: {status} {code}.", service=service, status=status, code=code)
        )
        self.status = status
        self.code = code


class City:
    """All services of one running lab.

    Args:
        services: their addresses by name, in any order.
        token: the lab's token.
    """

    def __init__(self, services: Mapping[str, Address], token: str) -> None:
        self.services = dict(services)
        self._backdoors = {name: Backdoor(address.backdoor, token) for name, address in services.items()}
        self._workers = ThreadPoolExecutor(max(len(services), 1), thread_name_prefix="city")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def only(self, names: Iterable[str]) -> "City":
        """Give the same city with these services and no others; it is this one that is closed.

        Raises:
            LabFault: one of them is not there.
        """
        wanted = set(names)
        if missing := wanted - set(self.services):
            raise LabFault(_("The service {service} is not part of this lab.", service=", ".join(sorted(missing))))
        some = copy(self)
        some.services = {name: address for name, address in self.services.items() if name in wanted}
        return some

    def close(self) -> None:
        """Close every connection."""
        self._workers.shutdown()
        for backdoor in self._backdoors.values():
            backdoor.close()

    def describe(self, service: str) -> dict[str, Any]:
        """Say what a service is: `{service, version, views}`."""
        return dict(self._call(service, "GET", ""))

    def create(self, sandbox: str, spec: Mapping[str, Any]) -> None:
        """Make a sandbox in every service, identity last. Making the same one again changes nothing."""
        first = [name for name in self.services if name != LAST_TO_OPEN]
        self._everywhere(lambda name: self._call(name, "PUT", f"/sandboxes/{sandbox}", spec), first)
        if LAST_TO_OPEN in self.services:
            self._call(LAST_TO_OPEN, "PUT", f"/sandboxes/{sandbox}", spec)

    def show(self, sandbox: str, service: str = LAST_TO_OPEN) -> dict[str, Any] | None:
        """Give what a service says of a sandbox, or None when there is none."""
        try:
            return dict(self._call(service, "GET", f"/sandboxes/{sandbox}"))
        except CityRefusal as refusal:
            if refusal.status == 404:
                return None
            raise

    def instances(self, sandbox: str) -> dict[str, str]:
        """Tell by which word each service knows the process that serves the sandbox; another one has forgotten.

        Raises:
            LabFault: a service does not answer, or has no such sandbox any more.
        """
        return self._instances(self._everywhere(lambda name: self._call(name, "GET", f"/sandboxes/{sandbox}")))

    def _instances(self, told: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        return {name: str(one["instance"]) for name, one in zip(self.services, told, strict=True)}

    def names(self, service: str = LAST_TO_OPEN) -> list[str]:
        """Give the ids of a service's sandboxes."""
        return [row["id"] for row in self._call(service, "GET", "/sandboxes")["data"]]

    def delete(self, sandbox: str) -> None:
        """Remove a sandbox everywhere, if it is there."""
        self._everywhere(lambda name: self._call(name, "DELETE", f"/sandboxes/{sandbox}"))

    def restore(self, sandbox: str, image: str = INITIAL) -> None:
        """Put an image back in all services or in none; without `image` the seeded city: a reset.

        Raises:
            LabFault: nothing was put back, or the lab ended in the middle; then call `restore` again to end it.
        """
        path = f"/sandboxes/{sandbox}/checkpoints/{image}/restore"
        try:
            self._everywhere(lambda name: self._call(name, "POST", path, {"phase": "prepare"}))
        except LabFault:
            self._everywhere(lambda name: self._call(name, "POST", path, {"phase": "abort"}))
            raise
        self._everywhere(lambda name: self._call(name, "POST", path, {"phase": "commit"}))

    def save(self, sandbox: str, image: str) -> None:
        """Keep the present state of a sandbox in all services under a name."""
        self._everywhere(lambda name: self._call(name, "POST", f"/sandboxes/{sandbox}/checkpoints", {"name": image}))

    def freeze(self, sandbox: str) -> dict[str, str]:
        """Answer the sandbox's participants no more, in every service; tell who served them, as `instances` does."""
        return self._instances(self._everywhere(lambda name: self._call(name, "POST", f"/sandboxes/{sandbox}/freeze")))

    def thaw(self, sandbox: str) -> None:
        """Undo `freeze`."""
        self._everywhere(lambda name: self._call(name, "POST", f"/sandboxes/{sandbox}/thaw"))

    def set_faults(self, sandbox: str, faults: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Replace the fault rules of the sandbox: those named, by service, and no others."""
        self._everywhere(
            lambda name: self._call(name, "PUT", f"/sandboxes/{sandbox}/faults", {"rules": list(faults.get(name, ()))})
        )

    def advance(self, sandbox: str, seconds: float) -> None:
        """Put the sandbox's clock forward in every service."""
        body = {"advance_seconds": seconds}
        self._everywhere(lambda name: self._call(name, "PATCH", f"/sandboxes/{sandbox}/clock", body))

    def truth(self, sandbox: str, service: str, view: str) -> Any:  # noqa: ANN401 - each view has its own shape
        """Give facts that only the grader may know."""
        return self._call(service, "GET", f"/sandboxes/{sandbox}/truth/{view}")["data"]

    def journal(self, sandbox: str, after: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """Give the journal entries of all services, in the order in which the calls began.

        Args:
            after: by service, the last `seq` already seen.
        """
        seen = after or {}
        pages = self._everywhere(lambda name: self._journal(name, sandbox, seen.get(name, 0)))
        return sorted((entry for page in pages for entry in page), key=lambda entry: (entry["started"], entry["seq"]))

    def _journal(self, service: str, sandbox: str, after: int) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            page = self._call(service, "GET", f"/sandboxes/{sandbox}/journal?after={after}&limit=5000")
            entries += page["data"]
            if not page["meta"]["has_more"]:
                return entries
            after = page["data"][-1]["seq"]

    def _everywhere(self, call: Callable[[str], Result], names: Sequence[str] | None = None) -> list[Result]:
        """Call every service (or those named) side by side; wait for all before raising what one of them raised."""
        calls = [self._workers.submit(call, name) for name in (self.services if names is None else names)]
        errors = [error for done in calls if (error := done.exception()) is not None]
        if errors:
            raise errors[0]
        return [done.result() for done in calls]

    def _call(self, service: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        try:
            answer = self._backdoors[service].call(method, f"/_lab{path}", body)
        except BackdoorUnreachableError as error:
            raise LabFault(
                _("The service {service} does not answer. Start the lab again with: make up", service=service)
            ) from error
        if answer.status < 300:
            return answer.content
        code = answer.content.get("code", "") if isinstance(answer.content, dict) else ""
        raise CityRefusal(service, answer.status, str(code))
