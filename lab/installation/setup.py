"""Brings both environments to what the lock files say: `.venv` for the lab, `.lab/learner` for participants' programs.

Everything is first downloaded to `.lab/wheels` and then installed from there without a network. So an upgrade never
destroys a working environment for want of a network, and an environment that was killed half-way, lost, or moved with
its folder is mended offline. An offline kit brings the wheels along, in `kit/wheels`; then no network is asked.
"""

import argparse
import errno
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.filelock import LockTimeoutError, held
from lab.installation import host
from lab.installation.environment import Environment, digest
from lab.installation.host import SetupFailedError
from lab.installation.kit import covered, covers, kit_wheels, this_computer
from lab.installation.pip import Installer, KitLacksError
from lab.installation.progress import Progress, tell
from lab.installation.sentences import sentence

_EXIT_FAILED = 3
_EXIT_INTERRUPTED = 130
_LONGEST_WAIT_SECONDS = 1800
_HAS_OWN_PIP = "import sys, pip; raise SystemExit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"


class Setup:
    """One run of the set-up."""

    def __init__(self, root: Path, size: str, language: str) -> None:
        """Plans the set-up of the lab at `root`.

        Args:
            root: the clone.
            size: "lab" for what participants need, "dev" for that and the developers' tools.
            language: "id" or "en".

        Raises:
            OSError: when a lock file cannot be read.
        """
        self._root = root
        self._size = size
        self._language = language
        self._home = root / ".lab"
        self._lab = Environment(root / ".venv", root)
        self._learner = Environment(self._home / "learner", root)
        locks = root / "requirements"
        self._lab_lock = locks / f"{size}.lock"
        self._learner_lock = locks / "learner.lock"
        self._complete = self._home / "wheels" / f"{size}-{sys.implementation.cache_tag}.complete"
        self._lab_inputs = {"project": digest(root / "pyproject.toml"), "lab": digest(locks / "lab.lock")}
        self._lab_inputs[size] = digest(self._lab_lock)
        self._kit = kit_wheels(root) if size == "lab" else None
        self._learner_inputs = {"learner": digest(self._learner_lock)}

    def is_done(self) -> bool:
        """Tells whether there is nothing to do; costs a few file reads."""
        return self._lab.is_ready(self._lab_inputs) and self._learner.is_ready(self._learner_inputs)

    def run(self) -> None:
        """Makes what is missing, showing progress.

        Raises:
            SetupFailedError: with a sentence for people.
            LockTimeoutError: when another set-up does not end.
            OSError: when a file or folder cannot be written.
        """
        host.check(self._root, self._size, self._language)
        self._home.mkdir(exist_ok=True)
        waiting = sentence("waiting", self._language)
        with held(self._home / "setup.lock", _LONGEST_WAIT_SECONDS, on_wait=lambda: tell(waiting)):
            if self.is_done():
                return
            if self._is_downloaded() or (self._kit and covers(self._root)):
                tell(sentence("mending", self._language))
            else:
                tell(sentence("starting", self._language, megabytes=host.DOWNLOAD_MB[self._size]))
            self._clear_the_way()
            progress = Progress(5, self._language)
            try:
                self._build(Installer(self._root, self._lab, self._size, self._language), progress)
            except BaseException:
                progress.broken()
                raise
            tell(sentence("done", self._language))

    def _clear_the_way(self) -> None:
        """Removes a half-made `.venv`; sets one aside that somebody else made and that cannot be used."""
        folder = self._lab.folder
        if not folder.exists() or self._is_usable():
            return
        if self._lab.has_state():
            tell(sentence("half_made", self._language))
            shutil.rmtree(folder)
            return
        aside = self._home / "set-aside" / f"venv-{time.time_ns()}"
        aside.parent.mkdir(exist_ok=True)
        folder.rename(aside)
        tell(sentence("set_aside", self._language, path=aside.relative_to(self._root)))

    def _is_usable(self) -> bool:
        """Tells whether `.venv` can be brought to the lock as it stands: ours and sound, or with its own pip."""
        if self._lab.has_state():
            return self._lab.is_sound()
        return host.works([str(self._lab.python), "-c", _HAS_OWN_PIP])

    def _build(self, installer: Installer, progress: Progress) -> None:
        progress.step("step_venv")
        if not self._lab.folder.exists():
            installer.make(self._lab, progress)
        progress.done()
        progress.step("step_kit" if self._kit else "step_download")
        self._download(installer, progress)
        progress.done()
        progress.step("step_install")
        if not self._lab.is_ready(self._lab_inputs):
            self._lab.mark("building", {})
            installer.install(self._lab, self._lab_lock, progress)
        progress.done()
        progress.step("step_lab")
        if not self._lab.is_ready(self._lab_inputs):
            installer.install_lab(progress)
            self._lab.mark("ready", self._lab_inputs)
        progress.done()
        progress.step("step_learner")
        self._make_learner(installer, progress)
        progress.done()

    def _download(self, installer: Installer, progress: Progress) -> None:
        if self._is_downloaded():
            return
        locks = [self._lab_lock, self._learner_lock]
        kit = self._kit
        try:
            if kit:
                installer.take(kit, locks, progress)
        except KitLacksError:
            progress.broken()
            tell(sentence("kit_lacks", self._language, found=this_computer(), covered=covered(self._root)))
            kit = None
        if not kit:
            installer.download(locks, progress)
        draft = self._complete.with_suffix(".new")
        draft.write_text(self._locked(), encoding="utf-8")
        draft.replace(self._complete)

    def _is_downloaded(self) -> bool:
        """Tells whether every wheel of both locks is there for this Python."""
        return self._complete.exists() and self._complete.read_text(encoding="utf-8") == self._locked()

    def _locked(self) -> str:
        return digest(self._lab_lock) + digest(self._learner_lock)

    def _make_learner(self, installer: Installer, progress: Progress) -> None:
        """Makes the participants' interpreter.

        It links to the system's Python instead of copying it, so that it follows the system's security updates. It has
        no pip, which the lab's pip stands in for, and none of the lab's packages.
        """
        if self._learner.is_ready(self._learner_inputs):
            return
        if self._learner.folder.exists():
            shutil.rmtree(self._learner.folder)
        installer.make(self._learner, progress, "--without-pip")
        installer.install(self._learner, self._learner_lock, progress)
        self._learner.mark("ready", self._learner_inputs)


