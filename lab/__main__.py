"""Composition root of `lab`: reads the environment, calls the command, and turns how it ended into an exit code."""

import contextlib
import errno
import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from grader.language import catalogue, use_language
from grader.verdicts import ExitCode, LabFault
from lab import settings
from lab.command_line import command_line
from lab.console import Console, speak_utf8
from lab.outcomes import EndedError, LabFailedError
from lab.session import Session
from lab.usage import refusal

_ = catalogue(__file__)


def main() -> None:
    """Runs the command line of this process and leaves with its exit code."""
    # A command ends before there is much garbage; to look for it among all that is loaded costs a tenth of its time.
    gc.set_threshold(50_000, 20, 20)
    speak_utf8()
    code = run(sys.argv[1:], os.environ)
    gc.freeze()  # or Python would look through everything once more now, for a tenth of a second
    sys.exit(code)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs one command.

    Args:
        arguments: the command line without the program's name.
        environment: where the settings are read from.

    Returns:
        The exit code: 0 passed, 1 not passed, 2 wrong usage, 3 the lab itself failed, 130 interrupted.
    """
    console = Console(colour=not environment.get("NO_COLOR"))
    try:
        use_language(settings.language(environment))
        chosen = settings.read(environment)
        return _call(arguments, Session(chosen, console))
    except EndedError as end:
        console.problem(end.problem, end.advice, end.detail)
        return end.code
    except (click.exceptions.Abort, KeyboardInterrupt):
        console.problem(_("Stopped."), "")
        return ExitCode.INTERRUPTED


def _call(arguments: Sequence[str], session: Session) -> int:
    try:
        result = command_line().main(list(arguments), prog_name="lab", obj=session, standalone_mode=False)
        return int(result or ExitCode.PASSED)
    except (EndedError, click.exceptions.Abort):
        raise
    except click.exceptions.NoArgsIsHelpError as asked:
        session.console.say(asked.format_message())
        return ExitCode.USAGE
    except click.ClickException as error:
        raise refusal(error) from error
    except LabFault as fault:
        raise LabFailedError(fault.message, _("If this stays so, run: make doctor")) from fault
    except Exception as error:
        raise _failure(error, session) from error


def _failure(error: Exception, session: Session) -> LabFailedError:
    """Puts an error that nobody foresaw into words."""
    number = error.errno if isinstance(error, OSError) else None
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return LabFailedError(_("The disk is full."), _("Free some space, then repeat your command."))
    if isinstance(error, OSError) and (isinstance(error, PermissionError) or number == errno.EROFS):
        return LabFailedError(
            _("This user may not use {path}.", path=error.filename or session.settings.home),
            _("Copy the lab to a folder of your own, or name another one in LAB_HOME."),
        )
    return LabFailedError(
        _("The lab itself has an error; your work is not at fault."),
        _("Run your command again; if this stays so, send {file} to your trainer.", file=_kept(session)),
    )


def _kept(session: Session) -> Path:
    """Writes the exception under way to a file, for whoever mends the lab."""
    for folder in (session.settings.state, Path(tempfile.gettempdir())):
        file = folder / "last-error.txt"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(traceback.format_exc(), encoding="utf-8")
            break
    return file


if __name__ == "__main__":
    main()
