"""Rupiah and dates as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.finance import spellings
from services.finance.spellings import UnreadableSpelling


@given(amount=st.integers(min_value=0, max_value=10**15), key=st.text(max_size=20))
def test_whatever_is_written_can_be_read_back(amount, key):
    assert spellings.read_rupiah(spellings.rupiah(amount, key)) == amount


@given(day=st.dates(min_value=date(1000, 1, 1)), key=st.text(max_size=20))
def test_whatever_date_is_written_can_be_read_back(day, key):
    assert spellings.read_day(spellings.day(day, key)) == day


def test_every_spelling_occurs():
    assert {spellings.rupiah(1_062_961_500, f"row-{number}") for number in range(60)} == {
        "Rp 1.062.961.500",
        "1.062.961.500,00",
        "1062961500.00",
    }
    assert {spellings.day(date(2026, 6, 5), f"row-{number}") for number in range(60)} == {
        "05/06/2026",
        "5 Juni 2026",
        "5 Jun 2026",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Rp 265 Jt",
        "1,000.00",
        "1.062.961,50",
        "1.50",
        "12.34.567",
        "-5",
        "",
        "Rp",
        "1 000",
        "1e6",
        "\u0665",
        "1.000.00",
    ],
)
def test_an_amount_that_needs_a_guess_is_refused(text):
    with pytest.raises(UnreadableSpelling):
        spellings.read_rupiah(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Rp 1.000", 1000),
        ("rp1.000,00", 1000),
        ("Rp. 5", 5),
        ("1.062", 1062),
        ("0", 0),
        (" 17 ", 17),
        ("1000,00", 1000),
    ],
)
def test_usual_amounts_are_read(text, amount):
    assert spellings.read_rupiah(text) == amount


@pytest.mark.parametrize(
    "text", ["31/02/2026", "2026/10/14", "14-10/2026", "5 Mey 2026", "14.10.2026", "", "2026-13-01"]
)
def test_a_date_that_needs_a_guess_is_refused(text):
    with pytest.raises(UnreadableSpelling):
        spellings.read_day(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("14/10/2022", date(2022, 10, 14)),
        ("4-1-2026", date(2026, 1, 4)),
        ("12 Mei 2023", date(2023, 5, 12)),
        ("1 agustus 2026", date(2026, 8, 1)),
        ("2026-11-02", date(2026, 11, 2)),
    ],
)
def test_usual_dates_are_read_day_first(text, day):
    assert spellings.read_day(text) == day
