"""Puts a real run into both READMEs: `python -m lab.authoring.pictures` (`make pictures`).

The run is of a wrong answer that loses one task, so that readers see what feedback looks like.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from lab.settings import ROOT

EXERCISE = 3
ANSWER = Path("exercises/03_verified_permits/wrong/hasty_retry__fails__resilience")
PAGES = {"en": ROOT / "README.md", "id": ROOT / "README.id.md"}
_PICTURE = re.compile(r"(<!-- made by: make pictures -->\n```text\n).*?(```\n)", re.DOTALL)
_COLUMNS = "80"


def drawn(page: str, run: str) -> str:
    """Returns the text of `page` with `run` in the place of its picture.

    Raises:
        ValueError: the page has no place for one.
    """
    text, places = _PICTURE.subn(lambda found: f"{found[1]}{run}{found[2]}", page)
    if places != 1:
        message = "the page needs one block marked <!-- made by: make pictures -->"
        raise ValueError(message)
    return text


def run(language: str) -> str:
    """Checks the answer, and returns what a terminal of 80 columns shows."""
    words = [sys.executable, "-m", "lab", "exercise", str(EXERCISE), "--submission", str(ANSWER)]
    chosen = {"LAB_LANG": language, "NO_COLOR": "1", "COLUMNS": _COLUMNS, "PYTHONUTF8": "1"}
    environment = {**os.environ, **chosen}  # noqa: TID251 - a composition root
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - our own
    return done.stdout


def main() -> None:
    """Draws both pages anew."""
    for language, page in PAGES.items():
        page.write_text(drawn(page.read_text(encoding="utf-8"), run(language)), encoding="utf-8")


if __name__ == "__main__":
    main()
