"""How the data typed into a permit form departs from the population record, one way per kind of trouble."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from services.world.entities import Sex
from services.world.names import badly_misspelt, slightly_misspelt


@dataclass(frozen=True, slots=True)
class Filing:
    """What the responsible person typed about himself."""

    nik: str
    name: str
    sex: Sex
    birth_on: date


def _short(nik: str) -> str:
    return nik[:-1]


def _long(nik: str) -> str:
    return f"{nik}0"


def _letters(nik: str) -> str:
    return f"{nik[:4].replace('7', 'T').replace('3', 'E')}{nik[4:]}"


def _impossible_date(nik: str) -> str:
    return f"{nik[:6]}3002{nik[10:]}"


def _day_40(nik: str) -> str:
    return f"{nik[:6]}40{nik[8:]}"


def _month_13(nik: str) -> str:
    return f"{nik[:8]}13{nik[10:]}"


def _serial_zero(nik: str) -> str:
    return f"{nik[:12]}0000"


def _blanks(nik: str) -> str:
    return f"{nik[:6]} {nik[6:12]} {nik[12:]}"


MALFORMATIONS: dict[str, Callable[[str], str]] = {
    "fifteen_digits": _short,
    "seventeen_digits": _long,
    "letters": _letters,
    "impossible_date": _impossible_date,
    "day_40": _day_40,
    "month_13": _month_13,
    "serial_zero": _serial_zero,
    "blanks": _blanks,
}
"""Ways to make a NIK malformed; each occurs in every city."""


def _swapped_or_shifted(birth_on: date, turn: int) -> tuple[str, date]:
    """Another birth date: day and month exchanged where that gives another date, otherwise some days later."""
    if birth_on.day <= 12 and birth_on.day != birth_on.month and turn % 2 == 0:
        return "day_month_swapped", date(birth_on.year, birth_on.day, birth_on.month)
    return "days_shifted", birth_on + timedelta(days=1 + turn % 27)


def misfile(kind: str, turn: int, true: Filing) -> tuple[str, Filing]:
    """What the form says for an application of that kind.

    Args:
        kind: A key of `services.world.layout.APPLICATION_SHARES`.
        turn: The position among those of the kind, which goes through the ways in their order.
        true: What a careful person would have typed, the name in upper case.

    Returns:
        The way it was done ("" where there is only one), and what was typed.
    """
    if kind == "malformed_nik":
        way = list(MALFORMATIONS)[turn % len(MALFORMATIONS)]
        return way, Filing(MALFORMATIONS[way](true.nik), true.name, true.sex, true.birth_on)
    if kind == "name_minor":
        way, name = slightly_misspelt(true.name, turn)
        return way, Filing(true.nik, name, true.sex, true.birth_on)
    if kind == "name_major":
        way, name = badly_misspelt(true.name, true.sex, turn)
        return way, Filing(true.nik, name, true.sex, true.birth_on)
    if kind == "birth_date_mismatch":
        way, birth_on = _swapped_or_shifted(true.birth_on, turn)
        return way, Filing(true.nik, true.name, true.sex, birth_on)
    if kind == "sex_mismatch":
        return "", Filing(true.nik, true.name, "P" if true.sex == "L" else "L", true.birth_on)
    return "", true
