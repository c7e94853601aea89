"""The words that names and addresses are made of: Faker's id_ID lists, taken once, and some of our own.

Importing Faker costs a fifth of a second, so it happens at the first use, not at import: programs that only want
`services.world.identifiers` never pay for it.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from services.world.entities import Sex
from services.world.randomness import Draw, pick, stream

NAMES = 2048
_ISLAM = "ISLAM"
_OTHERS = "KRISTEN"
RELIGIONS = (*(_ISLAM,) * 82, *("KRISTEN",) * 13, *("KATHOLIK",) * 2, *("HINDU",) * 2, "BUDDHA")
"""By frequency, of 100."""

_RELIGIOUS_FIRST: dict[Sex, tuple[str, ...]] = {
    "L": (
        *("MUHAMMAD",) * 10,
        "ABDUL RAHMAN",
        "ABDUL HAMID",
        "ABDUL KADIR",
        "ABDUL MALIK",
        "AHMAD",
        "AHMAD",
        "MA'RUF",
        "SYA'BAN",
        "MU'MIN",
        "RIFA'I",
    ),
    "P": (
        *("SITI",) * 5,
        *("NUR",) * 5,
        "NURUL 'AIN",
        "ROFI'AH",
        "JUM'AH",
        "NURUL HIKMAH",
        "SITI AISYAH",
        "SITI MA'RIFAH",
    ),
}
_TELLING_FIRST: dict[Sex, tuple[str, ...]] = {
    "L": ("MUHAMMAD", "MA'RUF", "", "ABDUL RAHMAN"),
    "P": ("NURUL 'AIN", "SITI", "", "ROFI'AH"),
}
"""First words of names that invite misspelling; "" stands for a name of a single word."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Word lists in upper case, each word once."""

    first: dict[Sex, tuple[str, ...]]
    last: dict[Sex, tuple[str, ...]]
    streets: tuple[str, ...]


def _upper(words: Iterable[str]) -> tuple[str, ...]:
    """Plain words of three letters or more, in upper case, each once, in their order."""
    return tuple(dict.fromkeys(word.upper() for word in words if len(word) >= 3 and word.isascii()))


@cache
def vocabulary() -> Vocabulary:
    """The word lists. The first call in a process imports Faker; the order of words is that of its pinned version."""
    person = importlib.import_module("faker.providers.person.id_ID").Provider
    address = importlib.import_module("faker.providers.address.id_ID").Provider
    return Vocabulary(
        first={"L": _upper(person.first_names_male), "P": _upper(person.first_names_female)},
        last={"L": _upper(person.last_names_male), "P": _upper(person.last_names_female)},
        streets=_upper(address.streets),
    )


def _composed(draw: Draw, words: Vocabulary, sex: Sex, religion: str) -> str:
    turn = draw()
    first = pick(draw, words.first[sex])
    if turn < 0.10:
        return first
    if turn < 0.32 and religion == _ISLAM:
        return f"{pick(draw, _RELIGIOUS_FIRST[sex])} {first}"
    last = pick(draw, words.last[sex])
    return f"{first} {last}" if turn < 0.85 else f"{first} {pick(draw, words.first[sex])} {last}"


@cache
def personal_names(sex: Sex, religion: str) -> tuple[str, ...]:
    """Names of one to three words, upper case, without titles, and not out of place for the religion.

    There are `NAMES` of them, each to be drawn with the same chance.
    """
    if religion not in {_ISLAM, _OTHERS}:
        return personal_names(sex, _OTHERS)
    draw = stream(0, 0)
    return tuple(_composed(draw, vocabulary(), sex, religion) for _ in range(NAMES))


def telling_name(draw: Draw, words: Vocabulary, sex: Sex, turn: int) -> str:
    """A name that forms tend to misspell: MUHAMMAD, an apostrophe, a single word, many words; `turn` chooses which."""
    first = _TELLING_FIRST[sex][turn % len(_TELLING_FIRST[sex])]
    if not first:
        return max(pick(draw, words.first[sex]), pick(draw, words.first[sex]), key=len)
    return f"{first} {pick(draw, words.first[sex])} {pick(draw, words.last[sex])}"
