"""The run of exercise 2, and the right decision for each of its registrants."""

import json
from dataclasses import dataclass

from grader.words import Grading, Run, fixture

MOST_OF_A_KIND = {"ok": 8}
MOST_OF_OTHERS = 7
RIGHT = {
    "malformed_nik": ("ditolak", "format"),
    "unknown_nik": ("ditolak", "tidak_terdaftar"),
    "duplicate_nik": ("diperiksa", "ganda"),
    "deceased": ("ditolak", "meninggal"),
    "non_active": ("diperiksa", "nonaktif"),
    "name_major": ("diperiksa", "nama"),
    "birth_date_mismatch": ("diperiksa", "tanggal_lahir"),
    "sex_mismatch": ("diperiksa", "jenis_kelamin"),
    "name_minor": ("diterima", "sesuai"),
    "moved_domicile": ("diterima", "sesuai"),
    "ok": ("diterima", "sesuai"),
}


@dataclass(frozen=True)
class Registrant:
    """One registrant: the form as typed, what was planted in it, and the right decision."""

    form: dict
    trouble: str

    @property
    def number(self) -> str:
        """The registration number."""
        return self.form["nomor"]

    @property
    def right(self) -> tuple[str, str]:
        """The right decision and reason."""
        return RIGHT[self.trouble]


@fixture
def registrants(grading: Grading) -> list[Registrant]:
    """People behind the waiting permit applications, some of every kind, shuffled by the run's seed."""
    rows = [row for row in grading.truth("permits", "applications") if row["trouble"] in RIGHT]
    grading.random.shuffle(rows)
    chosen, counted = [], dict.fromkeys(RIGHT, 0)
    for row in rows:
        counted[row["trouble"]] += 1
        if counted[row["trouble"]] <= MOST_OF_A_KIND.get(row["trouble"], MOST_OF_OTHERS):
            chosen.append(row)
    return [Registrant(form(number, row["typed"]), row["trouble"]) for number, row in enumerate(chosen, 1)]


def form(number, typed):
    """The form as the program reads it."""
    return {
        "nomor": f"REG-{number:03d}",
        "nik": typed["nik"],
        "nama": typed["name"],
        "tgl_lahir": typed["birth_on"],
        "jenis_kelamin": typed["sex"],
    }


@fixture
def run(grading: Grading, registrants: list[Registrant]) -> Run:
    """The program's run over the registrants."""
    forms = [registrant.form for registrant in registrants]
    return grading.run(files={"pendaftar.json": json.dumps(forms, ensure_ascii=False, indent=1)})
