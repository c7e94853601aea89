"""A run as a short story: the calls of a program in order, with what repeats told once.

Pure: journal entries in, steps out. `grader.trace` draws the steps in a terminal, `report.html` in a page.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from grader.exchange import Exchange
from grader.plaintext import sanitise

SHORTEST_WAIT: Final = 0.25
"""Seconds without any call under way that count as waiting."""
LONGEST_STORY: Final = 60
"""Steps told; of a longer story the middle is left out."""
LONGEST_LOOP: Final = 8
_LONGEST_LABEL: Final = 300
_LONGEST_QUERY_VALUE: Final = 24
_DIGIT = re.compile(r"\d")
_SERVICE: Final = re.compile(r"[a-z][a-z0-9_-]{0,29}")


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or several like it in a row.

    Attributes:
        service: who was called; `label`: method and path, cleaned, with "…" for what differs between the calls.
        status: None where the connection was closed without an answer.
        at: seconds since the first call of the story; `times`: how many calls; `together`: how many at once, at most.
        fault: the rule that planted the trouble; `committed`: the call changed something.
        key: what makes it alike another call, however often each came.
        retry_after: what the answer asked the program to wait, as it stood there; empty if nothing.
    """

    service: str
    label: str
    status: int | None
    at: float
    times: int = 1
    together: int = 1
    fault: str = ""
    committed: bool = False
    retry_after: str = ""
    key: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Time in which the program called nobody. `asked`: the Retry-After it was answered just before."""

    seconds: float
    asked: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Return what makes this wait alike another."""
        return ("wait", self.asked)


@dataclass(frozen=True, slots=True)
class Start:
    """The program was started for the `run`-th time."""

    run: int

    @property
    def key(self) -> tuple[object, ...]:
        """Return what makes this start unlike any other step."""
        return ("start", self.run)


@dataclass(frozen=True, slots=True)
class Loop:
    """Steps that came `times` times in a row."""

    times: int
    steps: tuple["Told", ...]


@dataclass(frozen=True, slots=True)
class Omitted:
    """Steps left out of a long story."""

    steps: int


Told: TypeAlias = Call | Wait | Start
Step: TypeAlias = Told | Loop | Omitted


@dataclass(frozen=True, slots=True)
class Story:
    """What a program did.

    Attributes:
        steps: in order.
        services: the agencies, in the order of their first call.
        calls: how many calls to each. `faults`: how many calls met planted trouble. `waited`: seconds in all.
    """

    steps: tuple[Step, ...]
    services: tuple[str, ...]
    calls: Mapping[str, int]
    faults: int
    waited: float


def tell(entries: Iterable[Exchange | Mapping[str, Any]]) -> Story:
    """Return the story of `entries`, which may be of several agencies and in any order."""
    calls = sorted(
        (entry if isinstance(entry, Exchange) else Exchange.from_entry(entry) for entry in entries),
        key=lambda call: (call.run, call.started, call.seq),
    )
    counts: dict[str, int] = {}
    for call in calls:
        counts[_service(call)] = counts.get(_service(call), 0) + 1
    flat = list(_collapsed(calls))
    return Story(
        steps=_shortened(_looped(flat)),
        services=tuple(counts),
        calls=counts,
        faults=sum(1 for call in calls if call.fault),
        waited=sum(step.seconds for step in flat if isinstance(step, Wait)),
    )


def _service(call: Exchange) -> str:
    return call.service if _SERVICE.fullmatch(call.service) else "?"


def _collapsed(calls: Sequence[Exchange]) -> Iterator[Told]:
    """Yield the calls with like neighbours as one, and what came between them."""
    start = calls[0].started if calls else 0.0
    for like, neighbours in groupby(_with_waits(calls), key=_likeness):
        group = [item for item in neighbours if isinstance(item, Exchange)]
        if group:
            yield _one_call(group, start, like)
        else:
            yield like


def _with_waits(calls: Sequence[Exchange]) -> Iterator[Exchange | Wait | Start]:
    """Yield the calls, the waits between those of one run, and the starts where there are several runs."""
    several = len({call.run for call in calls}) > 1
    run, busy_until = 0, 0.0
    before: Exchange | None = None
    for call in calls:
        if before is None or call.run != run:
            run, busy_until = call.run, call.started
            if several:
                yield Start(run)
        elif call.started - busy_until >= SHORTEST_WAIT:
            yield Wait(call.started - busy_until, _retry_after(before))
        yield call
        busy_until = max(busy_until, call.ended)
        before = call


def _likeness(item: Exchange | Wait | Start) -> Any:  # noqa: ANN401 - a tuple for calls, everything else is itself
    if not isinstance(item, Exchange):
        return item
    places = tuple(["*" if _is_identifier(segment) else segment for segment in item.path.split("/")])
    names = tuple([name for name, _value in _pairs(item.query)])
    return (item.service, item.method, places, names, item.status, item.fault, item.committed)


@lru_cache(1024)
def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(query, keep_blank_values=True))


