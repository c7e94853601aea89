"""Taking a submission in: a private copy of a folder or a `.zip`, made so that nothing in it can do harm by its form.

Only regular files are copied: no links, devices or sockets, nothing whose path leads elsewhere or means something
else on another system. Count, size, depth and compression are bounded. The hash is over the copy, taken before anything
runs. A refusal is one kind sentence; it is the participant's matter, never the lab's error.
"""

import hashlib
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from grader.language import Text, catalogue

_ = catalogue(__file__)

MIB = 1024 * 1024
MAIN = "main"
"""A program by itself. It may run even where the archive does not say so: those made on Windows never do."""
IGNORED = frozenset(
    {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", "__pycache__", ".venv", "venv", "node_modules"}
    | {".idea", ".vscode", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""What editors, systems and tools leave behind: passed over, and not part of the hash."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
"""Names of devices on Windows, whatever follows the dot."""
_BAD_CHARACTERS = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_CHUNK = 64 * 1024
_ENTRIES_PER_FILE = 10
_DIRECTORY_BYTES_PER_ENTRY = 1024
_DIRECTORY_END = b"PK\x05\x06"
_DIRECTORY_END_WITHIN = 22 + 65535
_BROKEN_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    OverflowError, ValueError,
)  # fmt: skip
"""What `zipfile` raises for damaged archives; `OSError` for places that lie before their beginning."""
_RUN_BITS = 0o111


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a submission may hold.

    Attributes:
        files: regular files.
        file_bytes, total_bytes: of one file, and of all together.
        ratio: how many times larger a compressed file may become.
        depth: folders within folders.
    """

    files: int = 500
    file_bytes: int = 5 * MIB
    total_bytes: int = 20 * MIB
    ratio: int = 200
    depth: int = 12


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission that was taken in.

    Attributes:
        path: the private copy, stepped into where everything lay in one folder.
        sha256: over names and contents, in the order of names.
        files: how many.
    """

    path: Path
    sha256: str
    files: int


class SubmissionRefused(Exception):  # noqa: N818 - says the fact
    """A submission that cannot be taken in.

    Attributes:
        code: stable name of the reason.
        message: one sentence for the participant.
    """

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message.render("en")


def take_in(source: Path, into: Path, bounds: Bounds | None = None) -> Submission:
    """Copy a submission.

    Args:
        source: a folder, or a file whose name ends in `.zip`.
        into: the folder of the copy; must not exist.

    Raises:
        SubmissionRefused: it is missing, empty, too large, corrupt, or holds what is not taken.
    """
    intake = _Intake(into, bounds or Bounds())
    into.mkdir(mode=0o700, parents=True)
    try:
        kind = source.lstat().st_mode
    except OSError as error:
        raise SubmissionRefused("missing", _("There is nothing at {name}.", name=source.name)) from error
    if stat.S_ISDIR(kind):
        _take_folder(source, intake)
    elif stat.S_ISREG(kind) and source.suffix.lower() == ".zip":
        _take_zip(source, intake)
    else:
        raise SubmissionRefused(
            "kind", _("{name} is neither a folder nor a .zip file. Hand in one of these.", name=source.name)
        )
    if not intake.names:
        raise SubmissionRefused("empty", _("The submission is empty. Hand in the folder with your program."))
    return Submission(_unwrapped(into), _hash(_unwrapped(into)), len(intake.names))


class _Intake:
    """Counts and writes what comes in."""

    def __init__(self, into: Path, bounds: Bounds) -> None:
        self.into = into
        self.bounds = bounds
        self.most_entries = bounds.files * _ENTRIES_PER_FILE
        self.names: dict[str, str] = {}
        self.total = 0
        self.entries = 0

    def wanted(self, path: PurePosixPath) -> bool:
        """Whether a path is taken at all.

        Raises:
            SubmissionRefused: it is a path that no submission may hold.
        """
        if any(part in IGNORED for part in path.parts):
            return False
        self.require_depth(path)
        for part in path.parts:
            if not _is_plain(part):
                raise _bad_name(str(path))
        return True

    def require_depth(self, path: PurePosixPath) -> None:
        """Refuse folders that lie too deep in each other."""
        if len(path.parts) > self.bounds.depth:
            raise SubmissionRefused("depth", _("Folders lie deeper in each other than {n}.", n=self.bounds.depth))

    def count_entry(self) -> None:
        """Refuse a folder that holds endless entries, even if none of them is taken."""
        self.entries += 1
        if self.entries > self.most_entries:
            raise SubmissionRefused("files", _("There are more than {n} files.", n=self.bounds.files))

    def write(self, path: PurePosixPath, content: Iterator[bytes], *, mode: int, packed: int | None = None) -> None:
        """Copy one file.

        Args:
            path: where it lies in the submission.
            content: its pieces.
            mode: its permissions, of which only those to run it are kept.
            packed: its size in the archive, to find what unpacks without end.
        """
        self._register(path)
        target = self.into.joinpath(*path.parts)
        size = 0
        with self._created(path, target) as copy:
            for chunk in content:
                size += len(chunk)
                self._require_room(path, size, packed)
                copy.write(chunk)
        self.total += size
        if mode & _RUN_BITS or path.name == MAIN:
            target.chmod(0o700)

    @contextmanager
    def _created(self, path: PurePosixPath, target: Path) -> Iterator[IO[bytes]]:
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy = target.open("xb")
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            text = _("{name} lies inside a file, or is both a file and a folder. Pack it again.", name=str(path))
            raise SubmissionRefused("clash", text) from error
        with copy:
            yield copy

    def _register(self, path: PurePosixPath) -> None:
        known = unicodedata.normalize("NFC", str(path)).casefold()
        if known in self.names:
            one, other = self.names[known], str(path)
            text = _("Two files differ in nothing but capitals: {one}, {other}.", one=one, other=other)
            raise SubmissionRefused("clash", text)
        self.names[known] = str(path)
        if len(self.names) > self.bounds.files:
            raise SubmissionRefused("files", _("There are more than {n} files.", n=self.bounds.files))

    def _require_room(self, path: PurePosixPath, size: int, packed: int | None) -> None:
        bounds = self.bounds
        if size > bounds.file_bytes:
            limit = bounds.file_bytes // MIB
            raise SubmissionRefused("file_size", _("{name} is larger than {n} MiB.", name=str(path), n=limit))
        if self.total + size > bounds.total_bytes:
            limit = bounds.total_bytes // MIB
            raise SubmissionRefused("total_size", _("All files together are larger than {n} MiB.", n=limit))
        if packed is not None and size > MIB and size > packed * bounds.ratio:
            raise SubmissionRefused("ratio", _("{name} unpacks to far more than it seems.", name=str(path)))


def _is_plain(part: str) -> bool:
    return (
        part not in {"", ".", ".."}
        and len(part.encode("utf-8", "surrogatepass")) <= 200
        and not _BAD_CHARACTERS.search(part)
        and not _RESERVED.match(part)
        and part == part.rstrip(" .")
        and not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} for character in part)
    )


