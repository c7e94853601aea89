"""One grading run as its checks see it: a fresh city, the participant's program run in it, and what happened.

The order is that of a fair trial: the program runs, everything it started is stopped, the city is frozen, and only then
is anything read. What the program did is told by the services' journals and state, never by the program.
"""

import fnmatch
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from grader import strictjson
from grader.city import City
from grader.exchange import Exchange, masked
from grader.isolation import Finished, Limit, Limits, Program, Rung
from grader.language import Text, catalogue
from grader.plaintext import clip
from grader.pulse import Pulse
from grader.verdicts import LabFault, Mismatch

_ = catalogue(__file__)

Faults = Mapping[str, Sequence[Mapping[str, Any]]]
"""Fault rules by service, as docs/architecture.md describes them."""

LAB_MISTAKES = frozenset({"internal_error", "issuer_unreachable"})
"""Problem codes in a journal that mean that the lab, not the participant, failed."""

LONGEST_ANSWER = 3.0
"""Seconds that the smallest answer may take: many HTTP clients give up after five, and ask for more than that."""
LARGEST_STEP = 0.1
"""Seconds by which the computer's clock may be set while a program runs; waits are judged by the times of calls."""
LONGEST_ANSWER_ON_AVERAGE = 0.2
"""Seconds, some fifty times of what is usual, at which right programs do not end in the time that they are given."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the participant's program, and every call it made.

    Attributes:
        finished: how it ended and what it printed, for judging.
        shown: the same with secrets masked, for showing.
        calls: over all services, in the order in which they began, masked.
    """

    finished: Finished
    shown: Finished
    calls: tuple[Exchange, ...]

    def to(
        self,
        service: str,
        path: str = "*",
        *,
        method: str | None = None,
        status: int | None = None,
    ) -> list[Exchange]:
        """Give the calls to a service.

        Args:
            path: `fnmatch` pattern on the path.
            method: only this method, in capitals.
            status: only with this answer.
        """
        return [
            call
            for call in self.calls
            if call.service == service
            and fnmatch.fnmatchcase(call.path, path)
            and method in {None, call.method}
            and status in {None, call.status}
        ]

    @property
    def tokens(self) -> list[Exchange]:
        """The calls that were given an access token."""
        return self.to("identity", "/oauth2/token", method="POST", status=200)

    def require_end(self) -> None:
        """Let the check go on only if the program ended by itself and without an error.

        Raises:
            Mismatch: it was stopped at a limit, or ended with an error; its last lines are shown.
        """
        finished = self.finished
        if finished.limit is not None:
            raise Mismatch(
                limit_sentence(finished.limit, finished.seconds),
                expected=_("the program ends by itself"),
                actual=_tail(self.shown.stderr or self.shown.stdout),
            )
        if finished.exit_code is None:
            raise Mismatch(
                _("The program was ended by the signal {name}.", name=signal_name(finished.signal)),
                expected=_("exit code 0"),
                actual=_tail(self.shown.stderr or self.shown.stdout),
            )
        if finished.exit_code != 0:
            raise Mismatch(
                _("The program ended with an error, exit code {code}.", code=str(finished.exit_code)),
                expected=_("exit code 0"),
                actual=_tail(self.shown.stderr or self.shown.stdout),
            )

    def answer(self) -> Any:  # noqa: ANN401 - whatever the participant printed
        """Give what the program printed, read as one strict JSON value.

        Raises:
            Mismatch: the program did not end well, or printed nothing or no JSON (NaN and double keys are no JSON).
        """
        self.require_end()
        # RFC 8259, section 8.1: a byte order mark may be passed over; some editors put one into a program.
        printed = self.finished.stdout.removeprefix("\ufeff").strip()
        if not printed:
            raise Mismatch(
                _("The program printed nothing. Its answer is expected on standard output, as JSON."),
                expected=_("one JSON value on standard output"),
                actual=_("nothing"),
            )
        try:
            return strictjson.parse(printed)
        except strictjson.NotStrictJson as error:
            raise Mismatch(
                _("What the program printed is not one JSON value. Print nothing else on standard output."),
                expected=_("one JSON value on standard output"),
                actual=_tail(self.shown.stdout),
            ) from error


