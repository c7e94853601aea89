"""`python -m lab.docker`: makes the secrets for whoever calls Docker Compose by hand instead of `lab up`."""

import os
import sys

from grader.language import catalogue, use_language
from lab import settings
from lab.console import Console, speak_utf8
from lab.docker import keys
from lab.docker.compose import open_configs
from lab.outcomes import EndedError
from lab.workspace import shown

_ = catalogue(__file__)


def main() -> int:
    """Makes what is missing and says what comes next; returns the exit code."""
    speak_utf8()
    console = Console(colour=not os.environ.get("NO_COLOR"))
    try:
        use_language(settings.language(os.environ))
        chosen = settings.read(os.environ)
        folder = keys.make(chosen)
        open_configs(chosen.root)
    except EndedError as end:
        console.problem(end.problem, end.advice, end.detail)
        return end.code
    console.say(_("The secrets are in {folder}; whoever can read them can open the back doors.", folder=shown(folder)))
    console.say(_("Now: docker compose up --build --wait"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
