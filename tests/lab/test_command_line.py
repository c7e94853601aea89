"""The commands as a whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.command_line import command_line

COMMANDS = command_line().list_commands(None)
HEAVY = {"pytest", "rich", "httpx", "jinja2", "sqlalchemy", "fastapi", "docker", "faker"}


def test_every_module_of_the_folder_is_a_command_and_every_command_has_a_module():
    """No command is half-registered."""
    folder = Path(__file__).parents[2] / "lab" / "commands"
    assert sorted(COMMANDS) == sorted(file.stem for file in folder.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_its_help(name, capsys):
    """It is called as it is registered, and its help fits a narrow terminal."""
    command_line().main([name, "--help"], prog_name="lab", standalone_mode=False)
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: lab {name} ")
    assert max(len(line) for line in said.splitlines()) <= 80


@pytest.mark.parametrize("words", [["--help"], ["status"], ["down"]])
def test_quick_commands_load_nothing_heavy(words, tmp_path):
    """What only grading needs is not waited for by somebody who asks for the help or the addresses."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "lab", *words],
        env={**os.environ, "LAB_HOME": str(tmp_path)},  # noqa: TID251 - a child's
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "click" in loaded
    assert not loaded & HEAVY
