"""Every exercise that exists proves itself: the starter scores 0, right answers 100, mutants lose what they name."""

from pathlib import Path

import pytest

from grader.audit import Finding, audit
from grader.exercise import folders, load
from grader.workers import Room

EXERCISES = Path(__file__).resolve().parents[2] / "exercises"


@pytest.mark.parametrize("folder", folders(EXERCISES).values(), ids=lambda folder: folder.name)
def test_an_exercise_proves_itself(folder: Path, room: Room) -> None:
    findings = list(audit(folder, room))
    complaints = [f"{finding.subject}: {finding.complaint.render('en')}" for finding in findings if finding.complaint]
    assert complaints == []
    assert subjects(findings) >= {"starter", "files", "checks", "hints", "instructions", "answers"}


def subjects(findings: list[Finding]) -> set[str]:
    return {finding.subject for finding in findings}


def test_numbers_and_slugs_differ_and_what_is_required_exists() -> None:
    exercises = [load(folder) for folder in folders(EXERCISES).values()]
    assert len({exercise.slug for exercise in exercises}) == len(exercises)
    numbers = {exercise.number for exercise in exercises}
    assert all(set(exercise.requires) <= numbers - {exercise.number} for exercise in exercises)
