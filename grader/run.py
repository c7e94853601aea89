"""A grading run from a submission to its results.

Copy the submission and take its hash; make a fresh city from a fresh secret seed; judge; remove the city. Results are
written after every task to a folder that the participant's program cannot write, and every task counts as an error
until it is judged, so nothing that ends early can pass for more than it is.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from grader import resultsfile
from grader.city import LAST_TO_OPEN, City
from grader.exercise import Exercise
from grader.grading import Bench, Grading
from grader.isolation import Limits, ProgramUnknown, Rung, best, command, protect_this_process, workplace
from grader.isolation.engine import Place
from grader.language import catalogue
from grader.results import Exercise as Graded
from grader.results import Program as Ended
from grader.results import Results, TaskResult, crash
from grader.submissions import Submission, SubmissionRefused, take_in
from grader.verdicts import ExitCode, LabFault

if TYPE_CHECKING:
    from grader.isolation.container import Container

_ = catalogue(__file__)

REFERENCE_DATE = date(2026, 11, 2)
"""The city's today at the start of every run: a Monday."""
SEED_BITS = 63
MIB = 1024 * 1024

CONTAINER = "container"
"""What orders call the rung that a `Learner` with a place has on top of the ladder."""

Tell = Callable[[TaskResult], None]


@dataclass(frozen=True, slots=True)
class Learner:
    """The environment that participants' programs run in; never the lab's own.

    Attributes:
        python: its interpreter.
        readable: folders that a program may read: the interpreter's and its packages'.
        place: where containers are made for programs; None where they run on this machine.
    """

    python: Path
    readable: tuple[Path, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to grade, where, and for whom.

    Attributes:
        submission: a folder or a `.zip`.
        out: folder for the results and reports; made when missing.
        seed: None for a fresh secret one; a given one makes the run practice.
        isolation: name of the rung to use; None for the best that works.
        proven: a file that remembers that the best rung works here; None to try it out at every run.
        provisional: whether this machine is the participant's own.
    """

    exercise: Exercise
    submission: Path
    out: Path
    learner: Learner
    lab_version: str
    seed: int | None = None
    participant: str = ""
    cohort: str = ""
    isolation: str | None = None
    proven: Path | None = None
    provisional: bool = True


def grade(order: Order, city: City, tell: Tell = lambda _result: None) -> Results:
    """Grade one submission and write its reports.

    Args:
        tell: is given each task's result as soon as it is known.

    Raises:
        SubmissionRefused: the submission cannot be taken in; nothing was run.
        KeyboardInterrupt: the person stopped it; the city is removed all the same.
    """
    began = time.perf_counter()
    protect_this_process()
    run = _Run(order, city, tell)
    with ThreadPoolExecutor(1, thread_name_prefix="city") as behind:
        try:
            run.judge(behind)
        except LabFault as fault:
            run.results = run.results.broken(crash(fault))
        run.results = replace(run.results, execution_time=time.perf_counter() - began)
        run.save()
        run.report()
    return run.results


class _Run:
    """The state of one run."""

    def __init__(self, order: Order, city: City, tell: Tell) -> None:
        self.order = order
        self.city = city
        self.tell = tell
        self.seed = secrets.randbits(SEED_BITS) if order.seed is None else order.seed
        self.sandbox = f"run{secrets.token_hex(6)}"
        self.secret = secrets.token_urlsafe(24)
        self.grading: Grading | None = None
        self.results = _blank(order, self.sandbox, self.seed)

    def judge(self, behind: ThreadPoolExecutor) -> None:
        """Take the submission in, make the city, run the checks.

        Args:
            behind: a thread for what nobody has to wait for: to make the city, and to remove it.
        """
        order = self.order
        order.out.mkdir(parents=True, exist_ok=True)
        # What neither the program is let through to nor the checks ask need not be made, frozen or read.
        self.city = self.city.only({LAST_TO_OPEN, *order.exercise.uses, *order.exercise.consults})
        with workplace() as place, self._container(behind) as container:
            submission = take_in(order.submission, place / "submission")
            self.results = replace(self.results, submission_sha256=submission.sha256)
            argv = _start(submission, order.learner) if container is None else []
            with self._city(behind) as made:
                # All this is done while the agencies make the city: each takes about as long as that.
                rung = container or best(order.isolation, order.proven)
                self.results = replace(self.results, isolation=rung.name)
                self.save()
                bench = self._bench(submission, rung, argv)
                bench.prepare()
                from grader.plugin import Judge  # noqa: PLC0415 - brings pytest along

                if container is not None:
                    bench = replace(bench, argv=tuple(_start(submission, order.learner, container)))
                grading = self.grading = Grading(
                    self.city,
                    self.sandbox,
                    self.seed,
                    bench,
                    [self.secret],
                    served_by=made.result(),
                    meanwhile=_warm_up_reports,
                )
                judge = Judge(order.exercise, grading, self._judged)
                try:
                    judge.judge()
                finally:
                    if grading.runs:
                        self.results = replace(self.results, program=_ended(grading))

    @contextmanager
    def _container(self, behind: ThreadPoolExecutor) -> Iterator["Container | None"]:
        """Begin to start the container for the program; give None where it is to run in another way."""
        place = self.order.learner.place
        if place is None or self.order.isolation not in {None, CONTAINER}:
            yield None
            return
        from grader.isolation.container import Container  # noqa: PLC0415 - where there are no containers, nobody waits

        container = Container(place)
        container.prepare(self._limits)
        try:
            yield container
        finally:
            behind.submit(container.close)

    @property
    def _limits(self) -> Limits:
        return Limits(wall_seconds=self.order.exercise.wall_seconds)

    def _judged(self, result: TaskResult) -> None:
        self.results = self.results.with_task(result)
        self.save()
        self.tell(result)

    def save(self) -> None:
        """Write the results as they are now."""
        resultsfile.save(self.results, self.order.out / "results.json", durable=False)

    def report(self) -> None:
        """Write everything that is made of the results; with an error of the lab, take nothing for proven any more."""
        from grader import reports  # noqa: PLC0415 - loaded while the program ran

        if self.results.exit_code == ExitCode.LAB_FAILED and self.order.proven is not None:
            self.order.proven.unlink(missing_ok=True)
        reports.write(self.results, self.grading.calls if self.grading else (), self.order.out)

    @contextmanager
    def _city(self, behind: ThreadPoolExecutor) -> Iterator[Future[dict[str, str]]]:
        """Begin to make the city; give the word that it is made, and by whom. In the end, begin to remove it."""
        spec = {
            "seed": self.seed,
            "size": "small",
            "reference_date": REFERENCE_DATE.isoformat(),
            "clients": [
                {
                    "client_id": f"{self.sandbox}-app",
                    "client_secret": self.secret,
                    "scopes": list(self.order.exercise.scopes),
                }
            ],
            "durable": False,
        }
        made = behind.submit(self._make, spec)
        try:
            yield made
        finally:
            behind.submit(self._remove)

    def _make(self, spec: Mapping[str, object]) -> dict[str, str]:
        self.city.create(self.sandbox, spec)
        return self.city.instances(self.sandbox)

    def _remove(self) -> None:
        # The verdict stands by now; agencies that cannot be reached clear the city away when they start again.
        with suppress(LabFault):
            self.city.delete(self.sandbox)

    def _bench(self, submission: Submission, rung: Rung, argv: Sequence[str]) -> Bench:
        open_to_it = {LAST_TO_OPEN, *self.order.exercise.uses}
        addresses = {name: address.url for name, address in self.city.services.items() if name in open_to_it}
        return Bench(
            rung=rung,
            argv=tuple(argv),
            submission=submission.path,
            readable=self.order.learner.readable,
            limits=self._limits,
            ports=tuple(sorted(urlsplit(url).port or 80 for url in addresses.values())),
            environment={
                **{f"{name.upper()}_URL": url for name, url in addresses.items()},
                "CLIENT_ID": f"{self.sandbox}-app",
                "CLIENT_SECRET": self.secret,
            },
        )


def _warm_up_reports() -> None:
    """Load what writes the reports."""
    from grader import reports  # noqa: PLC0415 - brings the template engine along

    reports.warm_up()


def _start(submission: Submission, learner: Learner, container: "Container | None" = None) -> list[str]:
    try:
        return command(submission.path, learner.python, None if container is None else container.interpreters())
    except ProgramUnknown as unknown:
        code = f"program_{unknown.code}"
        raise SubmissionRefused(code, unknown.message) from unknown


def _blank(order: Order, run_id: str, seed: int) -> Results:
    exercise = order.exercise
    pending = tuple(
        TaskResult.pending(task=task.id, name=task.title.in_language(), number=str(number), max_score=task.points)
        for number, task in enumerate(exercise.tasks, 1)
    )
    return Results(
        exercise=Graded(exercise.number, exercise.slug, exercise.hash, exercise.title.in_language()),
        run_id=run_id,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tasks=pending,
        participant=order.participant,
        cohort=order.cohort,
        seed_fingerprint=hashlib.sha256(f"spbe-lab seed {seed}".encode()).hexdigest()[:16],
        practice=order.seed is not None,
        provisional=order.provisional,
        lab_version=order.lab_version,
        pass_mark=exercise.pass_mark,
    )


def _ended(grading: Grading) -> Ended:
    last = grading.runs[-1].shown
    return Ended(
        last.exit_code,
        last.limit or "exit",
        sum(run.finished.seconds for run in grading.runs),
        last.stdout,
        last.stderr,
    )
