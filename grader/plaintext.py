"""What a learner's program wrote, made safe to show.

Anything a participant can influence (paths, bodies, headers, printed text, folder names) passes through `sanitise`
before it reaches a terminal, a page or a file that people open. Escaping for one medium (HTML, XML, a spreadsheet) is
that medium's own affair and comes after this.
"""

import re
import unicodedata

# A whole escape sequence goes, not only its first byte, so that "\x1b[31mred" leaves "red" and not "[31mred".
_ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC: window titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x80-\x9f]*(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colour, cursor, erase
    r"|\x1b[ -/]*[0-~]?"  # every other escape
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but TAB and LF, DEL, C1
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi and zero width
    "\ufffe\uffff\U000e0000-\U000e0fff]"  # non-characters that XML refuses; tag characters
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_GAP = " … "


def sanitise(text: str, *, lines: bool = False, limit: int | None = None) -> str:
    """Return `text` without anything that could act on the reader's screen.

    Removed: terminal escape sequences, C0 and C1 controls, bidirectional and zero-width characters, characters that XML
    forbids, marks stacked more than three high. A lone surrogate becomes U+FFFD.

    Args:
        text: anything, of any length.
        lines: keep line breaks (as LF) and tabs; otherwise a break is shown as "⏎" and a tab as a space, so that the
            text cannot forge a line of its own.
        limit: greatest number of characters of the answer; the middle is cut.
    """
    if limit is not None and len(text) > 4 * limit:
        text = clip(text, 4 * limit)  # a megabyte need not be cleaned in order to be cut
    if text.isascii() and text.isprintable():  # nearly everything, and nothing to be found in it
        return text if limit is None else clip(text, limit)
    text = _ESCAPES.sub("", text)
    text = _BREAKS.sub("\n" if lines else "⏎", text)
    text = text if lines else text.replace("\t", " ")
    text = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text))
    text = _STACKED_MARKS.sub(r"\1", text)
    return text if limit is None else clip(text, limit)


def clip(text: str, limit: int) -> str:
    """Return `text` with its middle cut so that at most `limit` characters remain (at least 3)."""
    if len(text) <= limit:
        return text
    keep = max(limit - len(_GAP), 0)
    tail = keep // 3
    return text[: keep - tail] + _GAP + (text[-tail:] if tail else "")


def cells(text: str) -> int:
    """Return how many columns of a terminal `text` takes: 2 for a wide character, 0 for a combining mark."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def fit(text: str, width: int) -> str:
    """Return `text` cut at the right to `width` columns, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    kept, used = [], 1
    for character in text:
        used += _cells_of(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or character == "\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
