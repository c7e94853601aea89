"""The parts of a kit: which wheels which computer needs, how they are fetched, how images and archives are written."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.authoring.kit import archive, images
from lab.authoring.kit.contents import wheels_for
from lab.authoring.kit.images import ImagesFailed
from lab.authoring.kit.targets import PLATFORMS, PYTHONS, Line, Target, lines, wheel_tags
from lab.authoring.kit.wheels import FetchFailed, Wheels
from lab.docker.images import sources as image_sources

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
LINUX, WINDOWS, MAC = (Target(PLATFORMS[name], "3.13") for name in ("linux-x86_64", "windows-amd64", "macos-arm64"))
EVERYTHING = [Target(platform, python) for platform in PLATFORMS.values() for python in PYTHONS]


def needed(target):
    """The packages that a target needs of the lab's lock."""
    return {line.name for line in lines(ROOT / "requirements" / "lab.lock") if target.needs(line)}


def wheel(folder, name, tag="py3-none-any"):
    """Makes a wheel; returns its line of a lock."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}-1-{tag}.whl"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        made.writestr(f"{name}-1.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        made.writestr(f"{name}-1.dist-info/RECORD", "")
    return Line(name, "1", None, frozenset({hashlib.sha256(file.read_bytes()).hexdigest()}))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip finds packages in, and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return tmp_path / "index"


def test_markers_are_judged_for_the_computer_that_the_kit_is_for():
    """Not for the one that makes it."""
    assert "uvloop" in needed(LINUX) & needed(MAC)
    assert "uvloop" not in needed(WINDOWS)
    assert needed(WINDOWS) - needed(LINUX) == {"colorama", "pywin32", "tzdata"}


def test_a_marker_that_only_some_releases_of_a_python_fulfil_counts(tmp_path):
    """Whoever has the older or the newer release finds the package in the kit."""
    lock = (
        "old==1 ; python_full_version < '3.13.3' \\\n    --hash=sha256:aa\nnew==1 ; python_full_version >= '3.13.3'\n"
    )
    (tmp_path / "some.lock").write_text(lock, encoding="utf-8")
    found = lines(tmp_path / "some.lock")
    assert [LINUX.needs(line) for line in found] == [True, True]
    assert [Target(PLATFORMS["linux-x86_64"], "3.12").needs(line) for line in found] == [True, False]
    assert found[0].hashes == {"aa"}


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("a-1-py3-none-any.whl", {"linux-x86_64", "windows-amd64", "macos-x86_64", "macos-arm64"}),
        ("a-1-cp313-cp313-win_amd64.whl", {"windows-amd64"}),
        ("a-1-cp39-abi3-manylinux_2_28_x86_64.whl", {"linux-x86_64"}),
        ("a-1-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", {"linux-x86_64"}),
        ("a-1-cp313-cp313-manylinux_2_34_x86_64.whl", set()),
        ("a-1-cp313-cp313-musllinux_1_2_x86_64.whl", set()),
        ("a-1-cp313-cp313-macosx_11_0_arm64.whl", {"macos-arm64"}),
        ("a-1-cp313-cp313-macosx_10_13_universal2.whl", {"macos-x86_64", "macos-arm64"}),
        ("a-1-cp312-cp312-win_amd64.whl", set()),
        ("a-1-cp313-cp313t-win_amd64.whl", set()),
    ],
)
def test_a_wheel_is_for_the_computers_that_its_name_tells(file, names):
    """With Python 3.13."""
    _name, _version, tags = wheel_tags(file)
    assert {
        target.platform.name for target in EVERYTHING if target.python == "3.13" and tags & set(target.tags())
    } == names


def test_what_is_no_wheel_is_passed_over():
    """A folder may hold other things."""
    assert wheel_tags("notes.txt") is None


def test_the_best_wheel_is_chosen_and_one_with_another_digest_never(tmp_path):
    """As pip will choose it on the computer itself."""
    plain = wheel(tmp_path, "a")
    fast = wheel(tmp_path, "a", "cp313-cp313-win_amd64")
    either = Line("a", "1", None, plain.hashes | fast.hashes)
    wheels = Wheels(tmp_path)
    assert wheels.of(WINDOWS, either).name == "a-1-cp313-cp313-win_amd64.whl"
    assert wheels.of(LINUX, either).name == "a-1-py3-none-any.whl"
    assert wheels.of(LINUX, Line("a", "1", None, frozenset({"0" * 64}))) is None


def test_fetching_goes_on_where_it_was_broken_off(index, tmp_path):
    """What is there already is not asked for again, and another folder's wheels serve too."""
    root = tmp_path / "root"
    (root / "requirements").mkdir(parents=True)
    made = [wheel(index, name) for name in ("a", "b")]
    made.append(wheel(tmp_path / "others", "c"))
    (root / "requirements" / "lab.lock").write_text("".join(f"{one.requirement()}\n" for one in made), encoding="utf-8")
    (root / "requirements" / "learner.lock").write_text(f"{made[0].requirement()}\n", encoding="utf-8")
    asked = []
    for _attempt in range(2):
        wheels = Wheels(tmp_path / "kept", tmp_path / "others")
        covered = wheels_for(root, [LINUX, WINDOWS], wheels, lambda target, missing: asked.append(missing))
        assert [file.name[0] for file in covered.wheels] == ["a", "b", "c"]
        assert (list(covered.targets), covered.lacking) == ([LINUX, WINDOWS], {})
    assert asked == [2, 0, 0, 0]


