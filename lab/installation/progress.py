"""Shows the steps of the set-up, one line each, on a terminal or in a log."""

import re
import shutil
import sys
import time

from lab.installation.sentences import sentence

_PACKAGE = re.compile(r"(?:Collecting|Processing) (?:.*[/\\])?([A-Za-z0-9_.]+(?:-[A-Za-z_.]+)*)")


def tell(text: str, end: str = "\n") -> None:
    """Writes to standard output at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


class Progress:
    """Numbered steps; on a terminal the line of the step under way is kept up to date."""

    def __init__(self, steps: int, language: str) -> None:
        self._steps = steps
        self._language = language
        self._number = 0
        self._title = ""
        self._began = 0.0
        self._live = sys.stdout.isatty()
        self._width = shutil.get_terminal_size().columns - 1

    def step(self, key: str) -> None:
        """Begins the next step; `key` names its title among the sentences."""
        self._number += 1
        self._title = f"  {self._number}/{self._steps} {sentence(key, self._language)}"
        self._began = time.monotonic()
        self._show(f"{self._title} …")

    def heard(self, line: str) -> None:
        """Says what the step is doing, from a line of pip's output."""
        package = _PACKAGE.match(line.partition(" (from ")[0])
        if package:
            self._show(f"{self._title} … {package.group(1)}")
        elif "Retrying (" in line:
            self._show(f"{self._title} … {sentence('retrying', self._language)}")

    def done(self) -> None:
        """Ends the step under way and says how long it took."""
        took = sentence("seconds", self._language, seconds=time.monotonic() - self._began)
        tell(f"{self._title} ({took})".ljust(self._width if self._live else 0))
        self._title = ""

    def broken(self) -> None:
        """Leaves the line of a step that did not succeed."""
        if self._title:
            tell(self._title.ljust(self._width if self._live else 0))

    def _show(self, line: str) -> None:
        if self._live:
            tell(line[: self._width].ljust(self._width), end="\r")
