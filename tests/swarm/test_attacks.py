"""The rung of grading jobs, held to the attacks of all rungs inside the jobs' own image and walls."""

import re
import subprocess

from swarmlab import ROOT

USER = "61200:61200"
"""A user of its own, as a job makes itself one."""


def test_the_attacks_fail_in_a_jobs_container_too(built: list[str]) -> None:
    image = next(name for name in built if "/grader:" in name)
    walls = ["--cap-drop", "ALL", "--read-only", "--init", "--network", "none", "--user", USER]
    room = ["--tmpfs", "/tmp:exec,mode=1777,size=1g"]  # noqa: S108 - the container's own
    tests = ["-v", f"{ROOT / 'tests'}:/app/tests:ro", "-v", f"{ROOT / 'pyproject.toml'}:/app/pyproject.toml:ro"]
    asked = ["-c", "/app/pyproject.toml", "-p", "no:cacheprovider", "-q", "-k", "landlock"]
    files = [f"/app/tests/grader/isolation/test_attacks_on_{what}.py" for what in ("files", "the_network", "processes")]
    words = ["docker", "run", "--rm", *walls, *room, *tests, "--entrypoint", "python", image, "-m", "pytest"]
    done = subprocess.run([*words, *asked, *files], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 20
