"""The set-up, with real virtual environments, from a clone whose lock files name one tiny package that we make."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from lab.filelock import held
from lab.installation import host, kit, setup
from lab.installation.environment import Environment, python_in
from lab.installation.kit import this_computer
from lab.installation.progress import Progress
from lab.installation.sentences import TEXTS, sentence

BACKEND = '''
"""The smallest build backend there is: an editable wheel with a .pth file."""
import zipfile
from pathlib import Path

def build_editable(folder, settings=None, metadata=None):
    name = "spbe_lab-1-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("spbe_lab.pth", str(Path.cwd()))
        wheel.writestr("spbe_lab-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: spbe-lab\\nVersion: 1\\n")
        wheel.writestr("spbe_lab-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("spbe_lab-1.dist-info/RECORD", "")
    return name
'''
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "spbe-lab"
version = "1"
"""


def wheel(folder, name):
    """Makes the wheel of a package with one empty module; returns its line for a lock file."""
    file = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    return f"{name}==1 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def clone(folder):
    """Makes a clone: its lab needs `labtiny`, its developers `devtiny` too, its learners get `learntiny`."""
    root, index = folder / "lab uji é", folder / "index"
    (root / "requirements").mkdir(parents=True)
    index.mkdir()
    (root / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (root / "backend.py").write_text(BACKEND, encoding="utf-8")
    lab = wheel(index, "labtiny")
    locks = {"lab": lab, "dev": lab + wheel(index, "devtiny"), "learner": wheel(index, "learntiny")}
    for name, content in locks.items():
        (root / "requirements" / f"{name}.lock").write_text(content, encoding="utf-8")
    return root


def pip_settings(index):
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": os.devnull}


def sees(folder, module):
    """Tells whether the environment's Python can import a module."""
    return host.works([str(python_in(folder)), "-I", "-c", f"import {module}"])


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A clone that was set up once, and what that printed."""
    root = clone(tmp_path_factory.mktemp("clone"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in pip_settings(root.parent / "index").items():
            patch.setenv(name, value)
        assert setup.main([], root, "id") == 0
    return root


@pytest.fixture
def again(ready, monkeypatch, capsys):
    """Runs the set-up of the ready clone again, with its lock files put back afterwards."""
    locks = {file: file.read_text(encoding="utf-8") for file in (ready / "requirements").iterdir()}
    for name, value in pip_settings(ready.parent / "index").items():
        monkeypatch.setenv(name, value)

    def run(*arguments, language="en"):
        code = setup.main(arguments, ready, language)
        return code, capsys.readouterr()

    yield run
    for file, content in locks.items():
        file.write_text(content, encoding="utf-8")


def test_the_lab_and_the_learner_get_an_environment_each(ready):
    """Neither sees the other's packages, nor does the lab see the developers'."""
    assert sees(ready / ".venv", "labtiny")
    assert sees(ready / ".venv", "backend")
    assert not sees(ready / ".venv", "learntiny")
    assert sees(ready / ".lab" / "learner", "learntiny")
    assert not sees(ready / ".lab" / "learner", "labtiny")
    assert not sees(ready / ".lab" / "learner", "pip")


def test_a_second_call_says_and_changes_nothing(ready, again):
    """The state files are not even written again."""
    states = [ready / ".venv" / "setup.json", ready / ".lab" / "learner" / "setup.json"]
    before = [state.stat().st_mtime_ns for state in states]
    code, said = again()
    assert (code, said.out, said.err) == (0, "", "")
    assert [state.stat().st_mtime_ns for state in states] == before


def test_developers_get_more_and_participants_stay_content_with_it(ready, again):
    """After --dev the set-up for participants has nothing to do."""
    code, said = again("--dev")
    assert code == 0
    assert "The lab is ready." in said.out
    assert sees(ready / ".venv", "devtiny")
    assert again()[1].out == ""


def test_without_network_the_working_environment_stays(ready, again):
    """A new lock that cannot be downloaded is told in plain words, and nothing is destroyed."""
    with (ready / "requirements" / "lab.lock").open("a", encoding="utf-8") as lock:
        lock.write("faraway==1 --hash=sha256:" + "0" * 64 + "\n")
    code, said = again()
    assert code == 3
    assert "internet is needed once" in said.err
    assert "Traceback" not in said.err
    assert Environment(ready / ".venv", ready).is_sound()
    assert sees(ready / ".venv", "labtiny")


def test_a_package_with_another_hash_is_not_installed(ready, again):
    """A damaged or forged download is refused, and the sentence says so."""
    wheel(ready.parent / "index", "forged")
    (ready / "requirements" / "lab.lock").write_text("forged==1 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    code, said = again()
    assert code == 3
    assert "not the one recorded" in said.err


def test_a_lost_learner_environment_is_made_again_without_network(ready, again, monkeypatch):
    """Everything needed was kept, so somebody at home without internet can mend the lab."""
    again()
    learner = ready / ".lab" / "learner"
    (learner / "setup.json").unlink()
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    assert again()[0] == 0
    assert sees(learner, "learntiny")


def kit_in(root):
    """Moves the wheels of the index into the clone, as an unpacked kit has them."""
    wheels = root / "kit" / "wheels"
    wheels.parent.mkdir()
    (root.parent / "index").rename(wheels)
    this = this_computer().split(" Python ")
    told = {"targets": [{"platform": this[0], "python": this[1]}, {"platform": "toaster", "python": "3.99"}]}
    (root / "kit" / "contents.json").write_text(json.dumps(told), encoding="utf-8")
    return wheels


def without_network(monkeypatch):
    """Lets pip find nothing by itself."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_a_kit_is_installed_without_a_network_and_then_not_needed_any_more(tmp_path, monkeypatch, capsys):
    """Its wheels are checked and kept, so that the lab can be mended after the kit's folder was deleted."""
    root = clone(tmp_path)
    wheels = kit_in(root)
    without_network(monkeypatch)
    assert setup.main([], root, "en") == 0
    said = capsys.readouterr().out
    assert "no internet is needed" in said
    assert "Taking packages from the offline kit" in said
    assert sees(root / ".venv", "labtiny")
    assert sees(root / ".lab" / "learner", "learntiny")
    for file in wheels.iterdir():
        file.unlink()
    (root / ".lab" / "learner" / "setup.json").unlink()
    assert setup.main([], root, "en") == 0
    assert sees(root / ".lab" / "learner", "learntiny")


def test_a_damaged_kit_is_not_installed(tmp_path, monkeypatch, capsys):
    """The lock's digests hold for a kit as for a download."""
    root = clone(tmp_path)
    with zipfile.ZipFile(kit_in(root) / "labtiny-1-py3-none-any.whl", "a") as archive:
        archive.writestr("worm.py", "")
    without_network(monkeypatch)
    assert setup.main([], root, "en") == 3
    said = capsys.readouterr()
    assert "in this offline kit is not the one recorded" in said.err
    assert not sees(root / ".venv", "labtiny")


def test_what_a_kit_lacks_is_fetched_from_the_network_and_said(tmp_path, monkeypatch, capsys):
    """Without a network the sentence says for which computers the kit is."""
    root = clone(tmp_path)
    wheels = kit_in(root)
    there = root.parent / "index"
    there.mkdir()
    (wheels / "learntiny-1-py3-none-any.whl").rename(there / "learntiny-1-py3-none-any.whl")
    without_network(monkeypatch)
    assert setup.main([], root, "en") == 3
    said = capsys.readouterr()
    assert "has not every package for this computer" in said.out
    assert "toaster Python 3.99" in said.out
    assert "internet is needed once" in said.err
    for name, value in pip_settings(there).items():
        monkeypatch.setenv(name, value)
    (there / "labtiny-1-py3-none-any.whl").write_bytes((wheels / "labtiny-1-py3-none-any.whl").read_bytes())
    assert setup.main([], root, "en") == 0
    assert sees(root / ".lab" / "learner", "learntiny")


def test_a_kit_whose_list_of_contents_is_lost_is_a_kit_still(tmp_path):
    """The wheels count; the list is for the sentences only."""
    root = clone(tmp_path)
    kit_in(root)
    assert kit.covers(root)
    (root / "kit" / "contents.json").write_text('{"targets": [{}]}', encoding="utf-8")
    assert not kit.covers(root)
    assert kit.covered(root) == ""
    assert kit.kit_wheels(root)


def test_an_unknown_option_is_wrong_usage(again):
    """Argparse ends with 2, as every command does."""
    with pytest.raises(SystemExit) as caught:
        again("--fast")
    assert caught.value.code == 2


def test_a_killed_set_up_is_mended_by_the_next_call(tmp_path):
    """Killed in the middle of making the environment, the set-up begins that environment again and succeeds."""
    root = clone(tmp_path)
    program = "import sys; from pathlib import Path; from lab.installation.setup import main;"
    command = [sys.executable, "-c", f"{program} sys.exit(main([], Path(sys.argv[1]), 'id'))", str(root)]
    environment = {**os.environ, **pip_settings(tmp_path / "index"), "PYTHONUNBUFFERED": "1"}  # noqa: TID251 - a child's
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, start_new_session=True) as process:
        while not (root / ".venv" / "pyvenv.cfg").exists():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert json.loads((root / ".venv" / "setup.json").read_text(encoding="utf-8"))["phase"] == "building"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "dibuat lagi" in done.stdout
    assert sees(root / ".venv", "labtiny")