@lru_cache(1024)
def _is_identifier(segment: str) -> bool:
    """Say whether a part of a path names a thing (it has a digit), and is not a version such as "v1"."""
    return bool(_DIGIT.search(segment)) and not (segment[:1] == "v" and segment[1:].isdigit())


def _one_call(group: Sequence[Exchange], start: float, like: tuple[object, ...]) -> Call:
    first = group[0]
    return Call(
        service=_service(first),
        label=sanitise(f"{first.method} {_path(group)}{_query(group)}", limit=_LONGEST_LABEL),
        status=first.status,
        at=max(first.started - start, 0.0),
        times=len(group),
        together=_most_together(group),
        fault=sanitise(first.fault or "", limit=80),
        committed=first.committed,
        retry_after=_retry_after(group[-1]),
        key=like,
    )


def _path(group: Sequence[Exchange]) -> str:
    if len(group) == 1:
        return group[0].path
    columns = zip(*(call.path.split("/") for call in group), strict=True)
    return "/".join(column[0] if len(set(column)) == 1 else "…" for column in columns)


def _query(group: Sequence[Exchange]) -> str:
    columns = zip(*(_pairs(call.query) for call in group), strict=True)
    pairs = [f"{column[0][0]}={_short(column[0][1]) if len(set(column)) == 1 else '…'}" for column in columns]
    return "?" + "&".join(pairs) if pairs else ""


def _short(value: str) -> str:
    """Return a value of a query without the long tail that a cursor has."""
    return value if len(value) <= _LONGEST_QUERY_VALUE else value[:8] + "…"


def _retry_after(call: Exchange) -> str:
    return next(
        (sanitise(value, limit=40) for name, value in call.response_headers.items() if name.lower() == "retry-after"),
        "",
    )


def _most_together(group: Sequence[Exchange]) -> int:
    if len(group) == 1:
        return 1
    # An end sorts before a start at the same moment: one after the other is not together.
    edges = sorted([(call.started, 1) for call in group] + [(call.ended, -1) for call in group])
    most = now = 0
    for _moment, change in edges:
        now += change
        most = max(most, now)
    return max(most, 1)


def _looped(flat: Sequence[Told]) -> list[Step]:
    """Return the steps with runs that come again and again told once.

    The same work is told from the same first step wherever it comes again: a loop that only turns an earlier one round
    is left until its own first step comes.
    """
    told: list[Step] = []
    firsts: dict[str, tuple[object, ...]] = {}
    place = 0
    while place < len(flat):
        length, times = _longest_loop(flat, place)
        keys = [step.key for step in flat[place : place + length]]
        if times and firsts.setdefault(_unturned(keys), keys[0]) == keys[0]:
            told.append(Loop(times, tuple(_typical(flat, place, length, times))))
            place += length * times
        else:
            told.append(flat[place])
            place += 1
    return told


def _unturned(keys: Sequence[tuple[object, ...]]) -> str:
    """Return a name for a loop that is the same whichever of its steps it is told from."""
    names = [repr(key) for key in keys]
    return min("\n".join(names[turn:] + names[:turn]) for turn in range(len(names)))


def _longest_loop(flat: Sequence[Told], place: int) -> tuple[int, int]:
    """Return the length of the run at `place` and how often it comes, or (0, 0) where a loop would save nothing."""
    best = (0, 0)
    for length in range(2, LONGEST_LOOP + 1):
        keys = [step.key for step in flat[place : place + length]]
        times = 1
        while keys == [step.key for step in flat[place + times * length : place + (times + 1) * length]]:
            times += 1
        saved = (times - 1) * length
        if saved > 2 and length * times > best[0] * best[1]:
            best = (length, times)
    return best


def _typical(flat: Sequence[Told], place: int, length: int, times: int) -> Iterator[Told]:
    """Yield each step of a loop once, with "…" for what differs from turn to turn."""
    for offset in range(length):
        turns = [flat[place + turn * length + offset] for turn in range(times)]
        first = turns[0]
        if isinstance(first, Wait):
            yield Wait(sum(turn.seconds for turn in turns if isinstance(turn, Wait)) / times, first.asked)
        elif isinstance(first, Call):
            labels = [turn.label for turn in turns if isinstance(turn, Call)]
            counts = [turn.times for turn in turns if isinstance(turn, Call)]
            yield replace(first, label=_common_label(labels), times=max(counts))


def _common_label(labels: Sequence[str]) -> str:
    """Return the label that stands for all: of the same make (their keys are equal), "…" where they differ."""
    pieces = [re.split(r"([/?&=])", label) for label in labels]
    if len({len(parts) for parts in pieces}) != 1:
        return labels[0]
    columns = zip(*pieces, strict=True)
    return "".join(column[0] if len(set(column)) == 1 else "…" for column in columns)


def _shortened(steps: list[Step]) -> tuple[Step, ...]:
    if len(steps) <= LONGEST_STORY:
        return tuple(steps)
    tail = LONGEST_STORY // 4
    head = LONGEST_STORY - tail - 1
    return (*steps[:head], Omitted(len(steps) - head - tail), *steps[-tail:])
