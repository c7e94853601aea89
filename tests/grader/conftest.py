"""An exercise with one task, for whatever program a test wants to have judged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grader.exercise import load
from grader.run import Learner, Order


@pytest.fixture
def order_for(tmp_path: Path, learner: Learner) -> Callable[[str], Order]:
    """Makes the order to judge a program, which passes if it prints 1."""

    def make(program: str) -> Order:
        folder, work = tmp_path / "07_waits", tmp_path / "work"
        (folder / "checks").mkdir(parents=True)
        (folder / "checks" / "test_waits.py").write_text(
            "from grader.words import catalogue, expect, task\n_ = catalogue(__file__)\n\n"
            "@task('waits')\ndef test_waits(grading):\n    expect(grading.run().answer() == 1, _('Other.'))\n"
        )
        (folder / "exercise.toml").write_text(
            'format_version = 1\nnumber = 7\nslug = "waits"\nkind = "job"\nminutes = 9\nlevel = "basic"\n'
            'requires = []\nuses = ["population"]\nscopes = []\nwall_seconds = 60\npass_mark = 100\n'
            'title = {id = "a", en = "a"}\nsummary = {id = "a", en = "a"}\n'
            'tasks = [{id = "waits", title = {id = "a", en = "a"}, points = 100}]\n'
        )
        work.mkdir()
        (work / "main.py").write_text(program)
        return Order(exercise=load(folder), submission=work, out=tmp_path / "out", learner=learner, lab_version="test")

    return make
