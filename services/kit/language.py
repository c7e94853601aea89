"""Sentences for people, in Bahasa Indonesia by default, from gettext catalogues.

The English sentence stands in the code and is its own key; `locale/id` beside the package holds the Indonesian one.
"""

import gettext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

INDONESIAN = "id"
ENGLISH = "en"


@cache
def _translations(folder: Path, language: str) -> gettext.NullTranslations:
    return gettext.translation("messages", folder / "locale", [language], fallback=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that is not yet in any language."""

    folder: Path
    message: str
    values: dict[str, object] = field(default_factory=dict)

    def render(self, language: str) -> str:
        """Give the sentence in `language` ("id" or "en"); a language without a catalogue reads English."""
        return _translations(self.folder, language).gettext(self.message).format(**self.values)


class Catalogue:
    """The messages of one package."""

    def __init__(self, module_file: str) -> None:
        here = Path(module_file).resolve().parent
        self._folder = next((folder for folder in (here, *here.parents) if (folder / "locale").is_dir()), here)

    def __call__(self, message: str, /, **values: object) -> Text:
        """Name a message by its English sentence, with the values of its `{fields}`."""
        return Text(self._folder, message, values)


def catalogue(module_file: str) -> Catalogue:
    """Give the catalogue of the package that `module_file` (its `__file__`) belongs to."""
    return Catalogue(module_file)


def preferred(accept_language: str) -> str:
    """Choose "id" or "en" by an `Accept-Language` value (RFC 9110 §12.5.4); Indonesian when it names neither."""
    best, weight = INDONESIAN, 0.0
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        quality = _quality(parameters)
        if primary in {INDONESIAN, ENGLISH} and quality > weight:
            best, weight = primary, quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
