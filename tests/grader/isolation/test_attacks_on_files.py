"""Attacks on files: a program that wants to read the answers, or to change what is not its own."""

from pathlib import Path

import pytest

import grader
from grader.isolation import Door

TRY = """
import os, sys
def attempt(name, action, *arguments):
    try:
        answer = action(*arguments)
    except (OSError, ValueError):
        return
    print(name, answer)
def read(path):
    with open(path) as file:
        return file.read()
"""

ITS_OWN = ("homes []", "cron ['mail']")
"""What a container has of its own under names that on another rung are somebody's."""


def test_reading_what_others_have(bench, shut, outside):
    """The grader's own files, checks, somebody's home and secrets of the system cannot be read, by any name."""
    shut(Door.FILES)
    source = Path(grader.__file__).parent / "isolation" / "contract.py"
    finished = bench.run(
        TRY
        + """
attempt("source", read, os.environ["SOURCE"])
attempt("secret", read, os.environ["OUTSIDE"] + "/secret.txt")
attempt("listing", os.listdir, os.environ["OUTSIDE"])
attempt("checkout", os.listdir, os.path.dirname(os.path.dirname(os.environ["SOURCE"])))
attempt("homes", os.listdir, "/home")
attempt("shadow", read, "/etc/shadow")
attempt("cron", os.listdir, "/var/spool")
attempt("disk", os.open, "/dev/vda", os.O_RDONLY)
for up in range(12):
    attempt("up", read, "../" * up + os.environ["OUTSIDE"] + "/secret.txt")
os.symlink(os.environ["OUTSIDE"], "way")
attempt("through a link", read, "way/secret.txt")
attempt("hard link", os.link, os.environ["OUTSIDE"] + "/secret.txt", "mine.txt")
for pid in (1, os.getppid()):
    attempt("through a process", read, f"/proc/{pid}/root" + os.environ["OUTSIDE"] + "/secret.txt")
    attempt("through its folder", os.listdir, f"/proc/{pid}/cwd/")
""",
        SOURCE=str(source),
        OUTSIDE=str(outside),
    )
    if (
        bench.rung.name == "bubblewrap"
    ):  # the first process there is bubblewrap's own; its root and folder are the sandbox
        shown = [line for line in finished.stdout.splitlines() if not line.startswith("through its folder")]
    else:
        shown = [line for line in finished.stdout.splitlines() if bench.rung.name != "container" or line not in ITS_OWN]
    assert (shown, finished.stderr, finished.exit_code) == ([], "", 0)
    assert "rahasia" not in finished.stdout


def test_changing_what_others_have(bench, shut, outside):
    """Nothing elsewhere can be written, made, moved, removed, or closed to its owner."""
    shut(Door.FILES)
    before = {path.name: (path.read_text(), path.stat().st_mode, path.stat().st_mtime) for path in outside.iterdir()}
    mode = outside.stat().st_mode
    finished = bench.run(
        TRY
        + """
there = os.environ["OUTSIDE"]
secret = there + "/secret.txt"
attempt("append", open, secret, "a")
attempt("truncate at opening", os.open, secret, os.O_RDONLY | os.O_TRUNC)
attempt("truncate", os.truncate, secret, 0)
attempt("create", open, there + "/new.txt", "x")
attempt("folder", os.mkdir, there + "/new")
attempt("pipe", os.mkfifo, there + "/pipe")
attempt("link", os.symlink, "/", there + "/link")
attempt("remove", os.unlink, secret)
attempt("rename", os.rename, secret, there + "/other.txt")
open("mine.txt", "w").write("x")
attempt("move out", os.rename, "mine.txt", there + "/mine.txt")
attempt("move in", os.rename, secret, "stolen.txt")
for change in (lambda: os.chmod(secret, 0), lambda: os.chmod(there, 0), lambda: os.utime(secret, (0, 0))):
    try:
        change()
    except OSError:
        pass
attempt("attribute", lambda: os.setxattr(secret, "user.mark", b"x"))
attempt("system", open, "/usr/bin/mine", "w")
attempt("interpreter", open, os.path.dirname(os.__file__) + "/mine.py", "w")
attempt("packages", open, os.path.dirname(sys.executable) + "/../mine.pth", "w")
attempt("root", open, "/mine", "w")
attempt("device", os.mknod, "disk", 0o60600, os.makedev(254, 0))
""",
        OUTSIDE=str(outside),
    )
    assert (finished.stdout, finished.stderr, finished.exit_code) == ("", "", 0)
    after = {path.name: (path.read_text(), path.stat().st_mode, path.stat().st_mtime) for path in outside.iterdir()}
    assert (after, outside.stat().st_mode) == (before, mode)


def test_environments_of_others_stay_as_they_are(bench, shut):
    """A `.pth` file in the interpreter's environment would run in everybody's next program: it cannot be put there."""
    shut(Door.FILES)
    if bench.rung.name == "container":
        pytest.skip("the environment is in the image there: see test_container.py")
    packages = next(bench.learner.parents[1].glob("lib/python*/site-packages"))
    packages.chmod(0o777)
    before = sorted(path.name for path in packages.iterdir())
    finished = bench.run(f"open({str(packages / 'evil.pth')!r}, 'w').write('import os')")
    packages.chmod(0o755)
    assert finished.exit_code == 1
    assert sorted(path.name for path in packages.iterdir()) == before


def test_submission_stays_as_it_was(bench):
    """What a program writes into its folder, or removes there, is gone with the run on every rung."""
    first = bench.run("import os; open('state', 'w').write('1'); os.remove('main.py'); os.remove('data.txt')",
                      files={"data.txt": "asli"})  # fmt: skip
    second = bench.run("import os; print(sorted(os.listdir()), open('data.txt').read())")
    assert (first.stderr, second.stdout) == ("", "['data.txt', 'main.py'] asli\n")


def test_links_are_not_followed_when_cleaning_up(bench, outside):
    """A link to somebody's folder, left behind in closed and deep folders, does not take that folder with it."""
    finished = bench.run(
        """
        import os
        os.symlink(os.environ["OUTSIDE"], "out")
        os.mkdir("closed")
        os.symlink(os.environ["OUTSIDE"], "closed/out")
        os.symlink("/etc/shadow", "closed/shadow")
        open("closed/file", "w").close()
        os.chmod("closed", 0)
        os.makedirs(os.environ["TMPDIR"] + "/closed/inner")
        os.chmod(os.environ["TMPDIR"] + "/closed/inner", 0)
        os.chmod(os.environ["TMPDIR"] + "/closed", 0)
        for _ in range(300):
            os.mkdir("d")
            os.chdir("d")
        """,
        OUTSIDE=str(outside),
    )
    assert (finished.stderr, finished.exit_code) == ("", 0)
    assert (outside / "secret.txt").read_text() == "rahasia-7679"