def _require_the_same(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """An agency that ended and came back cut off a program that may have been right."""
    changed = [name for name, instance in before.items() if after[name] != instance]
    if changed:
        names = ", ".join(changed)
        raise LabFault(
            _(
                "The service {service} was started again while the program ran, so nothing can be said of it.",
                service=names,
            )
        )


def _doubt(finished: Finished, pulse: Pulse) -> LabFault | None:
    """Say whether the lab was too slow for a program that ended by itself, or was stopped for the time it took."""
    if finished.limit not in {None, Limit.WALL}:
        return None
    held_up = pulse.longest > LONGEST_ANSWER
    if not held_up and (finished.limit is None or pulse.mean <= LONGEST_ANSWER_ON_AVERAGE):
        return None
    return LabFault(
        _(
            "This computer was too busy while the program ran: agencies took too long to answer, so nothing can be "
            "said of the program. Close other programs, or wait until others are done, and try again."
        )
    )


def _stepped(before: float, after: float) -> LabFault | None:
    """Say whether the computer's clock was set meanwhile; what it is ahead of the running one stays the same else."""
    if abs(after - before) <= LARGEST_STEP:
        return None
    return LabFault(
        _("The clock of this computer was set while the program ran, so nothing can be said of the program. Try again.")
    )


def _ahead() -> float:
    return time.time() - time.perf_counter()


def limit_sentence(limit: Limit, seconds: float) -> Text:
    """Say which limit stopped the program."""
    sentences = {
        Limit.WALL: _("The program was still running after {seconds} seconds and was stopped.", seconds=round(seconds)),
        Limit.CPU: _("The program used more computing time than it may and was stopped. Does a loop never end?"),
        Limit.MEMORY: _("The program used more memory than it may and was stopped."),
        Limit.PROCESSES: _("The program started more processes than it may and was stopped."),
        Limit.DISK: _("The program wrote more than it may and was stopped."),
        Limit.FILE: _("The program wrote a file larger than it may and was stopped."),
    }
    return sentences[limit]


def signal_name(number: int | None) -> str:
    """Give the name of a signal ("SIGSEGV"), or its number where it has none here."""
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return str(number)


def _tail(text: str) -> str:
    """The last lines are the ones that tell, such as the end of a traceback."""
    return clip("\n".join(text.strip().splitlines()[-8:]), 800)


@dataclass(frozen=True)
class Bench:
    """Where and how the participant's program runs, the same for every run of a grading.

    Attributes:
        rung: how it is kept apart.
        argv: what starts it.
        submission: the private copy of what was handed in; the isolation gives each run a fresh copy of it.
        readable: what else it may read.
        limits: what it may use.
        ports: the agencies' ports.
        environment: what its world is: URLs and credentials.
    """

    rung: Rung
    argv: tuple[str, ...]
    submission: Path
    readable: tuple[Path, ...]
    limits: Limits
    ports: tuple[int, ...]
    environment: Mapping[str, str]

    def program(self, environment: Mapping[str, str] | None = None) -> Program:
        """Give the program as it is to be started.

        Args:
            environment: further variables.
        """
        return Program(
            argv=self.argv,
            work_dir=self.submission,
            environment={**self.environment, **(environment or {})},
            readable=self.readable,
            ports=self.ports,
        )

    def prepare(self) -> None:
        """Have done what can be done before the next run."""
        self.rung.prepare(self.limits, self.program())


class Grading:
    """The fixture `grading`: the city of this run, and the way to run the participant's program in it.

    Args:
        city: the services that the program uses.
        sandbox: id of the run's own sandbox.
        seed: what the sandbox was made from; also the source of this run's choices.
        bench: how the program runs.
        secrets: values to mask in every exchange.
        served_by: who serves the city in each service, as `City.instances` tells it.
        meanwhile: done in a thread of its own when the program runs for the first time and this process only waits.

    Attributes:
        random: choices of this run (where a fault strikes, which records are asked for), the same for the same seed.
        doubt: why a failing of the program so far may be the lab's; None where it is the program's own.
    """

    def __init__(
        self,
        city: City,
        sandbox: str,
        seed: int,
        bench: Bench,
        secrets: Sequence[str],
        *,
        served_by: Mapping[str, str],
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.random = Random(f"{seed}/checks")  # noqa: S311 - reproducible from the run's secret seed
        self.runs: list[Run] = []
        self._city = city
        self._sandbox = sandbox
        self._bench = bench
        self._secrets = tuple(secrets)
        self._meanwhile = meanwhile
        self._seen = dict.fromkeys(city.services, 0)
        self._frozen = False
        self._troubled = False
        self._served_by = served_by
        self.doubt: LabFault | None = None

    @property
    def calls(self) -> tuple[Exchange, ...]:
        """The calls of all runs so far."""
        return tuple(call for run in self.runs for call in run.calls)

    def run(
        self,
        *,
        files: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        faults: Faults | None = None,
    ) -> Run:
        """Run the participant's program once: in the city as the last run left it, in a fresh copy of the submission.

        Args:
            files: input files to lay beside the program, by plain name.
            environment: further variables.
            faults: trouble during this run, and no other.

        Raises:
            LabFault: the services or the isolation failed; nobody's score suffers.
        """
        bench = self._bench
        for name, content in (files or {}).items():
            (bench.submission / name).write_text(content, encoding="utf-8")
        if faults or self._troubled:
            self._city.set_faults(self._sandbox, faults or {})
        self._troubled = bool(faults)
        if self._frozen:
            self._city.thaw(self._sandbox)
        program = bench.program(environment)
        before = self._served_by = self._served_by or self._city.instances(self._sandbox)
        if self._meanwhile is not None:
            threading.Thread(target=self._meanwhile, daemon=True).start()
            self._meanwhile = None
        ahead = _ahead()
        with Pulse(*(partial(self._city.describe, name) for name in self._city.services)) as pulse:
            finished = bench.rung.run(program, bench.limits)
        bench.prepare()  # most exercises run it more than once
        self.doubt = self.doubt or _doubt(finished, pulse) or _stepped(ahead, _ahead())
        after = self._city.freeze(self._sandbox)
        self._frozen = True
        _require_the_same(before, after)
        run = Run(finished, self._masked(finished), tuple(self._new_calls()))
        self.runs.append(run)
        return run

    def _masked(self, finished: Finished) -> Finished:
        """What a program printed may hold the secret that it was given; no report shall."""
        stdout, stderr = (masked(text, self._secrets) for text in (finished.stdout, finished.stderr))
        return replace(finished, stdout=stdout, stderr=stderr)

    def reset(self) -> None:
        """Put the seeded city back: state, journal, faults and clock."""
        self._city.restore(self._sandbox)
        self._seen = dict.fromkeys(self._city.services, 0)
        self._frozen = self._troubled = False
        self._served_by = {}

    def _new_calls(self) -> Iterator[Exchange]:
        for entry in self._city.journal(self._sandbox, self._seen):
            service = entry["service"]
            self._seen[service] = max(self._seen[service], entry["seq"])
            address = self._city.services[service]
            call = Exchange.from_entry(entry, base_url=address.url, secrets=self._secrets, run=len(self.runs) + 1)
            _require_no_mistake(call)
            yield call

    def truth(self, service: str, view: str) -> Any:  # noqa: ANN401 - each view has its own shape
        """Give facts of the seeded city and its present state that only the grader may know."""
        return self._city.truth(self._sandbox, service, view)


def _require_no_mistake(call: Exchange) -> None:
    if call.status is None or call.status < 500 or call.fault is not None:
        return
    try:
        problem = strictjson.parse(call.response_body or "")
    except strictjson.NotStrictJson:
        return
    code = problem.get("code") if isinstance(problem, dict) else None
    if code in LAB_MISTAKES:
        place = f"{call.method} {call.path}"
        raise LabFault(
            _(
                "The service {service} failed by itself: {code} at {place}.",
                service=call.service,
                code=code,
                place=place,
            )
        )
