"""Grade one submission in a process of its own: `python -m grader`, told by one JSON object on standard input.

`lab grade` and `lab audit` start one for each run, so that runs go on side by side and none can harm another. The
order comes by standard input and not by arguments, because it holds the lab's token. On standard output, one JSON line:
`{"outcome": "graded"}`, `{"outcome": "refused", "message", "code"}` or `{"outcome": "broken", "message"}`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from grader import exercise
from grader.city import Address, City
from grader.isolation.engine import Place
from grader.language import use_language
from grader.run import Learner, Order, grade
from grader.submissions import SubmissionRefused
from grader.verdicts import ExitCode, LabFault


def told(order: dict[str, Any]) -> tuple[Order, dict[str, Address], str]:
    """Read what a parent process asks for; `lab_order` in `grader.batch` writes it."""
    learner, place = order["learner"], order["learner"]["place"]
    services = {name: Address(**address) for name, address in order["services"].items()}
    asked = Order(
        exercise=exercise.load(Path(order["exercise"])),
        submission=Path(order["submission"]),
        out=Path(order["out"]),
        learner=Learner(
            Path(learner["python"]),
            tuple(Path(path) for path in learner["readable"]),
            None if place is None else _place(place),
        ),
        lab_version=order["lab_version"],
        seed=order["seed"],
        participant=order["participant"],
        cohort=order["cohort"],
        isolation=order["isolation"],
        provisional=order["provisional"],
    )
    return asked, services, order["token"]


def _place(told: dict[str, Any]) -> Place:
    return Place(**{**told, "sockets": {int(port): name for port, name in told["sockets"].items()}})


def main() -> int:
    """Grade as standard input says; the exit code is that of the run."""
    order = json.load(sys.stdin)
    use_language(order["language"])
    asked, services, token = told(order)
    try:
        with City(services, token) as city:
            results = grade(asked, city)
    except SubmissionRefused as refusal:
        return _say(ExitCode.NOT_PASSED, outcome="refused", message=refusal.message.render(), code=refusal.code)
    except LabFault as fault:
        return _say(ExitCode.LAB_FAILED, outcome="broken", message=fault.message.render())
    return _say(results.exit_code, outcome="graded")


def _say(exit_code: ExitCode, **said: str) -> int:
    sys.stdout.write(json.dumps(said) + "\n")
    return int(exit_code)


if __name__ == "__main__":
    sys.exit(main())
