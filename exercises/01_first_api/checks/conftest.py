"""The two runs of exercise 1, and what is true of their city."""

from dataclasses import dataclass

from grader.words import Grading, Run, fixture

LOOK_UPS = 4
UNKNOWN = 2


@dataclass(frozen=True)
class Question:
    """What the program is asked, and the right answers."""

    district: str
    ids: frozenset[str]
    names: dict[str, str]
    unknown: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that put the question."""
        niks = sorted([*self.names, *self.unknown])
        return {"DISTRICT": self.district, "NIKS": ",".join(niks)}


@fixture
def question(grading: Grading) -> Question:
    """A district and some NIKs, chosen by the run's seed."""
    residents = grading.truth("population", "residents")
    niks = [row["nik"] for row in residents]
    once = {nik for nik in niks if niks.count(nik) == 1}
    district = grading.random.choice(sorted({row["village_code"][:8] for row in residents}))
    active = [row for row in residents if row["status"] == "active" and row["nik"] in once]
    asked = grading.random.sample(active, LOOK_UPS)
    unknown = [nik for row in active if (nik := f"{row['nik'][:12]}9{row['nik'][13:]}") not in set(niks)]
    return Question(
        district=district,
        ids=frozenset(row["id"] for row in residents if row["village_code"].startswith(district)),
        names={row["nik"]: row["name"] for row in asked},
        unknown=tuple(grading.random.sample(unknown, UNKNOWN)),
    )


@fixture
def calm(grading: Grading, question: Question) -> Run:
    """A run without trouble."""
    return grading.run(environment=question.environment)


@fixture
def expiring(grading: Grading, question: Question, calm: Run) -> Run:
    """A run in which the token dies half-way: at a page after the first, where not asking again loses rows."""
    pages_after_first = (len(question.ids) - 1) // 50
    rule = {
        "id": "token_dies",
        "method": "GET",
        "path": "/v1/residents",
        "kind": "expire_token",
        "skip": grading.random.randint(1, pages_after_first),
        "times": 1,
    }
    return grading.run(environment=question.environment, faults={"population": [rule]})
