"""Colour for terminals that want it. What it colours must read the same without."""

from dataclasses import dataclass
from typing import Final

_CODES: Final = {"good": "32", "bad": "31", "warn": "33", "lab": "35", "quiet": "2", "strong": "1"}

# For terminals that cannot show box drawing and symbols (an old Windows console): one column stays one column.
_PLAIN: Final = str.maketrans("│├─┼┤►\u00d7…✗✓⋮┌└┄═→·⏎█░●○◆▲", "|+-+|>x~xv:++-=>-/#.*o+^")


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours words, or leaves them as they are.

    Attributes:
        colour: whether the terminal shows colour and the person wants it (`NO_COLOR` unset).
        unicode: whether it can show more than ASCII symbols.
    """

    colour: bool = False
    unicode: bool = True

    def __call__(self, words: str, *styles: str) -> str:
        """Return `words` in the named styles: good, bad, warn, lab, quiet, strong."""
        words = self.plain(words)
        if not self.colour or not styles or not words:
            return words
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{words}\x1b[0m"

    def plain(self, words: str) -> str:
        """Return `words` with symbols that this terminal can show."""
        return words if self.unicode else words.translate(_PLAIN)