def test_somebody_elses_broken_environment_is_set_aside_not_deleted(tmp_path, monkeypatch, capsys):
    """A .venv that the lab did not make and cannot use is moved, with everything in it."""
    root = clone(tmp_path)
    (root / ".venv").mkdir()
    (root / ".venv" / "precious.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(setup.Setup, "_build", lambda *_: None)
    assert setup.main([], root, "en") == 0
    assert "was moved to" in capsys.readouterr().out
    assert [file.read_text(encoding="utf-8") for file in root.glob(".lab/set-aside/*/precious.txt")] == ["mine"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("disk", "Not enough disk space"),
        ("ensurepip", "sudo apt install python3"),
        ("separator", "cannot make an environment in a folder"),
        ("file", "copy of the lab is incomplete"),
    ],
)
def test_what_cannot_succeed_is_refused_before_anything_is_made(tmp_path, monkeypatch, capsys, change, words):
    """A full disk, a Python without ensurepip, a path with a colon and a missing lock file each have their sentence."""
    folder = tmp_path / f"a{os.pathsep}b" if change == "separator" else tmp_path
    folder.mkdir(exist_ok=True)
    root = clone(folder)
    if change == "disk":
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(host.shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 0))
    elif change == "ensurepip":
        monkeypatch.setattr(host, "works", lambda command: "ensurepip" not in command[-1])
    elif change == "file":
        (root / "requirements" / "lab.lock").unlink()
    assert setup.main([], root, "en") == 3
    assert words in capsys.readouterr().err
    assert not (root / ".venv").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "This user may not write to {root}."),
        (errno.EDQUOT, "This user's share of the disk at {root} is used up."),
        (errno.ENOSPC, "Not enough disk space"),
    ],
)
def test_a_folder_that_cannot_be_written_has_words_and_advice(tmp_path, monkeypatch, capsys, number, words):
    """Whether the medium is read-only, a quota is used up or the disk is full."""

    def fail(_setup):
        raise OSError(number, os.strerror(number))

    root = clone(tmp_path / "lab")
    monkeypatch.setattr(setup.Setup, "run", fail)
    assert setup.main([], root, "en") == 3
    said = capsys.readouterr().err
    assert words.format(root=root) in said
    assert "repeat your command" in said


