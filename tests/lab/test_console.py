"""What commands print, on a terminal, in a file, and on a terminal of long ago."""

import io
import sys

import pytest

from grader.language import verbatim
from lab.console import Console, speak_utf8


class Terminal(io.TextIOWrapper):
    """A stream that is a terminal, with an encoding of our choice."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", newline="\n", write_through=True)

    def isatty(self):
        return True

    @property
    def written(self):
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def terminal(monkeypatch):
    """Standard output and error of a terminal."""

    def make(encoding="utf-8"):
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, Terminal(encoding))
        monkeypatch.setenv("COLUMNS", "30")
        return sys.stdout, sys.stderr

    return make


def test_progress_is_one_line_that_is_taken_away_again(terminal):
    """However long it is, it fits the terminal, so that it can be taken away."""
    out, err = terminal()
    console = Console(colour=True)
    console.progress(verbatim("Starting the lab: 1 of 4 agencies are ready"))
    console.progress_done()
    assert out.written == ""
    assert err.written == "\r\x1b[2KStarting the lab: 1 of 4 agen\r\x1b[2K"


def test_progress_is_not_written_to_a_file(capsys):
    """A log holds results only."""
    console = Console(colour=True)
    console.progress("Running …")
    console.progress_done()
    assert capsys.readouterr() == ("", "")


def test_colour_goes_to_a_terminal_that_wants_it_and_the_mark_to_all(terminal):
    """The mark says the same without colour."""
    out, _ = terminal()
    Console(colour=True).say("Done.", "good")
    assert out.written == "\x1b[32m\x1b[1m✓\x1b[0m Done.\n"
    out, _ = terminal()
    Console(colour=False).say("Done.", "good")
    assert out.written == "✓ Done.\n"


def test_a_terminal_without_unicode_gets_words_and_question_marks(terminal):
    """An old Windows console shows what it can, and no command ends because of it."""
    out, err = terminal("cp1252")
    speak_utf8()
    console = Console(colour=False)
    assert not console.unicode
    console.say("→ done", "good")
    console.problem("Broken", "Mend it", "a line")
    assert out.written == "OK ? done\n"
    assert err.written == "X Broken\n  | a line\n  Mend it\n"