def _take_folder(source: Path, intake: _Intake) -> None:
    for path, entry in _walk(source, PurePosixPath(), intake):
        if not intake.wanted(path):
            continue
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            handle = os.open(entry, flags)
        except OSError as error:
            raise SubmissionRefused("unreadable", _("{name} cannot be read.", name=str(path))) from error
        with os.fdopen(handle, "rb") as content:
            mode = os.fstat(content.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise _no_file(path)
            intake.write(path, iter(lambda: content.read(_CHUNK), b""), mode=mode)


def _walk(folder: Path, below: PurePosixPath, intake: _Intake) -> Iterator[tuple[PurePosixPath, Path]]:
    """Give the regular files under a folder, in the order of their names; refuse links and whatever is no file."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(islice(listed, intake.most_entries + 1), key=lambda entry: entry.name)
    except OSError as error:
        raise SubmissionRefused("unreadable", _("{name} cannot be read.", name=str(below) or folder.name)) from error
    for entry in entries:
        path = below / entry.name
        intake.count_entry()
        if entry.name in IGNORED:
            continue
        if entry.is_dir(follow_symlinks=False):
            intake.require_depth(path)
            yield from _walk(Path(entry.path), path, intake)
        elif entry.is_file(follow_symlinks=False):
            yield path, Path(entry.path)
        else:
            raise _no_file(path)


def _bad_name(name: str) -> SubmissionRefused:
    return SubmissionRefused("name", _("The file name {name} is not taken. Use letters, digits, - and _.", name=name))


def _no_file(path: PurePosixPath) -> SubmissionRefused:
    return SubmissionRefused(
        "not_a_file", _("{name} is a link or no ordinary file. Hand in copies instead of links.", name=str(path))
    )


def _take_zip(source: Path, intake: _Intake) -> None:
    if source.stat().st_size > intake.bounds.total_bytes:
        limit = intake.bounds.total_bytes // MIB
        raise SubmissionRefused("total_size", _("All files together are larger than {n} MiB.", n=limit))
    with source.open("rb") as file:
        with _reading():
            _require_small_directory(file, intake)
            archive = zipfile.ZipFile(file)
        for entry in archive.infolist():
            intake.count_entry()
            _take_entry(archive, entry, intake)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn what goes wrong in reading an archive into the refusal that it means. Nothing is written in this block."""
    try:
        yield
    except _BROKEN_ZIP as error:
        text = _("The .zip file is damaged or of an unknown kind. Pack it again.")
        raise SubmissionRefused("corrupt", text) from error


def _require_small_directory(file: IO[bytes], intake: _Intake) -> None:
    """Refuse an archive whose list of contents is itself a burden: `zipfile` reads all of it before anybody can count.

    Every place that could be read as the end of that list is looked at, because readers differ in which one they take.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _DIRECTORY_END_WITHIN))
    tail = file.read()
    for place in re.finditer(re.escape(_DIRECTORY_END), tail):
        end = tail[place.start() : place.start() + 22]
        listed = struct.unpack_from("<I", end, 12)[0] if len(end) == 22 else 0
        if listed > intake.most_entries * _DIRECTORY_BYTES_PER_ENTRY:
            raise zipfile.BadZipFile
    file.seek(0)


def _take_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, intake: _Intake) -> None:
    name = entry.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or not entry.filename:  # which ends before the first NUL
        raise _bad_name(name)
    if entry.is_dir() or not intake.wanted(path):
        return
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise _no_file(path)
    if entry.flag_bits & 0x1:
        raise SubmissionRefused("encrypted", _("The .zip file has a password. Pack it without one."))
    intake.write(path, _unpacked(archive, entry), mode=mode, packed=entry.compress_size)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with _reading():
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise NotImplementedError  # the others unpack a whole piece at once, of which nobody knows the size
        content = archive.open(entry)
    with content:
        while True:
            with _reading():
                piece = content.read(_CHUNK)
            if not piece:
                return
            yield piece


def _unwrapped(folder: Path) -> Path:
    """People pack the folder and not its content: step into a single top folder."""
    entries = list(folder.iterdir())
    while len(entries) == 1 and entries[0].is_dir():
        folder = entries[0]
        entries = list(folder.iterdir())
    return folder


def _hash(folder: Path) -> str:
    """Return the SHA-256 over paths and contents, in the order of the paths' bytes: the same on every system."""
    files = {path.relative_to(folder).as_posix().encode(): path for path in folder.rglob("*") if path.is_file()}
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(b"%d %b %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()
