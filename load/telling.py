"""Shows a load to people: a table of the calls, what they cost, and everything that went wrong."""

from collections import Counter
from collections.abc import Sequence

from grader.language import catalogue
from lab.console import Console
from load.attack import Figures, Row
from load.expectations import CROSS_TALK
from load.footprint import Footprint, load_average

_ = catalogue(__file__)

_LINE = "{call:<56} {requests:>8} {failures:>6} {rate:>8} {p50:>7} {p95:>7} {p99:>7}"


def tell(console: Console, figures: Figures, footprints: Sequence[Footprint], wrong: Counter[str]) -> None:
    """Prints the table; times are in milliseconds, memory in MB, processor time in seconds."""
    console.say(
        _LINE.format(
            call=str(_("call")),
            requests=str(_("calls")),
            failures=str(_("errors")),
            rate=str(_("per s")),
            p50="p50 ms",
            p95="p95 ms",
            p99="p99 ms",
        )
    )
    for row in figures.rows:
        console.say(_line(row, str(_("all together")) if row is figures.total else row.call))
    console.say()
    for one in footprints:
        memory = _(
            "{name}: memory {first:.0f} MB, at most {peak:.0f} MB", name=one.name, first=one.first_mb, peak=one.peak_mb
        )
        spent = _("; processor {seconds:.1f} s", seconds=one.cpu_seconds) if one.cpu_seconds else ""
        console.say(f"{memory}{spent}")
    console.say(_("Load average of the machine: {load:.1f}", load=load_average()))
    for call, error, times in figures.errors:
        console.say(_("{n} times: {call}: {error}", n=times, call=call, error=error), "bad")
    tell_wrong(console, wrong)
    mixed = sum(times for _call, error, times in figures.errors if CROSS_TALK in error)
    mixed += sum(times for words, times in wrong.items() if words.startswith(CROSS_TALK))
    if mixed:
        console.say(_("Cross-talk between sandboxes: {n} times.", n=mixed), "bad")
    elif not figures.errors and not wrong and figures.total.requests:
        console.say(_("No error, and no answer from another participant's sandbox."), "good")


def tell_wrong(console: Console, wrong: Counter[str]) -> None:
    """Prints what stands in the sandboxes and may not."""
    for words, times in wrong.items():
        console.say(_("{n} times: {error}", n=times, error=words), "bad")


def _line(row: Row, call: str) -> str:
    return _LINE.format(
        call=call,
        requests=row.requests,
        failures=row.failures,
        rate=f"{row.per_second:.1f}",
        p50=f"{row.p50:.0f}",
        p95=f"{row.p95:.0f}",
        p99=f"{row.p99:.0f}",
    )
