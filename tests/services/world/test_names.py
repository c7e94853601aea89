"""The measure of names, and misspellings on the right side of the threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.world.names import badly_misspelt, similarity, slightly_misspelt

NAMES = st.from_regex(r"[A-Z]{3,12}( [A-Z']{3,12}){0,2}", fullmatch=True)


@pytest.mark.parametrize(
    ("typed", "registered", "score"),
    [
        ("BUDI SANTOSO", "BUDI SANTOSO", 100),
        ("  budi   Santoso ", "BUDI SANTOSO", 100),
        ("BUDI SANTOSA", "BUDI SANTOSO", 91),
        ("MUH. YUSUF", "MUHAMMAD YUSUF", 64),
        ("H. BUDI SANTOSO", "BUDI SANTOSO", 80),
        ("NURUL AIN", "NURUL 'AIN", 90),
        ("ABC", "XYZ", 0),
        ("", "BUDI", 0),
        ("", "", 0),
    ],
)
def test_names_score_as_the_definition_says(typed, registered, score):
    assert similarity(typed, registered) == score


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_measure_is_symmetric_and_within_its_bounds(left, right):
    score = similarity(left, right)
    assert score == similarity(right, left)
    assert 0 <= score <= 100


@given(NAMES, st.integers(0, 20), st.sampled_from(["L", "P"]))
def test_slips_score_ninety_and_more_and_titles_or_initials_less(name, turn, sex):
    way, typed = slightly_misspelt(name, turn)
    assert way
    assert typed != name
    assert similarity(typed, name) >= 90
    way, typed = badly_misspelt(name, sex, turn)
    assert way
    assert similarity(typed, name) < 90


def test_counting_the_turn_up_goes_through_all_ways():
    name = "MUHAMMAD NURUL'AIN FIRMANSYAH"
    assert len({slightly_misspelt(name, turn)[0] for turn in range(5)}) == 5
    assert {badly_misspelt(name, "L", turn)[0] for turn in range(8)} >= {"words_missing", "titles"}


def test_a_woman_gets_no_mans_title():
    assert badly_misspelt("RINI", "P", 3)[1].startswith("Dr. Hj.")


def test_a_name_without_letters_cannot_be_misspelt():
    with pytest.raises(ValueError, match="no change"):
        slightly_misspelt("1", 0)