def test_a_second_set_up_waits_for_the_first_and_then_gives_up(tmp_path, monkeypatch, capsys):
    """The one who waits is told what for."""
    root = clone(tmp_path)
    (root / ".lab").mkdir()
    monkeypatch.setattr(setup, "_LONGEST_WAIT_SECONDS", 0.1)
    with held(root / ".lab" / "setup.lock", 1):
        assert setup.main([], root, "en") == 3
    said = capsys.readouterr()
    assert "Another set-up is running" in said.out
    assert "has not ended" in said.err


def test_an_environment_is_ready_only_where_and_from_what_it_was_made(tmp_path):
    """Building, another folder, another Python, other inputs: none of these is ready."""
    folder = tmp_path / ".venv"
    environment = Environment(folder, tmp_path)
    assert not environment.has_state()
    environment.mark("building", {"lab": "1"})
    assert environment.has_state()
    assert not environment.is_sound()
    environment.mark("ready", {"lab": "1", "dev": "2"})
    assert environment.is_ready({"lab": "1"})
    assert not environment.is_ready({"lab": "2"})
    assert not Environment(folder, tmp_path / "moved").is_sound()
    python = python_in(folder)
    python.parent.mkdir()
    python.symlink_to(Path(sys.executable).resolve())
    assert not environment.is_sound()
    (folder / "setup.json").write_text('{"phase": "rea', encoding="utf-8")
    assert not environment.has_state()


def test_progress_names_the_package_under_way_on_a_terminal_only(monkeypatch, capsys):
    """In a log there is one line per step; on a terminal the line under way changes."""
    quiet = Progress(2, "en")
    quiet.step("step_download")
    quiet.heard("Collecting httpx==0.28.1 (from -r x)\n")
    quiet.done()
    assert capsys.readouterr().out == "  1/2 Downloading packages (0 s)\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    live = Progress(2, "en")
    live.step("step_download")
    live.heard("Collecting sqlalchemy==2.1 (from -r x)\n")
    live.heard("Processing ./some where/typing_extensions-4.16.0-py3-none-any.whl (from -r x)\n")
    live.heard("WARNING: Retrying (Retry(total=4, connect=None))\n")
    live.broken()
    said = capsys.readouterr().out
    assert [word in said for word in ("… sqlalchemy", "… typing_extensions", "trying again")] == [True] * 3
    assert all(len(line.rstrip("\n")) <= 80 for line in said.split("\r"))


def test_every_sentence_is_in_both_languages_with_the_same_fields():
    """No sentence is left in one language, or is given a field that the other lacks."""
    for key, (indonesian, english) in TEXTS.items():
        assert indonesian != english, key
        fields = [{part.split("}")[0].split(":")[0] for part in text.split("{")[1:]} for text in (indonesian, english)]
        assert fields[0] == fields[1], key
    assert sentence("done", "id") == "Lab siap."
    assert sentence("done", "en") == "The lab is ready."
