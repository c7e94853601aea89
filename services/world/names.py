"""How alike two names are, by the one measure that the whole lab uses, and ways in which forms misspell them.

`similarity` is the measure behind `NAMA_LGKP: "Sesuai (87)"`: plain, easy to explain, and deaf to titles and
abbreviations, as the real one is. Planted misspellings lie so far from the threshold of 90 that difflib's ratio, or
another sensible measure, would decide no planted case otherwise.
"""

from collections.abc import Callable

from services.world.entities import Sex

THRESHOLD = 90
SURELY_ABOVE = 92
SURELY_BELOW = 80

_TITLES = (
    ("Dr. {hajj} ", ", S.E., M.Si."),
    ("Drs. {hajj} ", ", M.Pd."),
    ("Ir. ", ", S.T., M.T., IPM"),
    ("{hajj} ", ", S.Sos., M.A.P."),
    ("apt. ", ", S.Farm., M.Kes."),
)
_HAJJ: dict[Sex, str] = {"L": "H.", "P": "Hj."}


def normalised(name: str) -> str:
    """A name in upper case, with single blanks between its words and none around it."""
    return " ".join(name.upper().split())


def _unlike_middle(left: str, right: str) -> tuple[str, str]:
    """Both without what they have in common at their ends, which does not change their distance."""
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return left[start : len(left) - end], right[start : len(right) - end]


def _distance(left: str, right: str) -> int:
    """Levenshtein distance: the least number of letters to insert, delete or change."""
    left, right = _unlike_middle(left, right)
    if not left or not right:
        return len(left) + len(right)
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        above_left, nearest = previous[0], row
        previous[0] = row
        for column, other in enumerate(right, 1):
            above = previous[column]
            nearest = above_left if letter == other else 1 + min(above, nearest, above_left)
            above_left = above
            previous[column] = nearest
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


def _without_apostrophe(name: str) -> str:
    return name.replace("'", "")


def _doubled_letter(name: str) -> str:
    place = len(name) // 2 if name[len(name) // 2] != " " else len(name) // 2 + 1
    return name[:place] + name[place] + name[place:]


def _blank_twice(name: str) -> str:
    return name.replace(" ", "  ", 1)


def _initial_first(name: str) -> str:
    first, _, rest = name.partition(" ")
    return f"{first[0]}. {rest}" if rest else name


def _short_muhammad(name: str) -> str:
    return name.replace("MUHAMMAD ", "MUH. ")


def _first_word_only(name: str) -> str:
    return name.partition(" ")[0]


_Change = Callable[[str], str]
_MINOR: tuple[tuple[str, _Change], ...] = (
    ("apostrophe_dropped", _without_apostrophe),
    ("letter_doubled", _doubled_letter),
    ("blank_twice", _blank_twice),
    ("mixed_case", str.title),
    ("lower_case", str.lower),
)
_MAJOR: tuple[tuple[str, _Change], ...] = (
    ("muh_for_muhammad", _short_muhammad),
    ("initial", _initial_first),
    ("words_missing", _first_word_only),
)


def _titled(sex: Sex) -> tuple[tuple[str, _Change], ...]:
    def wrapped(before: str, after: str) -> _Change:
        return lambda name: before.format(hajj=_HAJJ[sex]) + name.title() + after

    return tuple(("titles", wrapped(before, after)) for before, after in _TITLES)


def _first_fitting(
    name: str, changes: tuple[tuple[str, _Change], ...], turn: int, fits: Callable[[str], bool]
) -> tuple[str, str]:
    for step in range(len(changes)):
        way, change = changes[(turn + step) % len(changes)]
        typed = change(name)
        if typed != name and fits(typed):
            return way, typed
    msg = f"no change of the name {name!r} fits"
    raise ValueError(msg)


def slightly_misspelt(name: str, turn: int) -> tuple[str, str]:
    """A way to type `name` (upper case, not empty) that still scores well above 90.

    Args:
        name: As registered.
        turn: Which way to try first; counting it up goes through all ways.

    Returns:
        The way ("letter_doubled") and what is typed.
    """
    return _first_fitting(name, _MINOR, turn, lambda typed: similarity(typed, name) >= SURELY_ABOVE)


def badly_misspelt(name: str, sex: Sex, turn: int) -> tuple[str, str]:
    """A way to type `name` that a human understands but that scores well below 90; otherwise as `slightly_misspelt`."""
    return _first_fitting(name, _MAJOR + _titled(sex), turn, lambda typed: similarity(typed, name) <= SURELY_BELOW)
