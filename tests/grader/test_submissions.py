"""Taking submissions in: what people hand in is taken, what could do harm is refused with its reason."""

import io
import os
import random
import socket
import struct
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.submissions import Bounds, Submission, SubmissionRefused, take_in

FILES = {"main.py": b"print('halo')\n", "lib/alat.py": b"A = 1\n", "data/kota.json": b"{}"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def pack(
    path: Path,
    files: Mapping[str | zipfile.ZipInfo, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]],
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return path


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """Write into an archive what `zipfile` does not write: the name must stay as long as it was."""
    assert len(old) == len(new)
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def taken(submission: Submission) -> dict[str, bytes]:
    return {
        path.relative_to(submission.path).as_posix(): path.read_bytes()
        for path in submission.path.rglob("*")
        if not path.is_dir()
    }


def refusal(source: Path, into: Path, bounds: Bounds | None = None) -> str:
    """Return the code of the refusal, whose words must be there in both languages and name no path of the machine."""
    with pytest.raises(SubmissionRefused) as caught:
        take_in(source, into, bounds)
    words = {caught.value.message.render(language) for language in ("id", "en")}
    assert len(words) == 2
    assert not any(str(source.parent) in sentence for sentence in words)
    return caught.value.code


def test_folder_and_archive_of_the_same_files_are_the_same(place):
    """A folder, its archive, and an archive of the folder around it give the same copy and the same hash."""
    folder = take_in(fill(place / "folder", FILES), place / "a")
    archive = take_in(pack(place / "x.zip", FILES), place / "b")
    wrapped = take_in(pack(place / "y.ZIP", {f"Tugas 3/{name}": text for name, text in FILES.items()}), place / "c")
    assert taken(folder) == taken(archive) == taken(wrapped) == FILES
    assert folder.sha256 == archive.sha256 == wrapped.sha256
    assert folder.files == archive.files == wrapped.files == 3
    assert folder.path == place / "a"
    assert wrapped.path == place / "c" / "Tugas 3"


def test_hash_tells_every_difference_apart(place):
    """Another byte, another name, or a border moved between name and content gives another hash."""
    variants = [
        FILES,
        {**FILES, "main.py": b"print('halo') \n"},
        {**FILES, "lib/alat2.py": b""},
        {"ab": b"c", "main.py": b""},
        {"a": b"bc", "main.py": b""},
        {"a": b"b", "main.py": b"c"},
    ]
    hashes = {take_in(fill(place / f"f{n}", files), place / f"t{n}").sha256 for n, files in enumerate(variants)}
    assert len(hashes) == len(variants)


def test_hash_does_not_depend_on_order_time_or_mode(place):
    """The same files packed in another order, with other times and permissions, are the same submission."""
    names = [*FILES]
    random.Random(1).shuffle(names)  # noqa: S311 - any order will do
    entries: list[tuple[str | zipfile.ZipInfo, bytes]] = []
    for name in names:
        info = zipfile.ZipInfo(name, (1999, 1, 2, 3, 4, 6))
        info.external_attr = 0o100777 << 16
        entries.append((info, FILES[name]))
    one = take_in(pack(place / "x.zip", entries), place / "a")
    assert one.sha256 == take_in(fill(place / "f", FILES), place / "b").sha256


def test_leftovers_of_tools_are_passed_over(place):
    """What editors, systems and package tools leave behind is neither taken nor counted, even links in it."""
    folder = fill(
        place / "folder",
        {**FILES, ".git/config": b"x", "__pycache__/a.pyc": b"x", "lib/node_modules/a.js": b"x", ".DS_Store": b"x"},
    )
    (folder / ".venv").mkdir()
    (folder / ".venv" / "python").symlink_to("/usr/bin/python3")
    archive = pack(place / "x.zip", {**{f"t/{n}": c for n, c in FILES.items()}, "__MACOSX/t/._main.py": b"x"})
    assert taken(take_in(folder, place / "a")) == FILES
    assert taken(take_in(archive, place / "b", Bounds(files=3))) == FILES


def test_right_to_run_is_kept(place):
    """A program that may run may run in the copy, and `main` may always; nothing else becomes runnable."""
    folder = fill(place / "folder", {"main": b"#!/bin/sh\n", "tool": b"", "main.txt": b""})
    (folder / "tool").chmod(0o755)
    info = zipfile.ZipInfo("tool")
    info.external_attr = 0o100755 << 16
    plain = zipfile.ZipInfo("main")
    plain.create_system, plain.external_attr = 0, 0
    archive = pack(place / "x.zip", [(info, b""), (plain, b"#!/bin/sh\n"), ("main.txt", b"")])
    for number, source in enumerate((folder, archive)):
        copy = take_in(source, place / str(number)).path
        runnable = {path.name for path in copy.iterdir() if os.access(path, os.X_OK) and path.stat().st_mode & 0o111}
        assert runnable == {"main", "tool"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../main.py", "name"),
        ("a/../../main.py", "name"),
        ("/etc/main.py", "name"),
        ("//server/share/main.py", "name"),
        ("C:/main.py", "name"),
        ("a\\..\\main.py", "name"),
        ("a\nb.py", "name"),
        ("a\x1b[31m.py", "name"),
        ("main.py\u202egpj", "name"),
        ("con.py", "name"),
        ("lib/NUL", "name"),
        ("com1.txt", "name"),
        ("COM¹", "name"),
        ("aux .py", "name"),
        ("main.py.", "name"),
        ("main.py ", "name"),
        ("a" * 201 + ".py", "name"),
        ("é" * 101 + ".py", "name"),
        ("/".join("a" * 13) + "/main.py", "depth"),
    ],
)
def test_names_that_lead_elsewhere_or_mean_something_else(place, name, code):
    """A path out of the folder, or one that some system reads differently, is refused and nothing is written there."""
    archive = pack(place / "x.zip", {"main.py": b"", zipfile.ZipInfo("x" * len(name.encode())): b""})
    renamed(archive, b"x" * len(name.encode()), name.encode())
    if not name.isascii():  # tell the reader that the name is UTF-8
        content = bytearray(archive.read_bytes())
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = content.rindex(signature)
            content[at + offset + 1] |= 0x08
        archive.write_bytes(content)
    before = {path for path in place.rglob("*") if "copy" not in path.parts}
    assert refusal(archive, place / "copy") == code
    assert {path for path in place.rglob("*") if "copy" not in path.relative_to(place).parts} == before


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("main.py", b""), ("MAIN.py", b"")], "clash"),
        ([("lib/é.py", b""), ("lib/e\u0301.py", b"")], "clash"),
        ([("lib", b""), ("lib/a.py", b"")], "clash"),
        ([("lib/a.py", b""), ("lib", b"")], "clash"),
    ],
)
def test_names_that_clash(place, files, code):
    """Two names that are one on another system, or a file that is a folder, too, are refused."""
    assert refusal(pack(place / "x.zip", files), place / "copy") == code


