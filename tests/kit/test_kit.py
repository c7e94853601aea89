"""The offline kit: what is in it, what is not, and that a computer without any network installs and runs from it."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab.authoring.kit import participants
from lab.authoring.kit.__main__ import main
from lab.installation.host import base_python

ROOT = Path(__file__).resolve().parents[2]
THIS_PYTHON = ".".join(map(str, sys.version_info[:2]))
ONE_TARGET = ("--platform", "linux-x86_64", "--python", THIS_PYTHON, "--no-images")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kit of this test is for Linux")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone that nobody else commits to, with the wheels that this lab was set up from."""
    root = tmp_path_factory.mktemp("clone")
    done = subprocess.run(
        ["git", "clone", "--quiet", str(ROOT), str(root)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"this copy of the lab is no clone: {done.stderr}")
    (root / ".lab").mkdir()
    (root / ".lab" / "wheels").symlink_to(ROOT / ".lab" / "wheels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.settings.ROOT", root)
        yield root


def built(folder):
    """Makes a kit for one kind of computer, with the command that makes a full one."""
    assert main([*ONE_TARGET, "--out", str(folder)]) == 0
    return next(folder.glob("*.zip"))


@pytest.fixture(scope="module")
def archive(clone, tmp_path_factory):
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def members(archive):
    """Every member by its path below the kit's folder."""
    with zipfile.ZipFile(archive) as opened:
        return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


@pytest.fixture(scope="module")
def offline():
    """The words before a command that take every network away from it but its own loopback."""
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    try:
        probe = subprocess.run([*words, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")
    if probe.returncode != 0:
        pytest.skip(f"no network namespaces here: {probe.stderr}")
    return words


@pytest.fixture
def unpacked(archive, tmp_path):
    """The kit unpacked as its own page says, in a folder whose name has a space."""
    home = tmp_path / "laptop peserta"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(archive), str(home)], check=True)
    yield next(home.iterdir())
    shutil.rmtree(home)  # an installed lab is big


def test_a_laptop_without_network_installs_the_kit_and_is_graded(unpacked, offline, tmp_path):
    """In a namespace without a route, with an empty home: set-up, a verdict on the starter, full marks."""
    home = tmp_path / "home"
    home.mkdir()
    results = unpacked / ".lab" / "reports" / "01_first_api" / "results.json"
    make = f"make --no-print-directory PYTHON={shlex.quote(base_python())}"
    answer = ROOT / "exercises" / "01_first_api" / "solution" / "main.py"
    script = f"""
        ip link set lo up
        echo "routes: $(ip route show | wc -l)"
        {make} exercise-1; echo "first: $?"
        cp {shlex.quote(str(results))} {shlex.quote(str(tmp_path / "starter.json"))}
        cp {shlex.quote(str(answer))} work/01_first_api/main.py
        {make} exercise-1; echo "second: $?"
        {make} down
    """
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LAB_LANG": "en"}
    done = subprocess.run(
        [*offline, "sh", "-c", script], cwd=unpacked, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert "routes: 0" in said, said
    assert "no internet is needed" in said
    assert "The lab is ready." in said
    assert "first: 2" in said, said  # make's way to say that the recipe said 1: not passed
    assert "second: 0" in said, said
    starter, right = (json.loads(file.read_text(encoding="utf-8")) for file in (tmp_path / "starter.json", results))
    assert (starter["score"], starter["max_score"]) == (0, 100)
    assert {test["extra_data"]["verdict"] for test in starter["tests"]} <= {"fail", "skip"}
    assert right["score"] == 100


def test_what_participants_need_is_in_the_kit(members):
    """The lab, its checks, pages in both languages, and every wheel of the locks."""
    for path in ("Makefile", ".ci/help.awk", "bootstrap.py", "README.id.md", "lab/installation/setup.py"):
        assert path in members
    for exercise in ("01_first_api", "02_verify_nik", "03_verified_permits"):
        for path in ("README.md", "README.en.md", "hints.md", "exercise.toml", "starter/main.py", "checks/conftest.py"):
            assert f"exercises/{exercise}/{path}" in members
    wheels = [path for path in members if path.startswith("kit/wheels/")]
    assert len(wheels) > 40
    told = json.loads(members["kit/contents.json"])
    assert told["targets"] == [{"platform": "linux-x86_64", "python": THIS_PYTHON}]
    assert re.fullmatch(r"[0-9a-f]{40}", told["commit"])
    assert "tanpa internet" in members["KIT.id.md"].decode()
    assert "provisional" in members["KIT.en.md"].decode()


def test_no_answer_is_in_the_kit(members):
    """Neither in its own place nor under another name."""
    answers = {"solution", "right", "wrong", "DESIGN.md", "scenarios.md", "tests"}
    assert not [path for path in members if answers & set(Path(path).parts)]
    digests = {hashlib.sha256(content).digest() for content in members.values()}
    for answer in ROOT.glob("exercises/*/solution/*.py"):
        assert hashlib.sha256(answer.read_bytes()).digest() not in digests, answer


def test_nothing_of_this_machine_and_no_registry_is_in_the_kit(members):
    """No path of the one who made it, and no host that packages come from."""
    own = "from pip._internal.models.index import PyPI; print(PyPI.url, 'https://' + PyPI.file_storage_domain)"
    asked = (["-m", "pip", "config", "list"], ["-c", own])
    told = [subprocess.run([sys.executable, *one], capture_output=True, text=True, check=True).stdout for one in asked]
    hosts = set(re.findall(r"https?://([\w.-]+)", " ".join(told)))
    assert len(hosts) >= 2, "pip no longer tells where it gets packages from"
    homes = {str(Path.home()) + "/"} - {"/root/"}  # an image's own root has that one too
    unwanted = [word.encode() for word in (str(ROOT), *homes, *hosts)]
    for path, content in members.items():
        if not path.endswith(".whl"):
            assert not [word for word in unwanted if word in content], path


def test_the_same_commit_makes_the_same_archive(archive, tmp_path):
    """To the byte, with one time on every member, sorted, and of nobody in particular."""
    again = built(tmp_path)
    assert again.read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(again) as opened:
        entries = opened.infolist()[:-1]
    assert len({entry.date_time for entry in entries}) == 1
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert all(entry.external_attr >> 16 in {0o100644, 0o100755} for entry in entries)


def test_changes_that_are_not_committed_stay_out_and_are_told(clone, members, tmp_path, capsys):
    """Whoever makes a kit learns that it is of the last commit."""
    page = clone / "README.id.md"
    before = page.read_text(encoding="utf-8")
    page.write_text(before + "secret of today\n", encoding="utf-8")
    changed = built(tmp_path)
    page.write_text(before, encoding="utf-8")
    assert "perubahan sesudahnya tidak ikut" in capsys.readouterr().out
    with zipfile.ZipFile(changed) as opened:
        kept = next(opened.read(name) for name in opened.namelist() if name.endswith("/README.id.md"))
    assert kept == members["README.id.md"]


def test_every_checksum_in_and_beside_the_archive_is_right(archive, unpacked):
    """`sha256sum -c` says so, and every file of the kit is listed."""
    assert shutil.which("sha256sum")
    check = ["sha256sum", "--quiet", "--strict", "-c"]
    subprocess.run([*check, "kit/SHA256SUMS"], cwd=unpacked, check=True)
    subprocess.run([*check, "SHA256SUMS"], cwd=archive.parent, check=True)
    listed = (unpacked / "kit" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    there = [file for file in unpacked.rglob("*") if file.is_file()]
    assert len(listed) == len(there) - 1


def test_a_folder_that_is_no_clone_is_told_kindly(tmp_path, monkeypatch, capsys):
    """A kit cannot be made from a kit."""
    monkeypatch.setattr("lab.settings.ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main([*ONE_TARGET, "--out", str(tmp_path / "dist")]) == 3
    assert "klon git" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
    with pytest.raises(participants.NoRepositoryError):
        participants.commit(tmp_path)