def main(arguments: Sequence[str], root: Path, language: str) -> int:
    """Sets the lab at `root` up.

    Args:
        arguments: the command line without the program's name.
        root: the clone.
        language: "id" or "en".

    Returns:
        0 when both environments are ready, 3 when they are not, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(prog="bootstrap.py", description=sentence("about", language))
    parser.add_argument("--dev", action="store_true", help=sentence("dev_help", language))
    size = "dev" if parser.parse_args(arguments).dev else "lab"
    try:
        setup = Setup(root, size, language)
        if not setup.is_done():
            setup.run()
    except SetupFailedError as failure:
        return _ended(str(failure), _EXIT_FAILED)
    except LockTimeoutError:
        return _ended(sentence("waited_too_long", language, minutes=_LONGEST_WAIT_SECONDS // 60), _EXIT_FAILED)
    except OSError as problem:
        return _ended(_about_file(problem, root, size, language), _EXIT_FAILED)
    except KeyboardInterrupt:
        return _ended(sentence("interrupted", language), _EXIT_INTERRUPTED)
    return 0


def _about_file(problem: OSError, root: Path, size: str, language: str) -> str:
    if isinstance(problem, PermissionError) or problem.errno == errno.EROFS:
        return sentence("not_writable", language, path=problem.filename or root)
    if isinstance(problem, FileNotFoundError):
        return sentence("file_missing", language, path=problem.filename or root)
    if problem.errno == errno.EDQUOT:
        return sentence("quota_full", language, path=problem.filename or root)
    return host.no_space(root, size, language) if problem.errno == errno.ENOSPC else str(problem)


def _ended(words: str, code: int) -> int:
    sys.stderr.write(f"\n{words}\n")
    return code
