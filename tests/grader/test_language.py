"""Sentences for people: lazy, in two languages, and safe whatever the values are."""

import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.language import LONGEST_VALUE, Text, catalogue, current_language, use_language, verbatim
from grader.plaintext import cells, clip, fit, sanitise


@pytest.fixture(autouse=True)
def language_put_back() -> Iterator[None]:
    before = current_language()
    yield
    use_language(before)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module two folders below a catalogue that knows one sentence."""
    compiled = Catalog(locale="id")
    compiled.add("No resident has NIK {nik}.", "Tidak ada penduduk dengan NIK {nik}.")
    target = tmp_path / "locale/id/LC_MESSAGES/messages.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, compiled)
    (tmp_path / "deep/deeper").mkdir(parents=True)
    return tmp_path / "deep/deeper/module.py"


def test_catalogue_is_found_in_the_nearest_folder_above(module: Path) -> None:
    text = catalogue(str(module))("No resident has NIK {nik}.", nik="7679900000000001")
    assert text.render("id") == "Tidak ada penduduk dengan NIK 7679900000000001."
    assert text.render("en") == "No resident has NIK 7679900000000001."


def test_language_is_chosen_when_the_text_is_read_not_when_it_is_made(module: Path) -> None:
    text = catalogue(str(module))("No resident has NIK {nik}.", nik=7)
    use_language("en")
    assert str(text) == "No resident has NIK 7."
    use_language("id")
    assert f"{text}" == "Tidak ada penduduk dengan NIK 7."


def test_another_thread_speaks_the_language_of_the_process(module: Path) -> None:
    text, said = catalogue(str(module))("No resident has NIK {nik}.", nik=7), []
    use_language("en")
    thread = threading.Thread(target=lambda: said.append(str(text)))
    thread.start()
    thread.join()
    assert said == ["No resident has NIK 7."]


def test_sentence_without_translation_or_catalogue_is_english(module: Path, tmp_path: Path) -> None:
    assert catalogue(str(module))("Never translated.").render("id") == "Never translated."
    bare = tmp_path.parent / "bare_folder_without_catalogue"
    assert catalogue(str(bare / "x.py"))("Never translated.").render("id") == "Never translated."


def test_text_within_a_text_is_rendered_in_the_same_language(module: Path) -> None:
    _ = catalogue(str(module))
    outer = _("It said: {what}", what=_("No resident has NIK {nik}.", nik=1))
    assert outer.render("id") == "It said: Tidak ada penduduk dengan NIK 1."


@pytest.mark.parametrize("sentence", ["{value.__class__}", "{value[0]}", "{other}", "{0}"])
def test_place_that_is_not_a_plain_name_is_left_as_it_stands(sentence: str) -> None:
    assert Text(sentence, {"value": "x"}).render("en") == sentence


def test_braces_in_a_value_are_not_interpreted() -> None:
    assert Text("Said {value}.", {"value": "{value} {0} {value.__class__}"}).render() == (
        "Said {value} {0} {value.__class__}."
    )


def test_number_shape_applied_to_words_shows_the_words() -> None:
    assert Text("{n:.1f}", {"n": "many"}).render() == "many"
    assert Text("{n:.1f}", {"n": 1.25}).render() in {"1.2", "1.3"}


def test_megabyte_value_is_cut_in_the_middle() -> None:
    said = Text("{value}", {"value": "a" * 1_000_000 + "end"}).render()
    assert len(said) <= LONGEST_VALUE
    assert said.startswith("aaa")
    assert said.endswith("aend")


@settings(deadline=None)
@given(st.text())
def test_words_taken_verbatim_are_cleaned_and_not_interpreted(words: str) -> None:
    assert verbatim(words).render("id") == sanitise(words, limit=LONGEST_VALUE)


@settings(deadline=None)
@given(st.text(), st.text())
def test_rendering_never_raises_for_a_value(value: str, other: str) -> None:
    assert "<" in Text("<{a}|{b:>3}|{c}>", {"a": value, "b": other}).render("id")


def test_importing_the_language_does_not_read_any_catalogue() -> None:
    """Nothing happens at import: a wrong machine language or a missing file cannot stop a program from starting."""
    code = (
        "import sys, grader.language; print(len([m for m in sys.modules if m.split('.')[0] in ('babel', 'pydantic')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


HOSTILE = st.text(
    st.one_of(
        st.characters(categories=("Cc", "Cf", "Cs", "Mn", "Zl", "Zp")),
        st.sampled_from("\x1b\x9b\x9d\x90[];m\r\n\t\u202e\u2066A1"),
        st.characters(),
    )
)


@settings(deadline=None)
@given(HOSTILE)
def test_clean_text_has_nothing_that_acts_on_a_screen(text: str) -> None:
    clean = sanitise(text)
    allowed = {"\u200c", "\u200d"}
    for character in clean:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }
        assert character in allowed or ord(character) not in range(0x200B, 0x2010)
    clean.encode("utf-8")


@settings(deadline=None)
@given(HOSTILE, st.booleans())
def test_cleaning_twice_is_cleaning_once(text: str, lines: bool) -> None:
    once = sanitise(text, lines=lines)
    assert sanitise(once, lines=lines) == once


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=200))
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert sanitise(text) == text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\x1b[31mmerah\x1b[0m", "merah"),
        ("\x1b]0;judul\x07isi", "isi"),
        ("\x1b]8;;http://x\x1b\\tautan\x1b]8;;\x1b\\", "tautan"),
        ("\x1bP1$r0m\x1b\\ok", "ok"),
        ("\x9b2Jbersih", "bersih"),
        ("\x1b[201~rm -rf", "rm -rf"),
        ("a\r\nb\nc\rd\u2028e", "a⏎b⏎c⏎d⏎e"),
        ("tab\tulasi", "tab ulasi"),
        ("nul\x00", "nul"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("sendiri \ud800", "sendiri \ufffd"),
        ("\x1b]tidak ditutup", "tidak ditutup"),
        ("Z" + "\u0301" * 40, "Z" + "\u0301" * 3),
    ],
)
def test_known_trick_is_taken_out_and_the_words_stay(dirty: str, clean: str) -> None:
    assert sanitise(dirty) == clean


def test_line_breaks_stay_where_lines_are_wanted() -> None:
    assert sanitise("a\r\nb\tc\x1b[1m", lines=True) == "a\nb\tc"


@pytest.mark.parametrize("unit", ["\x1b]", "\x9d", "\x90", "\x1b[", "\x1bP", "\u0301", "\x1b"])
def test_megabytes_of_half_an_escape_are_cleaned_in_linear_time(unit: str) -> None:
    """A quadratic pattern would take hours here; the test would never end."""
    assert len(sanitise(unit * 1_000_000)) <= 1_000_000


@settings(deadline=None)
@given(st.text(), st.integers(3, 50))
def test_clipped_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit
    assert clip(text, len(text)) == text


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "N", "P", "So"))), st.integers(0, 40))
def test_fitted_text_never_takes_more_columns_than_asked(text: str, width: int) -> None:
    assert cells(fit(text, width)) <= width


def test_wide_and_combining_characters_are_counted_as_a_terminal_does() -> None:
    assert [cells(text) for text in ("kota", "市", "e\u0301", "")] == [4, 2, 1, 0]
