"""What commands print: plain lines, with a mark and a colour where they help; colour is never the only signal."""

import io
import shutil
import sys
from typing import Literal, TypeAlias

import click

from grader.language import Text
from grader.plaintext import sanitise

Mood: TypeAlias = Literal["good", "bad", "warn", "quiet"]

_COLOURS = {"good": "green", "bad": "red", "warn": "yellow", "quiet": "bright_black"}
_MARKS = {"good": "✓", "bad": "✗", "warn": "!", "quiet": "·"}
_PLAIN_MARKS = {"good": "OK", "bad": "X", "warn": "!", "quiet": "-"}


class Console:
    """Writes for people: results to standard output, problems to standard error.

    Attributes:
        in_colour: standard output shows colour, and the person wants it.
        unicode: standard output shows more than ASCII.
    """

    def __init__(self, *, colour: bool) -> None:
        """Makes a console, without colour if `colour` is False; where output is no terminal there is none anyway."""
        self._colour = None if colour else False
        self._live = sys.stderr.isatty()
        self.in_colour = colour and sys.stdout.isatty()
        self.unicode = _shows("✓✗…→│")
        self._marks = _MARKS if self.unicode else _PLAIN_MARKS

    def say(self, text: Text | str = "", mood: Mood | None = None) -> None:
        """Writes one line; with a mood, a mark in its colour goes before it."""
        mark = f"{click.style(self._marks[mood], fg=_COLOURS[mood], bold=True)} " if mood else ""
        click.echo(mark + str(text), color=self._colour)

    def line(self, text: str) -> None:
        """Writes a line that others wrote to standard output, cleaned."""
        click.echo(sanitise(text), color=self._colour)

    def quote(self, text: str) -> None:
        """Writes lines that others wrote, cleaned and set off."""
        for line in text.splitlines():
            click.echo(click.style(f"  | {sanitise(line)}", fg=_COLOURS["quiet"]), err=True, color=self._colour)

    def problem(self, problem: Text | str, advice: Text | str, detail: str = "") -> None:
        """Writes to standard error what happened and what to do next."""
        mark = click.style(self._marks["bad"], fg=_COLOURS["bad"], bold=True)
        click.echo(f"{mark} {problem}", err=True, color=self._colour)
        self.quote(detail)
        if str(advice):
            click.echo(f"  {advice}", err=True, color=self._colour)

    def progress(self, text: Text | str) -> None:
        """Shows what is under way, on a terminal only, in a line that the next one takes the place of."""
        if self._live:
            line = str(text)[: shutil.get_terminal_size().columns - 1]
            click.echo(f"\r\x1b[2K{line}", nl=False, err=True)

    def progress_done(self) -> None:
        """Takes the line of progress away."""
        if self._live:
            click.echo("\r\x1b[2K", nl=False, err=True)


def speak_utf8() -> None:
    """Lets a terminal with another encoding show "?" for what it lacks, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _shows(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
