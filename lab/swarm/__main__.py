"""Composition root of a grading job: `python -m lab.swarm` in the image `spbe-lab/grader`, started by Swarm.

Ends with 0 where the result was brought or is not wanted any more; else with 1, and Swarm repeats the task.
"""

import os
import sys

from lab.swarm.job import Surroundings, carry_out, number


def main() -> int:
    """Does the job that the environment names."""
    brought = carry_out(os.environ["LAB_WAVE"], number(os.environ["LAB_NUMBER"]), Surroundings())
    return 0 if brought else 1


if __name__ == "__main__":
    sys.exit(main())