def test_a_computer_without_a_wheel_is_left_out_and_the_others_are_served(index, tmp_path):
    """The package is named."""
    root = tmp_path / "root"
    (root / "requirements").mkdir(parents=True)
    made = [wheel(index, "a"), wheel(index, "only_win", "cp313-cp313-win_amd64")]
    lock = f"{made[0].requirement()}\n{made[1].requirement()}\n"
    (root / "requirements" / "lab.lock").write_text(lock, encoding="utf-8")
    (root / "requirements" / "learner.lock").write_text("", encoding="utf-8")
    covered = wheels_for(root, [LINUX, WINDOWS], Wheels(tmp_path / "kept"), lambda target, missing: None)
    assert list(covered.targets) == [WINDOWS]
    assert covered.lacking == {"linux-x86_64 Python 3.13": ["only-win"]}


def test_a_forged_package_is_refused(index, tmp_path):
    """The digest in the lock decides."""
    wheel(index, "a")
    with pytest.raises(FetchFailed, match="HASHES"):
        Wheels(tmp_path / "kept").fetch(LINUX, [Line("a", "1", None, frozenset({"0" * 64}))])


def write(folder, members):
    """Writes an archive."""
    folder.mkdir(exist_ok=True)
    archive.write(folder / "kit.zip", "top", members, AT, lambda done: None)
    return folder / "kit.zip"


def test_an_archive_is_the_same_to_the_byte_whatever_its_files_are_like(tmp_path):
    """Times, modes and the order of what goes in leave no trace."""
    big = tmp_path / "big.whl"
    big.write_bytes(os.urandom(3_000_000))
    first = write(tmp_path / "one", {"b": (b"text", False), "big.whl": (big, False), "a": (b"run", True)})
    os.utime(big, (1, 1))
    big.chmod(0o600)
    second = write(tmp_path / "two", {"a": (b"run", True), "b": (b"text", False), "big.whl": (big, False)})
    assert first.read_bytes() == second.read_bytes()
    assert archive.checksum(first) == hashlib.sha256(first.read_bytes()).hexdigest()
    with zipfile.ZipFile(first) as opened:
        assert opened.namelist() == ["top/a", "top/b", "top/big.whl", "top/kit/SHA256SUMS"]
        assert opened.getinfo("top/a").external_attr >> 16 == 0o100755
        assert opened.getinfo("top/big.whl").date_time == (2026, 11, 22, 8, 30, 0)
        assert hashlib.sha256(big.read_bytes()).hexdigest() + "  big.whl" in opened.read("top/kit/SHA256SUMS").decode()


def test_an_archive_that_breaks_off_leaves_the_last_one_as_it_was(tmp_path):
    """A full disk or a lost file never leaves half a kit."""
    whole = write(tmp_path / "one", {"a": (b"1", False)})
    before = whole.read_bytes()
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "one", {"a": (b"2", False), "b": (tmp_path / "absent", False)})
    assert whole.read_bytes() == before
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["kit.zip"]


