"""Rupiah and dates the way SIPD's exports and people's spreadsheets write them.

Observed: `Rp 1.062.961.500`, `1.062.961.500,00`, `1062961500.00`; `14/10/2022`, `14-10-2022`, `2022-10-14`,
`12 Mei 2023`, `5 Jun 2023`. Which spelling a cell gets depends on its key alone, so a page read twice reads the same.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import blake2b

MONTHS = (
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
)
_SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
_MONTH_NUMBERS = {
    name.lower(): number for names in (MONTHS, _SHORT_MONTHS) for number, name in enumerate(names, start=1)
}

_GROUPED = re.compile(r"(?:Rp\.?\s*)?([0-9]{1,3}(?:\.[0-9]{3})*)(?:,00)?", re.ASCII | re.IGNORECASE)
_PLAIN = re.compile(r"(?:Rp\.?\s*)?([0-9]{1,16})(?:[.,]00)?", re.ASCII | re.IGNORECASE)
_DAY_FIRST = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})", re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NAMED = re.compile(r"([0-9]{1,2}) ([A-Za-z]{3,9}) ([0-9]{4})", re.ASCII)


class UnreadableSpelling(ValueError):  # noqa: N818 - the fact is the name
    """A cell that cannot be read without guessing."""


def _thousands(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


_MONEY: Sequence[Callable[[int], str]] = (
    lambda amount: f"Rp {_thousands(amount)}",
    lambda amount: f"{_thousands(amount)},00",
    lambda amount: f"{amount}.00",
)
_DATES: Sequence[Callable[[date], str]] = (
    lambda day: f"{day.day:02}/{day.month:02}/{day.year}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    lambda day: f"{day.day} {_SHORT_MONTHS[day.month - 1]} {day.year}",
)


def turn(key: str, ways: int) -> int:
    """Give one of 0 … ways-1 that belongs to `key`."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest()) % ways


def rupiah(amount: int, key: str) -> str:
    """Write whole rupiah in the spelling that belongs to `key`."""
    return _MONEY[turn(f"{key}/rupiah", len(_MONEY))](amount)


def day(value: date, key: str) -> str:
    """Write a date in the spelling that belongs to `key`."""
    return _DATES[turn(f"{key}/day", len(_DATES))](value)


def read_rupiah(text: str) -> int:
    """Read whole rupiah in any of the spellings above.

    Raises:
        UnreadableSpelling: for everything that would need a guess, such as `Rp 265 Jt`, `1,000.00` or part of a rupiah.
    """
    found = _GROUPED.fullmatch(text.strip()) or _PLAIN.fullmatch(text.strip())
    if found is None:
        raise UnreadableSpelling(text)
    return int(found[1].replace(".", ""))


def read_day(text: str) -> date:
    """Read a date in any of the spellings above; day before month, always.

    Raises:
        UnreadableSpelling: for another form, or a day that does not exist.
    """
    try:
        return _day_of(text.strip())
    except ValueError as error:
        raise UnreadableSpelling(text) from error


def _day_of(text: str) -> date:
    if _ISO.fullmatch(text):
        return date.fromisoformat(text)
    found = _DAY_FIRST.fullmatch(text)
    if found is not None:
        return date(int(found[4]), int(found[3]), int(found[1]))
    named = _NAMED.fullmatch(text)
    month = _MONTH_NUMBERS.get(named[2].lower()) if named is not None else None
    if named is None or month is None:
        raise UnreadableSpelling(text)
    return date(int(named[3]), month, int(named[1]))
