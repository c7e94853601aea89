"""Has a program run by a keeper, a process of its own for each run (Linux), and understands what the keeper says."""

import marshal
import os
import subprocess
from pathlib import Path

from grader.isolation.contract import Finished, IsolationFailed, Limit, Limits, Program
from grader.isolation.keeper.order import Bounds, Order, Paths, Sandbox
from grader.isolation.leftovers import new_mark, stop_marked
from grader.isolation.nursery import Nursery, dismiss
from grader.isolation.surroundings import surroundings
from grader.isolation.workplace import workplace
from grader.language import catalogue

_ = catalogue(__file__)

_NURSERY = Nursery()

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
"""Exit codes of shells for a program that cannot be started."""


def warm(sandbox: Sandbox | None = None) -> None:
    """Have a keeper start for the run that is to come, and build the sandbox of its order."""
    _NURSERY.warm(sandbox)


def order(program: Program, limits: Limits, *, folder: Path, temporary: Path) -> Order:
    """Return what is the same in the orders of all rungs; what confines the program is left empty.

    Args:
        program: what to run.
        limits: what it may use.
        folder: where it starts, as it sees it.
        temporary: for its temporary files, as it sees it.
    """
    argv = [str(folder / program.argv[0]), *program.argv[1:]]
    environment = surroundings(argv[0], folder, temporary, program.environment)
    return {
        "argv": argv,
        "environment": {**environment, **new_mark()},
        "source": str(program.work_dir),
        "folder": str(folder),
        "temporary": str(temporary),
        "place": "",
        "read": [str(path) for path in program.readable],
        "ports": sorted(set(program.ports)),
        "bounds": _bounds(limits),
        "landlock": None,
        "sandbox": None,
        "contained": None,
        "spare": [os.getpid()],
    }


def run_here(program: Program, limits: Limits, *, landlock: Paths | None) -> Finished:
    """Run `program` among the machine's own files, in a folder that is made for it and removed afterwards.

    Args:
        program: what to run.
        limits: what it may use.
        landlock: what it may do with files; None for whatever its user may.

    Raises:
        IsolationFailed: the lab could not do its part.
    """
    with workplace() as place:
        given = order(program, limits, folder=place / "work", temporary=place / "tmp")
        given["place"] = str(place)
        given["landlock"] = landlock
        return carry_out(given)


def carry_out(given: Order) -> Finished:
    """Have `given` done by a keeper and return how it went.

    Raises:
        IsolationFailed: the keeper could not do it, or did not live to tell.
    """
    keeper = _NURSERY.take(given["sandbox"])
    try:
        answer, complaint = _ask(keeper, given)
    finally:
        dismiss(keeper)
    if not answer:
        stop_marked(given["environment"])
        raise IsolationFailed(_("The process that watches over the program has died."), detail=complaint[-2000:])
    return understood(given, answer)


def _ask(keeper: subprocess.Popen[bytes], given: Order) -> tuple[bytes, str]:
    assert keeper.stdin is not None  # noqa: S101 - for the type checker, as the next two lines
    assert keeper.stdout is not None  # noqa: S101
    assert keeper.stderr is not None  # noqa: S101
    try:
        keeper.stdin.write(marshal.dumps(given))  # type: ignore[arg-type]  # a TypedDict of plain values is one
        keeper.stdin.flush()
    except BrokenPipeError:
        return b"", keeper.stderr.read().decode(errors="replace")
    answer = keeper.stdout.read()
    return answer, "" if answer else keeper.stderr.read().decode(errors="replace")


def understood(given: Order, answer: bytes) -> Finished:
    """Return how a run went, as the keeper that had the order `given` put it.

    Raises:
        IsolationFailed: the keeper could not do it, or the agencies could not be reached.
    """
    head, _separator, body = answer.partition(b"\n\n")
    said = dict(line.split("=", 1) for line in head.decode().splitlines())
    texts = {}
    for name in ("problem", "stdout", "stderr"):
        length = int(said.get(name, 0))
        texts[name], body = body[:length].decode(errors="replace"), body[length:]
    if "problem" in said:
        raise IsolationFailed(_("The program could not be isolated."), detail=texts["problem"])
    if said.get("shut", "0") != "0":
        raise IsolationFailed(_("An agency could not be reached while the program ran."), detail=texts["stderr"][-400:])
    if said.get("starved", "0") != "0":
        raise IsolationFailed(
            _("This computer ran out of memory while the program ran. Close other programs, and try again.")
        )
    if "unstartable" in said:
        return _unstartable(given, texts["stderr"])
    return Finished(
        exit_code=int(said["exit"]) if said["exit"] else None,
        signal=int(said["signal"]) if said["signal"] else None,
        stdout=texts["stdout"],
        stderr=texts["stderr"],
        seconds=float(said["seconds"]),
        cut=said["dropped"] != "0",
        limit=Limit(said["limit"]) if said["limit"] else None,
    )


def _unstartable(given: Order, reason: str) -> Finished:
    """Return the end of a program that never began; an interpreter that cannot be started is the lab's affair."""
    program = Path(given["argv"][0])
    if not program.is_relative_to(given["folder"]):
        raise IsolationFailed(_("{program} could not be started.", program=str(program)), detail=reason)
    code = _NOT_FOUND if "FileNotFoundError" in reason else _NOT_EXECUTABLE
    said = f"{program.name}: {reason}\n"
    return Finished(exit_code=code, signal=None, stdout="", stderr=said, seconds=0.0, cut=False, limit=None)


def _bounds(limits: Limits) -> Bounds:
    return {
        "wall_seconds": limits.wall_seconds,
        "cpu_seconds": limits.cpu_seconds,
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "open_files": limits.open_files,
        "file_bytes": limits.file_bytes,
        "work_bytes": limits.work_bytes,
        "output_bytes": limits.output_bytes,
    }
