"""What the container engine, its builder and Compose say when something fails, in words for people."""

import errno
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.language import Text, catalogue
from lab.outcomes import LabFailedError
from lab.ports import holder

_ = catalogue(__file__)

_LINES_SHOWN = 8
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_TAKEN = re.compile(r"(?:port is already allocated|address already in use|ports are not available)", re.IGNORECASE)
_PORT = re.compile(r":(\d{2,5})\b")
_NO_IMAGE = re.compile(
    r"pull access denied|manifest (?:for \S+ )?(?:unknown|not found)|failed to resolve (?:source metadata|reference)"
    r"|no such image|error getting credentials|registry-1\.docker\.io|dial tcp: lookup|TLS handshake timeout",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"(?:docker\.io/(?:library/)?|denied for |manifest for |[Ii]mage:? )([\w./-]+(?::[\w.-]+)?)")
_FORBIDDEN = re.compile(r"permission denied.*(?:docker\.?sock|daemon socket)", re.IGNORECASE | re.DOTALL)
_GONE = re.compile(r"cannot connect to the docker daemon|is the docker daemon running", re.IGNORECASE)

KIT = _("Without internet, load the images of the kit first: docker load -i kit/images/spbe-lab-images.tar.gz")
START = _("Start it (on Linux: sudo systemctl start docker; else open Docker Desktop), then repeat your command.")


class EngineAwayError(LabFailedError):
    """There is no engine, or none that answers."""


def engine_missing() -> EngineAwayError:
    """Returns what to say where there is no Docker on this machine."""
    return EngineAwayError(
        _("Docker is not installed on this computer."),
        _("Install Docker Engine with Compose, or use the lab without it: unset LAB_MODE."),
    )


def engine_silent(where: str, detail: str = "") -> EngineAwayError:
    """Returns what to say where Docker is installed but nobody answers at `where`."""
    return EngineAwayError(_("Docker is installed, but does not answer at {where}.", where=where), START, detail)


def engine_forbidden(where: str) -> LabFailedError:
    """Returns what to say where this user may not speak to the engine."""
    return LabFailedError(
        _("This user may not use Docker: the engine's socket {where} is closed to it.", where=where),
        _("Ask for the group docker (sudo usermod -aG docker $USER), log in anew, and repeat your command."),
    )


def left_behind(mode: str) -> Text:
    """Returns what to say where a lab is given up whose engine cannot be asked what is left of it."""
    return _(
        "Docker does not answer, so the lab forgets its containers; they may be there still. "
        "When Docker answers again, remove them with: LAB_MODE={mode} make down",
        mode=mode,
    )


def password_lost(file: Path, volume: str, mode: str) -> LabFailedError:
    """Returns what to say where a database is there without its password.

    Args:
        file: that the password was in.
        volume: that the database is in.
        mode: of the lab.
    """
    return LabFailedError(
        _("The lab's database is still there, but its password is gone: {file}", file=file),
        _(
            "Put that file back. Or give up what the lab has saved: LAB_MODE={mode} make down, then: "
            "docker volume rm {volume}",
            mode=mode,
            volume=volume,
        ),
    )


def image_missing(image: str, detail: str = "") -> LabFailedError:
    """Returns what to say where an image is neither here nor to be had."""
    problem = _("The image {image} is not on this computer and cannot be fetched.", image=image)
    return LabFailedError(problem, KIT, detail)


def disk_full(detail: str = "") -> LabFailedError:
    """Returns what to say where the engine has no room left."""
    return LabFailedError(
        _("The disk that Docker keeps its data on is full."),
        _("Free some space (docker system df shows who takes it), then repeat your command."),
        detail,
    )


def port_taken(port: int, publisher: str = "") -> LabFailedError:
    """Returns what to say where somebody listens on a port of the lab.

    Args:
        port: that is taken.
        publisher: the container that has it, if it is one.
    """
    by = holder(port)
    if publisher:
        problem = _("Port {port} is already used by the container {name}.", port=port, name=publisher)
    elif by.pid:
        problem = _("Port {port} is already used by {name} (process {pid}).", port=port, name=by.name, pid=by.pid)
    else:
        problem = _("Port {port} is already used by another program.", port=port)
    return LabFailedError(problem, _("Close that program, or use other ports, such as: LAB_PORT_BASE=8300 make up"))


def build_failed(target: str, said: Sequence[str]) -> LabFailedError:
    """Returns what to say where an image could not be built."""
    known = _known("\n".join(said))
    if known is not None:
        return known
    problem = _("The image {name} could not be built.", name=f"spbe-lab/{target}")
    return LabFailedError(problem, KIT, _last(said))


def compose_failed(said: Sequence[str]) -> LabFailedError:
    """Returns what to say where Compose could not do its part."""
    known = _known("\n".join(said))
    if known is not None:
        return known
    problem = _("Docker Compose could not start the lab.")
    return LabFailedError(problem, _("Look at the log with: lab logs, then run: make doctor"), _last(said))


def engine_failed(explanation: str) -> LabFailedError:
    """Returns what to say where the engine refused something."""
    known = _known(explanation)
    if known is not None:
        return known
    return LabFailedError(_("Docker could not do its part."), _("Run: make doctor"), _last(explanation.splitlines()))


def not_connected(error: BaseException, where: str, *, installed: bool) -> LabFailedError:
    """Returns what to say where the engine could not be reached, by what lies at the bottom of `error`."""
    numbers = {cause.errno for cause in _causes(error) if isinstance(cause, OSError)}
    if errno.EACCES in numbers or errno.EPERM in numbers:
        return engine_forbidden(where)
    if not installed:
        return engine_missing()
    return engine_silent(where)


def _known(said: str) -> LabFailedError | None:
    if _TAKEN.search(said):
        ports = _PORT.findall(said)
        if ports:
            return port_taken(int(ports[-1]))
    kinds: list[tuple[re.Pattern[str], Callable[[], LabFailedError]]] = [
        (_FULL, lambda: disk_full(_last(said.splitlines()))),
        (_FORBIDDEN, lambda: engine_forbidden("docker.sock")),
        (_GONE, lambda: engine_silent("docker.sock")),
        (_NO_IMAGE, lambda: image_missing(_image_in(said), _last(said.splitlines()))),
    ]
    return next((words() for pattern, words in kinds if pattern.search(said)), None)


def _image_in(said: str) -> str:
    found = _IMAGE.search(said)
    return found.group(1) if found else "?"


def _causes(error: BaseException) -> list[BaseException]:
    """Returns an error and everything that it wraps: as its cause, or among its arguments, as HTTP clients do."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__, *one.args]
        elif isinstance(one, tuple):
            waiting += one
    return found


def _last(lines: Sequence[str]) -> str:
    return "\n".join([line for line in lines if line.strip()][-_LINES_SHOWN:])


def compose_missing(found: str) -> LabFailedError:
    """Returns what to say where Compose is not there, or too old.

    Args:
        found: its version; empty where there is none.
    """
    problem: Text = (
        _("Docker Compose {version} is too old; the lab needs 2.20 or newer.", version=found)
        if found
        else _("Docker has no Compose here: `docker compose` is not known.")
    )
    return LabFailedError(
        problem, _("Install the package docker-compose-plugin (or docker-compose-v2) and docker-buildx.")
    )
