"""Composition root of a grading job: `python -m lab.swarm` in the image `spbe-lab/grader`, started by Swarm.

Ends with 0 where the result was brought or is not wanted any more; else with 1, and Swarm repeats the task.
"""

import os
import sys

from lab.swarm.job import Surroundings, carry_out, number, step_down


def main() -> int:
    """Does the job that the environment names."""
    here = Surroundings()
    token = here.token.read_text(encoding="ascii").strip()
    step_down()
    return 0 if carry_out(os.environ["LAB_WAVE"], number(os.environ["LAB_NUMBER"]), token, here) else 1


if __name__ == "__main__":
    sys.exit(main())
