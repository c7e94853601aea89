"""How commands end: one exit code for each kind of ending, and words on standard error."""

import errno
import sys
import tempfile
from types import ModuleType

import click
import pytest

from grader.language import verbatim
from grader.verdicts import ExitCode, LabFault
from lab.__main__ import run
from lab.outcomes import LabFailedError, WrongUsageError
from lab.usage import command


@pytest.fixture
def lab(tmp_path, monkeypatch, capsys):
    """Calls `lab up` with an ending of our choice in the place of the command, or lab with other words."""

    def call(ending=None, *words, **variables):
        def end(_session):
            if isinstance(ending, BaseException):
                raise ending
            return ending

        stand_in = ModuleType("lab.commands.up")
        stand_in.command = lambda: command("up", end, verbatim("Ends."))
        monkeypatch.setitem(sys.modules, "lab.commands.up", stand_in)
        environment = {"LAB_HOME": str(tmp_path), "LAB_LANG": "en", **variables}
        code = run(words or ["up"], environment)
        return code, capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (None, 0),
        (ExitCode.PASSED, 0),
        (ExitCode.NOT_PASSED, 1),
        (ExitCode.LAB_FAILED, 3),
        (WrongUsageError(verbatim("No such city."), verbatim("Choose another.")), 2),
        (LabFailedError(verbatim("The lab broke."), verbatim("Mend it.")), 3),
        (LabFault(verbatim("A service broke.")), 3),
        (RuntimeError("a bug"), 3),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Abort(), 130),
        (click.exceptions.Exit(0), 0),
    ],
)
def test_every_ending_has_its_exit_code(lab, ending, code):
    """0 passed, 1 not passed, 2 wrong usage, 3 the lab itself failed, 130 interrupted."""
    assert lab(ending)[0] == code


def test_a_known_problem_is_told_with_what_to_do_next_and_its_detail(lab):
    """On standard error: what happened, the end of a log with its control characters shown, and the next step."""
    code, said = lab(LabFailedError(verbatim("The lab broke."), verbatim("Mend it."), "last\x1b[31m words"))
    assert code == 3
    assert said.out == ""
    assert said.err.splitlines()[0].endswith("The lab broke.")
    assert "  | last" in said.err
    assert "\x1b" not in said.err
    assert said.err.splitlines()[-1] == "  Mend it."


def test_an_unknown_problem_is_the_labs_and_its_traceback_is_kept(lab, tmp_path):
    """People see one sentence, and a file for those who mend the lab."""
    code, said = lab(RuntimeError("made of cheese"))
    assert code == 3
    assert "your work is not at fault" in said.err
    assert "Traceback" not in said.err
    assert "made of cheese" in (tmp_path / ".lab" / "last-error.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["stauts"], "lab has no command stauts"),
        (["up", "--fast"], "no option --fast"),
        (["up", "1", "2"], "no more words than that: 1 2"),
        (["status", "--jsn"], "Did you mean --json?"),
        (["status", "--json=yes"], "--json is not written as it should be"),
        (["hint"], "N is missing"),
        (["hint", "three"], "three is not a number from 1 to 99"),
        (["hint", "0"], "0 is not a number"),
        (["hint", "77"], "There is no exercise 77"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(lab, words, told):
    """Every kind of slip is named, in the reader's language, with where to look."""
    code, said = lab(None, *words)
    assert code == 2
    assert told in said.err
    assert len(said.err.splitlines()) == 2


def test_a_setting_that_makes_no_sense_ends_with_2(lab):
    """Even one that is about the language itself."""
    assert lab(None, LAB_MODE="dock")[0] == 2
    code, said = lab(None, LAB_LANG="xx")
    assert code == 2
    assert "LAB_LANG" in said.err


def test_the_language_is_indonesian_unless_english_is_asked_for(lab):
    """All of click's own words included."""
    _, english = lab(None, "up", "--help")
    _, indonesian = lab(None, "up", "--help", LAB_LANG="id")
    assert "Usage: lab up" in english.out
    assert "Show this help." in english.out
    assert "Pemakaian: lab up [OPSI]" in indonesian.out
    assert "Tampilkan bantuan ini." in indonesian.out
    assert not {"Usage", "Options", "Show"} & set(indonesian.out.replace(":", " ").split())


def test_without_a_command_the_help_is_shown_and_nothing_counts_as_done(lab, tmp_path, capsys):
    """`lab` alone ends with 2, so that a script that forgot the command notices."""
    assert run([], {"LAB_HOME": str(tmp_path), "LAB_LANG": "en"}) == 2
    assert "For participants" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full."),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full."),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/lab"), "This user may not use /srv/lab."),
        (OSError(errno.EROFS, "Read-only file system", "/srv/lab"), "This user may not use /srv/lab."),
    ],
)
def test_a_full_disk_and_a_forbidden_folder_have_words_of_their_own(lab, problem, told):
    """They are frequent, and nobody needs a traceback for them."""
    code, said = lab(problem)
    assert code == 3
    assert told in said.err


def test_where_nothing_can_be_written_the_traceback_goes_to_the_temporary_folder(tmp_path, monkeypatch, lab):
    """Telling about an error never makes another one."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    code, said = lab(RuntimeError("made of cheese"), LAB_HOME=str(tmp_path / "file"))
    assert code == 3
    assert str(tmp_path / "temporary" / "last-error.txt") in said.err
    assert "cheese" in (tmp_path / "temporary" / "last-error.txt").read_text(encoding="utf-8")


def test_no_colour_is_sent_where_output_is_no_terminal_or_nobody_wants_it(lab):
    """Marks alone tell good from bad."""
    _, said = lab(WrongUsageError(verbatim("No."), verbatim("Yes.")), NO_COLOR="1")
    assert "\x1b" not in said.err