ENGINE = """#!/bin/sh
echo "$*" >> "$0.calls"
case "$1 $2" in
    "info --format") echo engine ;;
    "compose --project-directory") printf 'lab/services\\nlab/store\\n' ;;
    "image inspect")
        case "$4 $5" in
            *:absent) exit 1 ;;
            *spbe-lab.sources*services*) sed -n 1p "$(dirname "$0")/marks" ;;
            *spbe-lab.sources*learner*) sed -n 2p "$(dirname "$0")/marks" ;;
            *) echo "sha256:of-$5" ;;
        esac ;;
    "save lab/broken") echo 'no space' >&2; exit 1 ;;
    save*) printf 'layers of %s' "$*" ;;
esac
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A docker of our own on the search path, which writes down how it is called."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    (program.parent / "marks").touch()
    program.write_text(ENGINE, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path / "bin" / "docker.calls"


def test_the_images_are_those_that_docker_mode_needs_and_what_is_missing_is_named(engine, tmp_path):
    """Those of the compose file, and those beside it that no service uses."""
    ours = ["spbe-lab/learner:dev", "spbe-lab/services:dev"]
    assert images.present(tmp_path, "dev") == (["lab/services", "lab/store", *ours], [])
    assert images.present(tmp_path, "absent")[1] == ["spbe-lab/learner:absent", "spbe-lab/services:absent"]


def test_images_of_other_code_are_not_taken_along(engine, tmp_path):
    """A laptop would want to build them anew, and could not."""
    assert images.outdated(ROOT, "dev") == ["spbe-lab/services:dev", "spbe-lab/learner:dev"]
    right = [image_sources(ROOT, target) for target in ("services", "learner")]
    (engine.parent / "marks").write_text("\n".join(right), encoding="utf-8")
    assert images.outdated(ROOT, "dev") == []


def test_without_an_engine_there_are_no_images(tmp_path, monkeypatch):
    """And that is no error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert images.present(tmp_path, "dev") == ([], [])


def test_images_are_saved_together_and_only_when_they_changed(engine, tmp_path):
    """All in one file, so that shared layers are in it once."""
    file = tmp_path / "images.tar.gz"
    for _attempt in range(2):
        images.save(["lab/a", "lab/b"], file, lambda done: None)
        assert gzip.decompress(file.read_bytes()) == b"layers of save lab/a lab/b"
    assert engine.read_text(encoding="utf-8").count("save lab/a lab/b") == 1
    images.save(["lab/a"], file, lambda done: None)
    assert gzip.decompress(file.read_bytes()) == b"layers of save lab/a"


def test_an_engine_that_fails_leaves_no_file(engine, tmp_path):
    """What it said is kept for the one who asked."""
    with pytest.raises(ImagesFailed, match="no space"):
        images.save(["lab/broken"], tmp_path / "images.tar.gz", lambda done: None)
    assert not list(tmp_path.glob("images*"))


@pytest.fixture
def real_image():
    """Two tiny images of a real engine, which share their one layer."""
    required = os.environ.get("LAB_REQUIRE_DOCKER") == "1"  # noqa: TID251 - the same word as for all docker tests
    if shutil.which("docker") is None or not docker("info", "--format", "{{.ID}}", check=required):
        assert not required, "docker does not answer, and LAB_REQUIRE_DOCKER=1"
        pytest.skip("docker does not answer here")
    names = [f"spbe-kit-{os.getpid()}/{one}:test" for one in ("a", "b")]
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        layer.addfile(tarfile.TarInfo("empty"))
    subprocess.run(["docker", "import", "-", names[0]], input=content.getvalue(), capture_output=True, check=True)
    docker("tag", *names)
    yield names
    docker("rmi", *names, check=False)


def docker(*words, check=True):
    """Calls docker; returns what it printed."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check).stdout.strip()


def test_an_engine_that_never_saw_the_images_loads_them_from_the_kit(real_image, tmp_path):
    """`docker load -i` gives them back under their names, the same to the bit."""
    before = [docker("image", "inspect", "--format", "{{.Id}}", name) for name in real_image]
    file = tmp_path / "images.tar.gz"
    images.save(real_image, file, lambda done: None)
    docker("rmi", *real_image)
    docker("load", "-i", str(file))
    assert [docker("image", "inspect", "--format", "{{.Id}}", name) for name in real_image] == before
