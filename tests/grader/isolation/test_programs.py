"""Which file starts a submission, and what a program is shown of the machine."""

from pathlib import Path

import pytest

from grader.isolation import ProgramUnknown, command, prefixes
from grader.isolation.visibility import links, shown


@pytest.mark.parametrize(
    ("name", "words"),
    [("main.py", ["/learner/python", "main.py"]), ("main", ["main"]), ("main.sh", ["/bin/sh", "main.sh"])],
)
def test_kinds_of_programs(tmp_path, monkeypatch, name, words):
    """The name of the main file says which interpreter reads it."""
    monkeypatch.setattr("shutil.which", lambda language: f"/bin/{language}")
    (tmp_path / name).write_text("")
    (tmp_path / "helper.py").write_text("")
    assert command(tmp_path, Path("/learner/python")) == words


@pytest.mark.parametrize(
    ("files", "installed", "code", "word"),
    [
        ([], True, "none", "main.py"),
        (["helper.py", "MAIN.PY"], True, "none", "main.mjs"),
        (["main.py", "main.js"], True, "several", "main.py, main.js"),
        (["main.php"], False, "no_interpreter", "php"),
    ],
)
def test_unclear_kinds_of_programs(tmp_path, monkeypatch, files, installed, code, word):
    """A folder with no main file, with two, or with one that nothing here can read is refused in plain words."""
    monkeypatch.setattr("shutil.which", lambda language: f"/bin/{language}" if installed else None)
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(ProgramUnknown) as caught:
        command(tmp_path, Path("/learner/python"))
    assert caught.value.code == code
    for language in ("id", "en"):
        assert word in caught.value.message.render(language)


def test_main_has_to_be_a_file(tmp_path):
    """A folder or a link named like a main file starts nothing."""
    (tmp_path / "main.py").mkdir()
    (tmp_path / "main.js").symlink_to("/bin/sh")
    with pytest.raises(ProgramUnknown):
        command(tmp_path, Path("/learner/python"))


def test_secret_is_cut_out_of_what_is_shown(tmp_path):
    """Of a folder with the secret somewhere inside all is shown but the secret; what is named inside it stays."""
    for name in ("usr/bin", "usr/src/other", "usr/src/lab/grader", "usr/src/lab/.lab/learner", "opt", "all/way"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/into").symlink_to("src/lab")
    (tmp_path / "usr/around").symlink_to("../usr")
    (tmp_path / "usr/lib").symlink_to("bin")
    secret = tmp_path / "usr/src/lab"
    found = shown([tmp_path / "usr", tmp_path / "usr/bin", tmp_path / "opt", secret / ".lab/learner"], secret)
    assert {str(path.relative_to(tmp_path)) for path in found} == {
        "usr/bin", "usr/src/other", "opt", "usr/src/lab/.lab/learner",
    }  # fmt: skip


def test_links_on_the_way_are_known(tmp_path):
    """Every link that leads to a path, in any of its parts and one after the other, is found; a ring of them ends."""
    (tmp_path / "real/bin").mkdir(parents=True)
    (tmp_path / "real/bin/python3.11").write_text("")
    (tmp_path / "version").symlink_to("real")
    (tmp_path / "python").symlink_to(tmp_path / "version/bin/python3.11")
    (tmp_path / "ring").symlink_to("ring")
    assert links([tmp_path / "python"]) == [tmp_path / "python", tmp_path / "version"]
    assert links([tmp_path / "ring"]) == [tmp_path / "ring"]


def test_interpreter_of_an_environment_needs_what_it_stands_on(tmp_path):
    """An environment is read with the programs and libraries it was made from, and nothing that lies beside those."""
    home, environment = tmp_path / "home", tmp_path / "venv"
    for folder in (home / "bin", home / "lib", home / "letters", environment / "bin"):
        folder.mkdir(parents=True)
    (home / "bin/python3.11").write_text("")
    (environment / "bin/python").symlink_to(home / "bin/python3.11")
    (environment / "pyvenv.cfg").write_text(f"home = {home}/bin\nversion = 3.11\n")
    assert prefixes(environment / "bin/python") == [
        environment, environment / "bin/python", home / "bin", home / "lib",
    ]  # fmt: skip
