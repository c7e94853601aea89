"""What kind of program a submission is: which file starts it, and what reads that file."""

import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.language import Text, catalogue

_ = catalogue(__file__)

MAIN_FILES = {
    "main.py": ("python",),
    "main.mjs": ("node",),
    "main.js": ("node",),
    "main.php": ("php",),
    "main.sh": ("sh",),
    "main": (),
}
"""The files that may start a submission, and the interpreter of each; `main` alone is a program by itself."""


class ProgramUnknown(Exception):  # noqa: N818 - says the fact
    """A submission does not say how to start it, or this machine cannot.

    Attributes:
        code: `none`, `several` or `no_interpreter`.
        message: what to do, for the participant.
    """

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message.render("en")


def command(submission: Path, python: Path, inside: Mapping[str, str] | None = None) -> list[str]:
    """Return the words that start `submission`, for `Program.argv`.

    Args:
        submission: a folder.
        python: the interpreter of participants' programs.
        inside: where the program runs among other files than this machine's, the interpreters there by language.

    Raises:
        ProgramUnknown: no file that starts it, more than one, or no interpreter for it on this machine or `inside`.
    """
    found = [name for name in MAIN_FILES if _is_file(submission / name)]
    if not found:
        names = ", ".join(MAIN_FILES)
        raise ProgramUnknown(
            "none",
            _(
                "The folder has no program to start. Name the file that starts yours one of these: {names}.",
                names=names,
            ),
        )
    if len(found) > 1:
        names = ", ".join(found)
        raise ProgramUnknown(
            "several",
            _(
                "The folder has more than one file that could start it: {names}. Keep one and rename the others.",
                names=names,
            ),
        )
    if inside is not None:
        return [*_interpreter_inside(found[0], inside), found[0]]
    return [*_interpreter(found[0], python), found[0]]


def _interpreter_inside(name: str, inside: Mapping[str, str]) -> Sequence[str]:
    for language in MAIN_FILES[name]:
        if language not in inside:
            raise ProgramUnknown(
                "no_interpreter",
                _(
                    "In this lab programs run in containers that have no {language}, which {name} needs. Hand it in as "
                    "a Python program, or ask the trainer for a container with {language}.",
                    language=language,
                    name=name,
                ),
            )
        return [inside[language]]
    return []


def _interpreter(name: str, python: Path) -> Sequence[str]:
    for language in MAIN_FILES[name]:
        path = str(python) if language == "python" else shutil.which(language)
        if path is None:
            raise ProgramUnknown(
                "no_interpreter",
                _(
                    "This computer has no {language}, which {name} needs. Install it, or ask the trainer.",
                    language=language,
                    name=name,
                ),
            )
        return [path]
    return []


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
