#!/usr/bin/env python3
"""Sets the lab up with nothing installed: `python3 bootstrap.py [--dev]`; a second call costs milliseconds.

This file keeps to syntax that Python 3.8 reads, so that an old Python can find a newer one or say kindly what is
needed. The work itself is in `lab/installation`, which uses the standard library only.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
NEWEST_TRIED = (3, 16)
ROOT = Path(__file__).resolve().parent
EXIT_FAILED = 3

NEED_PYTHON = (
    """\
Lab ini memerlukan Python {minimum} atau lebih baru, sedangkan Python ini adalah {found} ({path}).
  Debian/Ubuntu : sudo apt install python3 python3-venv
  Windows       : winget install Python.Python.3.13
  macOS         : brew install python
Jika Python baru sudah terpasang dengan nama lain, sebutkan: make setup PYTHON=python3.13
""",
    """\
This lab needs Python {minimum} or newer, and this Python is {found} ({path}).
  Debian/Ubuntu : sudo apt install python3 python3-venv
  Windows       : winget install Python.Python.3.13
  macOS         : brew install python
If a newer Python is installed under another name, say so: make setup PYTHON=python3.13
""",
)


def newer_python() -> str | None:
    """Returns a Python on the search path that is new enough and can make environments, the newest first."""
    probe = "import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))"
    for minor in range(NEWEST_TRIED[1], MINIMUM[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.run([found, "-c", probe], capture_output=True, check=False).returncode == 0:  # noqa: S603 - a fixed probe
            return found
    return None


def hand_over(arguments: list[str], language: str) -> int:
    """Lets a newer Python do the set-up, or says that one is needed; returns the exit code."""
    newer = newer_python()
    if newer:
        return subprocess.call([newer, str(Path(__file__).resolve()), *arguments])  # noqa: S603 - this very file
    minimum, found = (".".join(str(part) for part in version) for version in (MINIMUM, sys.version_info[:3]))
    sys.stderr.write(NEED_PYTHON[language == "en"].format(minimum=minimum, found=found, path=sys.executable))
    return EXIT_FAILED


def main(arguments: list[str]) -> int:
    """Sets the lab up, in the language of `LAB_LANG`; returns the exit code."""
    language = os.environ.get("LAB_LANG", "id")  # noqa: TID251 - a composition root
    if sys.version_info < MINIMUM:
        return hand_over(arguments, language)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show "…" shows "?"
    sys.path.insert(0, str(ROOT))
    from lab.installation.setup import main as set_up  # noqa: PLC0415 - an old Python could not even read it

    return set_up(arguments, ROOT, language)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
