"""What a program did between the agencies, as a sequence diagram in the terminal.

The program is the first lifeline, every agency it called another. Where the terminal is too narrow for that, the same
steps are a list. `grader.sequence` decides what is told; this module only draws.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from grader.exchange import Exchange
from grader.ink import Ink
from grader.language import Language, Text, catalogue, current_language, verbatim
from grader.plaintext import cells, fit
from grader.sequence import Call, Loop, Omitted, Start, Step, Story, Wait, tell

_ = catalogue(__file__)

DIAGRAM_FROM: Final = 80
"""Columns below which the story is a list."""
WIDEST: Final = 120
NARROWEST: Final = 24
_GUTTER: Final = 10
_NARROWEST_LANE: Final = 12


def terminal(
    entries: Iterable[Exchange | Mapping[str, Any]],
    width: int = 80,
    colour: bool = False,
    *,
    unicode: bool = True,
    language: Language | None = None,
) -> str:
    """Return the run that `entries` tell of, drawn for a terminal.

    Args:
        entries: journal entries or exchanges of one or several agencies, in any order.
        width: columns of the terminal; no line is longer (but for terminals under 24 columns).
        colour: use colour; the drawing reads the same without.
        unicode: the terminal can show box drawing.
        language: of the words; by default the current one.

    Returns:
        Lines joined by LF, without one at the end.
    """
    story = tell(entries)
    room = min(max(width, NARROWEST), WIDEST)
    paper = _Paper(story, room, Ink(colour, unicode), language or current_language())
    if not story.steps:
        return paper.words(_("The program called no agency."))
    lane = (room - _GUTTER - 3) // len(story.services)
    drawn = _Diagram(paper, lane) if room >= DIAGRAM_FROM and lane >= _NARROWEST_LANE else _List(paper)
    return "\n".join([*drawn.lines(), "", *paper.footer()])


def seconds(amount: float, language: Language, places: int = 1) -> str:
    """Return a number of seconds as people write it: "2,0" in Indonesian, "2.0" in English."""
    written = f"{amount:.{places}f}"
    return written.replace(".", ",") if language == "id" else written


def outcome(call: Call) -> Text:
    """Return how a call ended, in words short enough for an arrow."""
    if call.status is None:
        return _("closed, but done") if call.committed else _("closed")
    return verbatim(f"{call.status} ✗" if call.status >= 400 else f"{call.status}")


def remark(call: Call) -> Text | None:
    """Return what else is to be said of a call: that the lab planted its trouble, that calls ran together."""
    time = _asked(call.retry_after)
    if call.fault and call.retry_after:
        return _("planted by the lab: {fault}; asked to wait: {time}", fault=call.fault, time=time)
    if call.fault:
        return _("planted by the lab: {fault}", fault=call.fault)
    if call.retry_after:
        return _("asked to wait: {time}", time=time)
    return _("up to {n} at once", n=call.together) if call.together > 1 else None


def between(step: Wait | Start | Omitted, language: Language) -> Text:
    """Return in words what came between two calls."""
    if isinstance(step, Start):
        return _("Program run {n}", n=step.run)
    if isinstance(step, Omitted):
        return _("… {n} more steps, all in evidence.json …", n=step.steps)
    length = seconds(step.seconds, language)
    if step.asked:
        return _("waited {time} s (asked: {asked})", time=length, asked=_asked(step.asked))
    return _("waited {time} s", time=length)


def _asked(retry_after: str) -> Text:
    """Return a Retry-After, which may be a number of seconds or a date (RFC 9110 §10.2.3)."""
    return _("{time} s", time=retry_after) if retry_after.isdigit() else verbatim(retry_after)


def label(call: Call) -> str:
    """Return what was called, with how often."""
    return f"{call.times}\u00d7 {call.label}" if call.times > 1 else call.label


def totals(story: Story, language: Language) -> list[Text]:
    """Return the figures under the story, each a short phrase."""
    told = [_("{n} calls", n=sum(story.calls.values()))]
    told += [verbatim(f"{service} {count}") for service, count in story.calls.items()]
    if story.faults:
        told.append(_("{n} met planted trouble", n=story.faults))
    if story.waited:
        told.append(_("waited {time} s", time=seconds(story.waited, language)))
    return told


def style(call: Call) -> str:
    """Return the style of `grader.ink` that fits how a call ended."""
    if call.status is None or call.status >= 500:
        return "bad"
    return "warn" if call.status >= 400 else "good"


@dataclass(frozen=True, slots=True)
class _Paper:
    """What both drawings share: the story, the room, the colours and the language."""

    story: Story
    width: int
    ink: Ink
    language: Language

    def words(self, text: Text) -> str:
        return self.ink.plain(fit(text.render(self.language), self.width))

    def clock(self, call: Call) -> str:
        return seconds(call.at, self.language, 2).rjust(_GUTTER - 3)

    def footer(self) -> list[str]:
        phrases = [text.render(self.language) for text in totals(self.story, self.language)]
        lines, line = [], ""
        for phrase in phrases:
            longer = f"{line} · {phrase}" if line else phrase
            if cells(longer) > self.width:
                lines.append(line)
                longer = phrase
            line = longer
        return [self.ink(fit(text, self.width), "quiet") for text in [*lines, line] if text]


class _Diagram:
    """Lifelines side by side, time downwards."""

    def __init__(self, paper: _Paper, lane: int) -> None:
        self._paper = paper
        self._ink = paper.ink
        self._home = _GUTTER
        self._at = {name: self._home + lane * (place + 1) for place, name in enumerate(paper.story.services)}
        self._lane = lane

    def lines(self) -> list[str]:
        drawn = [self._head()]
        for step in self._paper.story.steps:
            drawn += self._step(step)
        return drawn

    def _head(self) -> str:
        row = [" "] * (self._paper.width + 1)
        program = _("program").render(self._paper.language)
        for name, column in [(program, self._home), *self._at.items()]:
            short = fit(name, self._lane - 1)
            start = min(max(column - cells(short) // 2, 0), self._paper.width - cells(short))
            row[start : start + len(short)] = short
        return self._ink("".join(row).rstrip()[: self._paper.width], "strong")

    def _step(self, step: Step) -> list[str]:
        if isinstance(step, Loop):
            inner = [line for part in step.steps for line in self._step(part)]
            title = _("{n} times the same:", n=step.times).render(self._paper.language)
            return [self._frame("┌", title), *inner, self._frame("└", "")]
        if isinstance(step, Call):
            return self._call(step)
        if isinstance(step, Start):
            return [self._frame("═", between(step, self._paper.language).render(self._paper.language), "═")]
        return [self._note("⋮", between(step, self._paper.language).render(self._paper.language), "quiet")]

    def _call(self, call: Call) -> list[str]:
        lines = [self._note("│", label(call), clock=self._paper.clock(call)), self._arrow(call)]
        if (said := remark(call)) is not None:
            lines.append(self._note("│", "▲ " + said.render(self._paper.language), "lab" if call.fault else "quiet"))
        return lines

    def _note(self, mark: str, words: str, style: str = "", clock: str = "") -> str:
        """Return the lifelines with words beside the first, which may run over the others."""
        shown = fit(words, self._paper.width - self._home - 2)
        rest = self._lifelines(self._home + 2 + cells(shown))
        gutter = self._ink(clock.ljust(self._home), "quiet")
        return f"{gutter}{self._ink(mark)} {self._ink(shown, *([style] if style else []))}{rest}"

    def _lifelines(self, start: int) -> str:
        """Return the lifelines that stand to the right of column `start`, beginning there."""
        row = ""
        for column in self._at.values():
            if column > start:
                row += " " * (column - start - len(row)) + "│"
        return self._ink(row, "quiet")

    def _arrow(self, call: Call) -> str:
        target = self._at[call.service]
        ending = f" {outcome(call).render(self._paper.language)} "
        shaft = ["─"] * (target - self._home - 1)
        for column in self._at.values():
            if column < target:
                shaft[column - self._home - 1] = "┼"
        shaft[-1] = "►"
        room = fit(ending, len(shaft) - 2)
        before = "├" + "".join(shaft[:1])
        after = "".join(shaft[1 + cells(room) :]) + "│"
        return (
            " " * self._home + self._ink(before) + self._ink(room, style(call)) + self._ink(after)
            + self._lifelines(target + 1)
        )  # fmt: skip

    def _frame(self, corner: str, words: str, rule: str = "┄") -> str:
        start = " " * (self._home - 3) + corner + rule
        line = fit(f"{start} {words} ", self._paper.width) if words else start
        return self._ink(line + rule * (self._paper.width - cells(line)), "quiet")


class _List:
    """One or two lines for each step."""

    def __init__(self, paper: _Paper) -> None:
        self._paper = paper
        self._ink = paper.ink

    def lines(self) -> list[str]:
        return [line for step in self._paper.story.steps for line in self._step(step, "")]

    def _step(self, step: Step, indent: str) -> list[str]:
        language = self._paper.language
        if isinstance(step, Loop):
            title = _("{n} times the same:", n=step.times).render(language)
            inner = [line for part in step.steps for line in self._step(part, "│ ")]
            return [self._line(f"┌ {title}"), *inner, self._line("└")]
        if isinstance(step, Call):
            return self._call(step, indent)
        mark = "══" if isinstance(step, Start) else "⋮"
        return self._folded(f"{mark} {between(step, language).render(language)}", indent, "quiet")

    def _call(self, call: Call, indent: str) -> list[str]:
        language = self._paper.language
        clock = seconds(call.at, language, 2).rjust(6)
        head = f"{indent}{clock}  {call.service} "
        ended = fit("→ " + outcome(call).render(language), max(self._paper.width - cells(head), 0))
        lines = [self._ink(fit(head, self._paper.width)) + self._ink(ended, style(call))]
        lines.append(self._line(f"{indent}        {label(call)}"))
        if (said := remark(call)) is not None:
            words = f"▲ {said.render(language)}"
            lines += self._folded(words, indent + "        ", "lab" if call.fault else "quiet")
        return lines

    def _folded(self, words: str, indent: str, style: str) -> list[str]:
        return [self._line(indent + part, style) for part in wrap(words, max(self._paper.width - len(indent), 8))]

    def _line(self, words: str, style: str = "") -> str:
        return self._ink(fit(words, self._paper.width), *([style] if style else []))
