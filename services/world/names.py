"""How alike two names are, by the one measure that the whole lab uses, and ways in which forms misspell them.

`similarity` is the measure behind `NAMA_LGKP: "Sesuai (87)"`: plain, easy to explain, and deaf to titles and
abbreviations, as the real one is. Planted misspellings lie well away from the threshold of 90 under this measure *and*
under difflib's ratio, so that no sensible measure would decide a planted case otherwise.
"""

from collections.abc import Callable
from difflib import SequenceMatcher

from services.world.randomness import Draw, pick

THRESHOLD = 90
SURELY_ABOVE = 92
SURELY_BELOW = 84

_TITLES = (
    ("Dr. H. ", ", S.E., M.Si."),
    ("Drs. H. ", ", M.Pd."),
    ("Ir. ", ", S.T., M.T., IPM"),
    ("Hj. ", ", S.Sos., M.A.P."),
    ("apt. ", ", S.Farm., M.Kes."),
)


def normalised(name: str) -> str:
    """A name in upper case, with single blanks between its words and none around it."""
    return " ".join(name.upper().split())


def _distance(left: str, right: str) -> int:
    """Levenshtein distance: the least number of letters to insert, delete or change."""
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != other)))
        previous = current
    return previous[-1]


def similarity(typed: str, registered: str) -> int:
    """How alike two names are.

    Both are taken in upper case with single blanks; then it is `100 * (1 - d / n)`, rounded down, with `d` their
    Levenshtein distance and `n` the length of the longer one.

    Returns:
        0 to 100; 100 only for equal names, 0 also when one of them is empty.
    """
    left, right = normalised(typed), normalised(registered)
    if left == right:
        return 100 if left else 0
    longest = max(len(left), len(right))
    return 100 * (longest - _distance(left, right)) // longest


def _bounds(typed: str, registered: str) -> tuple[int, int]:
    """The lower and the higher of this measure and difflib's ratio."""
    ratio = SequenceMatcher(None, normalised(typed), normalised(registered), autojunk=False).ratio()
    scores = similarity(typed, registered), int(100 * ratio)
    return min(scores), max(scores)


def _without_apostrophe(name: str) -> str:
    return name.replace("'", "")


def _doubled_letter(name: str) -> str:
    place = len(name) // 2 if name[len(name) // 2] != " " else len(name) // 2 + 1
    return name[:place] + name[place] + name[place:]


def _blank_twice(name: str) -> str:
    return name.replace(" ", "  ", 1) if " " in name else f" {name} "


def _mixed_case(name: str) -> str:
    return name.title()


def _lower_case(name: str) -> str:
    return name.lower()


def _initial_first(name: str) -> str:
    first, _, rest = name.partition(" ")
    return f"{first[0]}. {rest}" if rest else name


def _short_muhammad(name: str) -> str:
    return name.replace("MUHAMMAD ", "MUH. ")


def _first_word_only(name: str) -> str:
    return name.partition(" ")[0]


_MINOR: dict[str, Callable[[str], str]] = {
    "apostrophe_dropped": _without_apostrophe,
    "letter_doubled": _doubled_letter,
    "blank_twice": _blank_twice,
    "mixed_case": _mixed_case,
    "lower_case": _lower_case,
}
_MAJOR: dict[str, Callable[[str], str]] = {
    "muh_for_muhammad": _short_muhammad,
    "initial": _initial_first,
    "words_missing": _first_word_only,
}


def minor_variants(name: str) -> dict[str, str]:
    """Ways to type `name` that still score 90 or more, by the way; never empty."""
    made = {way: change(name) for way, change in _MINOR.items()}
    return {way: typed for way, typed in made.items() if typed != name and _bounds(typed, name)[0] >= SURELY_ABOVE}


def major_variants(name: str) -> dict[str, str]:
    """Ways to type `name` that are right to a human but score below 90, by the way; never empty."""
    made = {way: change(name) for way, change in _MAJOR.items()}
    made |= {f"titles_{number}": f"{before}{name.title()}{after}" for number, (before, after) in enumerate(_TITLES, 1)}
    return {way: typed for way, typed in made.items() if typed != name and _bounds(typed, name)[1] <= SURELY_BELOW}


def typed_variant(draw: Draw, variants: dict[str, str], turn: int) -> tuple[str, str]:
    """One variant as (way, typed name); the first turns take the ways in their order, so that all get used."""
    ways = list(variants)
    way = ways[turn] if turn < len(ways) else pick(draw, ways)
    return way, variants[way]
