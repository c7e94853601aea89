"""Who lives together, and how they are related: ages, marriages, births and deaths that add up.

Days are ordinals (`date.toordinal`) here. A household's first person is its anchor (see `layout`).
"""

from dataclasses import dataclass
from datetime import date

from services.world.entities import MaritalStatus, Relationship, Sex
from services.world.randomness import Draw, between, pick

YEAR = 365.2425
"""Days in a year."""

# All of these are days.
_MARRIAGEABLE = 6940  # 19 years
_YOUNGEST_SPOUSE = 7488  # 20 and a half years
_LAST_MOTHERHOOD = 15706  # 43 years
_LEAVES_HOME = 9131  # 25 years
_OLDEST = 33602  # 92 years
_FAMILY_SIZES = (0, 1, 2, 2, 2, 3, 3, 3, 4, 5)


@dataclass(slots=True)
class Person:
    """A member of a household, or a parent outside of it."""

    sex: Sex
    born: int
    name: str
    relationship: Relationship
    marital: MaritalStatus
    mother: "Person | None" = None
    father: "Person | None" = None
    died: int | None = None
    nik: str | None = None  # stays None for those outside the registry
    birth_on: date | None = None  # `born` as a date, likewise


@dataclass(slots=True)
class Household:
    """Builds one household with one stream of chance. `today` is the reference date, `names` are those to draw."""

    draw: Draw
    today: int
    names: dict[Sex, tuple[str, ...]]

    def anchored(self, kind: str, anchor: Person) -> list[Person]:
        """A household around an anchor, who is 22 years or older.

        Args:
            kind: "alone", "deceased" (the anchor is dead, the spouse heads the family) or anything else for chance.
            anchor: A man for "deceased"; relationship and marital status are set here.
        """
        if kind == "alone":
            return self._alone(anchor)
        if kind == "deceased":
            return self._widowed(anchor, anchor_died=True)
        return self._by_chance(anchor)

    def _name(self, sex: Sex) -> str:
        return pick(self.draw, self.names[sex])

    def _by_chance(self, anchor: Person) -> list[Person]:
        age = (self.today - anchor.born) / YEAR
        turn = self.draw()
        if turn < 0.09:
            return self._alone(anchor)
        if turn < 0.16 and age > 30:
            return self._widowed(anchor, anchor_died=False)
        if turn < 0.20 and age > 25:
            return self._divorced(anchor)
        if turn < 0.30 and age < 62:
            return self._with_grandparent(anchor)
        if turn < 0.40 and age > 50 and anchor.sex == "L":
            return self._three_generations(anchor)
        return self._couple(anchor)[0]

    def _alone(self, anchor: Person) -> list[Person]:
        anchor.relationship = "KEPALA KELUARGA"
        age = (self.today - anchor.born) / YEAR
        turn = self.draw()
        if age < 32 or turn < 0.2:
            anchor.marital = "BELUM KAWIN"
        else:
            anchor.marital = "CERAI MATI" if age > 55 or turn > 0.7 else "CERAI HIDUP"
        return [anchor]

    def _spouse(self, anchor: Person) -> tuple[Person, int]:
        """Husband or wife of the anchor, and the day of their marriage."""
        draw = self.draw
        gap = int(draw() * 3000) - 400
        sex: Sex = "P" if anchor.sex == "L" else "L"
        born = anchor.born + gap if sex == "P" else anchor.born - gap
        born = min(born, self.today - _YOUNGEST_SPOUSE)
        younger = max(born, anchor.born)
        married = younger + _MARRIAGEABLE + int(2900 * draw())
        return Person(sex, born, self._name(sex), "ISTRI", "KAWIN"), min(married, self.today - 90)

    def _children(self, father: Person, mother: Person, married: int, relationship: Relationship) -> list[Person]:
        """Children who still live at home, oldest first."""
        draw = self.draw
        last = min(self.today - 60, mother.born + _LAST_MOTHERHOOD)
        at_home = self.today - _LEAVES_HOME
        wanted = _FAMILY_SIZES[int(draw() * 10)]
        born = married + 270 + int(draw() * 700)
        children = []
        while wanted and born <= last:
            wanted -= 1
            if born > at_home:
                sex: Sex = "L" if draw() < 0.51 else "P"
                children.append(Person(sex, born, self._name(sex), relationship, "BELUM KAWIN", mother, father))
            born += 420 + int(draw() * 1400)
        return children

    def _couple(self, anchor: Person) -> tuple[list[Person], int]:
        """Man and wife with their children, and the day of the marriage. The husband heads the family."""
        spouse, married = self._spouse(anchor)
        husband, wife = (anchor, spouse) if anchor.sex == "L" else (spouse, anchor)
        husband.relationship, wife.relationship = "KEPALA KELUARGA", "ISTRI"
        husband.marital = wife.marital = "KAWIN"
        return [anchor, spouse, *self._children(husband, wife, married, "ANAK")], married

    def _widowed(self, anchor: Person, *, anchor_died: bool) -> list[Person]:
        """A couple of whom one has died; the other heads the family. The dead keep what was recorded at their death."""
        people, married = self._couple(anchor)
        dead, survivor = (people[0], people[1]) if anchor_died else (people[1], people[0])
        youngest = max((child.born for child in people[2:]), default=married)
        since = self.today - (700 if anchor_died else 5000)
        dead.died = between(self.draw, max(youngest, since), self.today - 45)
        survivor.relationship, survivor.marital = "KEPALA KELUARGA", "CERAI MATI"
        return people

    def _divorced(self, anchor: Person) -> list[Person]:
        """A single parent; the other parent is known by name, but not in this registry."""
        people, _ = self._couple(anchor)
        anchor.relationship, anchor.marital = "KEPALA KELUARGA", "CERAI HIDUP"
        return [anchor, *people[2:]]

    def _with_grandparent(self, anchor: Person) -> list[Person]:
        """A couple, their children, and a widowed parent of husband or wife."""
        people, _ = self._couple(anchor)
        child = people[0] if self.draw() < 0.6 else people[1]
        sex: Sex = "P" if self.draw() < 0.7 else "L"
        born = child.born - round((20 + 14 * self.draw()) * YEAR)
        if self.today - born > _OLDEST:
            return people
        is_parent_of_head = child.relationship == "KEPALA KELUARGA"
        elder = Person(sex, born, self._name(sex), "ORANG TUA" if is_parent_of_head else "MERTUA", "CERAI MATI")
        if sex == "P":
            child.mother = elder
        else:
            child.father = elder
        return [*people, elder]

    def _three_generations(self, anchor: Person) -> list[Person]:
        """A couple whose married child lives with them, with spouse and children."""
        people, married = self._couple(anchor)
        mother = people[1]
        born = max(married + 300, mother.born + round(20 * YEAR))
        if self.today - born < 24 * YEAR:
            return people
        sex: Sex = "L" if self.draw() < 0.5 else "P"
        child = Person(sex, born, self._name(sex), "ANAK", "KAWIN", mother, anchor)
        partner, wedding = self._spouse(child)
        partner.relationship = "MENANTU"
        father, mother = (child, partner) if sex == "L" else (partner, child)
        grandchildren = self._children(father, mother, wedding, "CUCU")[:2]
        younger = [person for person in people[2:] if person.born > born + 400]
        return [people[0], people[1], child, *younger[:2], partner, *grandchildren]
