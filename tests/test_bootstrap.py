"""`bootstrap.py`: runs with nothing installed, and speaks to those whose Python is too old."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[1] / "bootstrap.py"


@pytest.fixture
def bootstrap(monkeypatch):
    """The file as a module, as an old Python sees it: none that is newer is on the search path."""
    spec = importlib.util.spec_from_file_location("bootstrap", BOOTSTRAP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.sys, "version_info", (3, 8, 18, "final", 0))
    return module


def test_python_3_8_can_read_the_file():
    """Its syntax is none that a Python of 2019 would stumble over before it could say what is needed."""
    ast.parse(BOOTSTRAP.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_set_up_needs_nothing_installed():
    """Without site-packages it gets as far as its help, which loads everything it uses."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", BOOTSTRAP, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--dev" in done.stdout


@pytest.mark.parametrize(("language", "words"), [("id", "memerlukan Python 3.11"), ("en", "needs Python 3.11")])
def test_an_old_python_says_kindly_what_is_needed(bootstrap, monkeypatch, capsys, language, words, tmp_path):
    """In Indonesian unless English is asked for, with the command that installs a newer one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LAB_LANG", language)
    assert bootstrap.main([]) == 3
    said = capsys.readouterr().err
    assert words in said
    assert "3.8.18" in said
    assert "sudo apt install python3 python3-venv" in said


def test_an_old_python_hands_over_to_a_newer_one(bootstrap, monkeypatch, tmp_path):
    """When a newer Python is on the search path, that one does the set-up; one that does not work is passed over."""
    for name, code in (("python3.15", 127), ("python3.12", 0)):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{tmp_path}/calls"\nexit {code}\n', encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.main(["--dev"]) == 0
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[-1] == f"{tmp_path}/python3.12 {BOOTSTRAP} --dev"
