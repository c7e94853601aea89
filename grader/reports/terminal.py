"""The report in the terminal: one line for each task, the cause of each that was not passed, and what to do next."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from grader import trace
from grader.ink import Ink
from grader.language import Language, Text, catalogue, current_language
from grader.plaintext import cells, fit, sanitise
from grader.reports.wording import BADGES, ending, next_steps, notes, sentence, title
from grader.results import Cause, Results, Shown, TaskResult, headline, tidy
from grader.verdicts import Verdict

_ = catalogue(__file__)

WIDEST: Final = 100
NARROWEST: Final = 32
_INDENT: Final = "    "
_LONGEST_VALUE: Final = 600
_LONGEST_CURL: Final = 2_500
_LAST_LINES: Final = 8


def render(
    results: Results, *, width: int = 80, colour: bool = False, unicode: bool = True, language: Language | None = None
) -> str:
    """Return the report of `results` for a terminal, lines joined by LF.

    Args:
        width: columns of the terminal; only a `curl` line may be longer, where it has nowhere to break.
        colour: use colour; every verdict also has its word and its symbol.
        unicode: the terminal can show more than ASCII.
        language: of the words; by default the current one.
    """
    page = _Page(min(max(width, NARROWEST), WIDEST), Ink(colour, unicode), language or current_language())
    return "\n".join(page.lines(results))


class _Page:
    def __init__(self, width: int, ink: Ink, language: Language) -> None:
        self._width = width
        self._ink = ink
        self._language = language

    def lines(self, results: Results) -> Iterator[str]:
        yield from self._wrapped(title(results), "", "strong")
        yield from self._wrapped(" · ".join(self._about(results)), "", "quiet")
        yield ""
        for task in results.tasks:
            yield from self._task(task, results)
        if results.error:
            yield from self._broken(results.error.message)
        if not results.tasks or results.tasks[-1].verdict is Verdict.PASS:
            yield ""  # every other task has its own empty line after it
        yield from self._program(results)
        yield from self._score(results)
        for note in notes(results):
            yield from self._wrapped(note, "", "quiet")
        yield from self._next(results)

    def _about(self, results: Results) -> Iterator[str]:
        if results.participant:
            yield sanitise(results.participant, limit=60)
        yield self._say(_("run {run}", run=results.run_id))
        if results.isolation:
            yield self._say(_("isolation: {rung}", rung=results.isolation))
        yield self._say(_("{time} s", time=trace.seconds(results.execution_time, self._language)))

    def _task(self, task: TaskResult, results: Results) -> Iterator[str]:
        badge = BADGES[task.verdict]
        words = max(cells(self._say(other.word)) for other in BADGES.values())
        mark = f"{badge.symbol} {self._say(badge.word).ljust(words)}"
        points = f"{tidy(task.score)}/{tidy(task.max_score)}"
        number = sanitise(task.number, limit=8)
        room = self._width - cells(f"{mark}  {number}  ") - cells(points) - 1
        name = fit(sanitise(task.name, limit=200), max(room, 4))
        gap = " " * max(room - cells(name), 0)
        yield f"{self._ink(mark, badge.style, 'strong')}  {self._ink(f'{number}  {name}{gap} {points}')}"
        if task.verdict is Verdict.PASS:
            return
        yield from self._wrapped(sentence(task, results), _INDENT)
        if task.cause and task.verdict is Verdict.FAIL:  # where the lab broke is for those who mend it: see the page
            yield from self._cause(task.cause)
        yield ""

    def _cause(self, cause: Cause) -> Iterator[str]:
        yield from self._fact(_("expected"), cause.expected)
        yield from self._fact(_("found"), cause.actual)
        for place, shown in enumerate(cause.exchange):
            if place == 0:
                yield ""
                yield from self._exchange(shown)
            else:
                yield _INDENT + self._ink(shown.exchange.summary(self._width - len(_INDENT), self._language), "quiet")
        yield from self._fact(_("read on"), cause.read)

    def _exchange(self, shown: Shown) -> Iterator[str]:
        for line in shown.exchange.short(self._width - len(_INDENT), self._language).split("\n"):
            yield _INDENT + self._ink(line)
        if len(shown.curl) <= _LONGEST_CURL:
            yield _INDENT + self._ink(self._say(_("see it again:")), "quiet")
            yield from self._curl(shown.curl)

    def _fact(self, label: Text, value: str) -> Iterator[str]:
        """Yield a labelled value, which may have lines of its own."""
        if not value:
            return
        labels = (_("expected"), _("found"), _("read on"))
        name = self._say(label).ljust(max(cells(self._say(other)) for other in labels))
        clean = sanitise(value, lines=True, limit=_LONGEST_VALUE).expandtabs(4)
        first, *more = self._folded(clean, self._width - len(_INDENT) - cells(name) - 2)
        yield f"{_INDENT}{self._ink(name, 'quiet')}  {self._ink(first)}"
        for line in more:
            yield f"{_INDENT}{' ' * cells(name)}  {self._ink(line)}"

    def _curl(self, line: str) -> Iterator[str]:
        """Yield a curl line, broken where a shell lets it be: between words, with a backslash."""
        room = self._width - len(_INDENT) - 2
        row = ""
        for word in _shell_phrases(sanitise(line, lines=True)):
            if row and cells(f"{row} {word}") > room - 2:
                yield f"{_INDENT}{self._ink(row)} \\"
                row = f"  {word}"
            else:
                row = f"{row} {word}" if row else word
        yield f"{_INDENT}{self._ink(row)}"

    def _broken(self, message: str) -> Iterator[str]:
        badge = BADGES[Verdict.ERROR]
        yield self._ink(f"{badge.symbol} {self._say(badge.word)}", badge.style, "strong")
        yield from self._wrapped(message, _INDENT)

    def _program(self, results: Results) -> Iterator[str]:
        how = ending(results)
        if how is None or results.program is None:
            return
        yield from self._wrapped(how, "", "bad")
        text = results.program.stderr.strip() or results.program.stdout.strip()
        for line in sanitise(text, lines=True, limit=4_000).split("\n")[-_LAST_LINES:]:
            if line:
                yield fit(self._ink.plain(f"  │ {line.expandtabs(4)}"), self._width)
        yield ""

    def _score(self, results: Results) -> Iterator[str]:
        style = "lab" if results.verdict is Verdict.ERROR else "good" if results.passed else "bad"
        yield from self._wrapped(headline(results), "", style, "strong")
        if results.verdict is not Verdict.ERROR and results.max_score:
            length = min(self._width, 50)
            full = int(length * results.score / results.max_score)
            yield self._ink("█" * full, style) + self._ink("░" * (length - full), "quiet")

    def _next(self, results: Results) -> Iterator[str]:
        yield ""
        yield self._ink(self._say(_("What to do next")), "strong")
        for number, step in enumerate(next_steps(results), 1):
            first, *more = self._folded(f"{self._say(step.words)} {step.command}".rstrip(), self._width - 5)
            yield f"  {number}. {self._ink(first)}"
            for line in more:
                yield f"     {self._ink(line)}"

    def _wrapped(self, words: Text | str, indent: str, *styles: str) -> Iterator[str]:
        for line in self._folded(self._say(words), self._width - len(indent)):
            yield indent + self._ink(line, *styles)

    def _folded(self, text: str, width: int) -> list[str]:
        lines = [
            part for line in text.split("\n") for part in wrap(line, max(width, 8), break_on_hyphens=False) or [""]
        ]
        return [fit(self._ink.plain(line), max(width, 8)) for line in lines] or [""]

    def _say(self, words: Text | str) -> str:
        return words.render(self._language) if isinstance(words, Text) else sanitise(words, limit=2_000)


def _shell_phrases(line: str) -> Iterator[str]:
    """Yield the words of a shell line, an option together with its value."""
    held = ""
    for word in _shell_words(line):
        if held and not word.startswith("-"):
            yield f"{held} {word}"
            held = ""
            continue
        if held:
            yield held
        held = word if word.startswith("-") else ""
        if not held:
            yield word
    if held:
        yield held


def _shell_words(line: str) -> list[str]:
    """Return the words of a shell line with their quotes, so that joined by spaces they are the line again."""
    words, word, quote, escaped = [], "", "", False
    for character in line:
        if character == " " and not quote and not escaped:
            words.append(word)
            word = ""
            continue
        word += character
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return [*words, word]