def test_same_name_twice(place):
    """An archive with two files of the same name has two readings, so it is refused."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = pack(place / "x.zip", [("main.py", b"1"), ("main.py", b"2")])
    assert refusal(archive, place / "copy") == "clash"


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644, 0o060644, 0o140644])
def test_links_and_devices_in_an_archive(place, mode):
    """An entry that says it is a link, a pipe, a device or a socket is refused."""
    info = zipfile.ZipInfo("main.py")
    info.external_attr = mode << 16
    assert refusal(pack(place / "x.zip", [(info, b"/etc/shadow")]), place / "copy") == "not_a_file"


@pytest.mark.parametrize("kind", ["link", "folder link", "dangling", "pipe", "socket"])
def test_links_and_devices_in_a_folder(place, kind):
    """A link is not followed, a pipe not waited for: both are refused."""
    secret = fill(place / "secret", {"answers.txt": b"rahasia"})
    folder = fill(place / "folder", {"main.py": b""})
    if kind == "pipe":
        os.mkfifo(folder / "x")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            here = Path.cwd()
            os.chdir(folder)  # a socket's path may not be long
            server.bind("x")
            os.chdir(here)
    else:
        target = {"link": secret / "answers.txt", "folder link": secret, "dangling": place / "nothing"}[kind]
        (folder / "x").symlink_to(target)
    assert refusal(folder, place / "copy") == "not_a_file"
    assert not any(b"rahasia" in path.read_bytes() for path in (place / "copy").rglob("*") if path.is_file())


def test_submission_that_is_itself_a_link(place):
    """A link to a folder is not a folder."""
    (place / "link").symlink_to(fill(place / "folder", FILES))
    assert refusal(place / "link", place / "copy") == "kind"


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (Bounds(files=2), "files"),
        (Bounds(file_bytes=10), "file_size"),
        (Bounds(total_bytes=18), "total_size"),
        (Bounds(depth=1), "depth"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_too_much(place, bounds, code, packed):
    """Number, size and depth are bounded alike for folders and archives."""
    source = pack(place / "x.zip", FILES) if packed else fill(place / "folder", FILES)
    assert refusal(source, place / "copy", bounds) == code


def test_bombs(place):
    """What unpacks to far more than it seems is refused after little of it was written."""
    bomb = pack(place / "bomb.zip", {"main.py": b"", "big": bytes(4 << 20)})
    assert refusal(bomb, place / "a") == "ratio"
    many = pack(place / "many.zip", {f"f{n}": bytes(1 << 20) for n in range(30)})
    assert refusal(many, place / "b") == "total_size"
    assert sum(path.stat().st_size for path in (place / "b").rglob("*")) <= 21 << 20
    crowd = pack(place / "crowd.zip", {f"{n}": b"" for n in range(600)})
    assert refusal(crowd, place / "c") == "files"
    folders = pack(place / "folders.zip", {f"{n}/": b"" for n in range(6000)})
    assert refusal(folders, place / "d") == "files"


def test_bomb_that_lies_about_its_size(place):
    """Sizes in the archive are not believed."""
    archive = pack(place / "x.zip", {"main.py": bytes(6 << 20)})
    content = archive.read_bytes().replace(struct.pack("<I", 6 << 20), struct.pack("<I", 10))
    archive.write_bytes(content)
    assert refusal(archive, place / "copy", Bounds(ratio=10**6)) in {"corrupt", "file_size"}


def test_entry_whose_name_is_empty(place):
    """A name ends before its first NUL, so that one that begins with it is none."""
    archive = pack(place / "x.zip", {"main.py": b"x", "lost.py": b"x"})
    archive.write_bytes(archive.read_bytes().replace(b"lost.py", b"\0ost.py"))
    assert refusal(archive, place / "copy") == "name"


def test_list_of_contents_without_end(place):
    """An archive that is nothing but a list of millions of entries is refused before the list is read."""
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("a/", b"")
    start = one.getvalue().index(b"PK\x01\x02")
    entry = one.getvalue()[start : one.getvalue().index(b"PK\x05\x06")]
    listed = entry * 120_000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), 0, 0)
    (place / "x.zip").write_bytes(listed + end)
    assert refusal(place / "x.zip", place / "copy") == "corrupt"


def test_archives_of_other_kinds(place):
    """Passwords, damaged files, other compressions and other kinds of archives are told apart from one another."""
    locked = pack(place / "locked.zip", {"main.py": b"x"})
    content = bytearray(locked.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    locked.write_bytes(content)
    assert refusal(locked, place / "a") == "encrypted"
    for number, kind in enumerate((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)):
        assert refusal(pack(place / "x.zip", {"main.py": b"x"}, kind), place / f"b{number}") == "corrupt"
    (place / "cut.zip").write_bytes(pack(place / "whole.zip", FILES).read_bytes()[:-40])
    assert refusal(place / "cut.zip", place / "c") == "corrupt"
    (place / "text.zip").write_text("bukan zip")
    assert refusal(place / "text.zip", place / "d") == "corrupt"
    (place / "x.tar").write_bytes(b"x" * 1024)
    assert refusal(place / "x.tar", place / "e") == "kind"
    assert refusal(place / "nothing", place / "f") == "missing"
    (place / "empty").mkdir()
    assert refusal(place / "empty", place / "g") == "empty"
    assert refusal(pack(place / "empty.zip", {}), place / "h") == "empty"
    assert refusal(pack(place / "junk.zip", {"__MACOSX/x": b"", "a/": b""}), place / "i") == "empty"


def test_full_disk_is_not_the_participants_fault(place, monkeypatch):
    """When the copy cannot be written, that is no refusal."""

    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    source = pack(place / "x.zip", FILES)
    monkeypatch.setattr(Path, "open", opened_unless(full, "copy"))
    with pytest.raises(OSError, match="No space"):
        take_in(source, place / "copy")


def opened_unless(instead: Callable[..., None], word: str) -> Callable[..., object]:
    real = Path.open

    def open_path(path: Path, *arguments: object, **more: object) -> object:
        return instead() if word in path.parts else real(path, *arguments, **more)  # type: ignore[call-overload]  # passed on as given

    return open_path


WHOLE = io.BytesIO()
with zipfile.ZipFile(WHOLE, "w", zipfile.ZIP_DEFLATED) as _archive:
    for _name, _content in FILES.items():
        _archive.writestr(_name, _content * 50)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, len(WHOLE.getvalue()) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 60),
)
def test_any_damage_is_a_refusal(tmp_path_factory, changes, cut):
    """However an archive is damaged, it is taken or refused; nothing else comes out, and nothing lands elsewhere."""
    place = tmp_path_factory.mktemp("damaged")
    content = bytearray(WHOLE.getvalue())
    for at, value in changes:
        content[at] = value
    (place / "x.zip").write_bytes(content[: len(content) - cut])
    with suppress(SubmissionRefused):
        take_in(place / "x.zip", place / "copy")
    assert {path.name for path in place.iterdir()} == {"x.zip", "copy"}
