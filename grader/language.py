"""Sentences for people, in Bahasa Indonesia or English.

A module says `_ = catalogue(__file__)` once, and `_("No resident has NIK {nik}.", nik=nik)` wherever a person will read
something. The English sentence is the key; the Indonesian one stands in the nearest `locale/id/LC_MESSAGES/messages.mo`
at or above the module's folder. `python -m lab.authoring.catalogues` extracts, updates and compiles those files.
"""

import gettext
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from grader.plaintext import sanitise

Language: TypeAlias = Literal["id", "en"]

LONGEST_VALUE = 400
"""Characters of one value inside a sentence; of a longer one the middle is cut."""


class _Current:
    """The language of this process: one for all threads, so that work handed to a thread speaks it too."""

    language: Language = "id"


def use_language(language: Language) -> None:
    """Make `str(text)` and `text.render()` speak `language` from now on."""
    _Current.language = language


def current_language() -> Language:
    """Return the language that `use_language` set last; `"id"` if it never was."""
    return _Current.language


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that is put into words when somebody reads it.

    Attributes:
        message: the English sentence with `{field}` places, as in the catalogue.
        fields: the values for those places; a `Text` among them is rendered in the same language.
        folder: where to look for the catalogue; None for words that are not translated.
    """

    message: str
    fields: Mapping[str, object] = field(default_factory=dict)
    folder: Path | None = None

    def render(self, language: Language | None = None) -> str:
        """Return the sentence in `language`, English where there is no translation. Never raises for a value."""
        language = language or current_language()
        sentence = self.message
        if language != "en" and self.folder is not None and sentence:
            sentence = _translations(self.folder, language).gettext(sentence)
        plain = {name: _plain(value, language) for name, value in self.fields.items()}
        return _PlainFormatter().vformat(sentence, (), plain)

    def __str__(self) -> str:
        """Return the sentence in the current language."""
        return self.render()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a module calls `_`: turns a sentence and its values into a `Text`."""

    folder: Path

    def __call__(self, message: str, /, **fields: object) -> Text:
        """Return `message` as a `Text`; `fields` are plain values (str, number, `Text`), cleaned when rendered."""
        return Text(message, fields, self.folder)


def catalogue(file: str) -> Catalogue:
    """Return the catalogue of the module whose `__file__` is given: of its folder or the nearest one above."""
    here = Path(file).resolve().parent
    return Catalogue(next((folder for folder in (here, *here.parents) if (folder / "locale").is_dir()), here))


def verbatim(words: str) -> Text:
    """Return `words` as a `Text` that reads the same in every language, cleaned but not interpreted."""
    return Text("{words}", {"words": words})


@cache
def _translations(folder: Path, language: Language) -> gettext.NullTranslations:
    return gettext.translation("messages", folder / "locale", [language], fallback=True)


def _plain(value: object, language: Language) -> str | int | float:
    if isinstance(value, Text):
        return value.render(language)
    if isinstance(value, int | float):
        return value
    return sanitise(str(value), limit=LONGEST_VALUE)


class _PlainFormatter(string.Formatter):
    """`str.format` whose places name values only: no attributes, no indexes, nothing positional, nothing missing."""

    def get_field(self, field_name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, str]:
        return kwargs.get(field_name, f"{{{field_name}}}"), field_name

    def format_field(self, value: object, format_spec: str) -> str:
        try:
            return format(value, format_spec)
        except ValueError:  # the shape was meant for a number and a learner's program gave something else
            return str(value)
