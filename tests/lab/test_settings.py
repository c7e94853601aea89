"""Settings from the environment, and the sentence for each value that makes no sense."""

from pathlib import Path

import pytest

from lab.outcomes import WrongUsageError
from lab.settings import ROOT, read


def test_without_any_variable_the_lab_is_embedded_and_indonesian_in_the_clone():
    """The defaults are those of one laptop."""
    settings = read({})
    assert (settings.root, settings.home, settings.port_base, settings.language) == (ROOT, ROOT, None, "id")
    assert settings.state == ROOT / ".lab"
    assert settings.work == ROOT / "work"


def test_lab_home_moves_what_the_lab_writes_but_not_the_learner_environment(tmp_path):
    """LAB_HOME is where .lab and work are; the interpreter for participants stays where the set-up made it."""
    settings = read({"LAB_HOME": str(tmp_path)})
    assert settings.state == tmp_path / ".lab"
    assert settings.work == tmp_path / "work"
    assert settings.learner == ROOT / ".lab" / "learner"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LAB_MODE", "dock"),
        ("LAB_MODE", "Embedded"),
        ("LAB_LANG", "jv"),
        ("LAB_PORT_BASE", "eight"),
        ("LAB_PORT_BASE", "80"),
        ("LAB_PORT_BASE", "65001"),
        ("LAB_PORT_BASE", "-8100"),
        ("LAB_PORT_BASE", "٨٢٠٠"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(variable, value):
    """The sentence names the variable and the value, and says what is possible."""
    with pytest.raises(WrongUsageError) as caught:
        read({variable: value})
    assert variable in caught.value.problem.render("en")
    assert value in caught.value.problem.render("en")
    assert caught.value.advice.render("en")


def test_only_harmless_variables_are_passed_on():
    """What somebody exported in a shell for trying things out does not reach the services."""
    given = {"PATH": "/bin", "HOME": "/home/x", "IDENTITY_URL": "http://elsewhere", "CLIENT_SECRET": "s", "TZ": "x"}
    assert read(given).passed_on == {"PATH": "/bin", "HOME": "/home/x", "TZ": "x"}


def test_settings_keep_the_environment_out_of_their_repr():
    """A traceback may show settings, but never what is in the environment."""
    assert "geheim" not in repr(read({"PATH": "geheim"}))


def test_the_root_is_this_clone():
    """The clone is found by where the code is, not by where somebody stands."""
    assert (ROOT / "pyproject.toml").is_file()
    assert Path(__file__).is_relative_to(ROOT)
