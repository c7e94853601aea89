"""Fits a few lines of Markdown to the width of a terminal; what is code stays as it is."""

import re
import textwrap

_CODE = re.compile(r"^(```| {4})", re.MULTILINE)


def reflow(text: str, width: int) -> str:
    """Returns `text` with its paragraphs filled to `width` columns.

    Args:
        text: paragraphs, as hints are written; one that has fenced or deeply indented code in it is left as it is.
        width: columns of the terminal; words that are longer stay whole.
    """
    paragraphs = re.split(r"\n\s*\n", textwrap.dedent(text))
    return "\n\n".join(one if _CODE.search(one) else _filled(one, width) for one in paragraphs)


def _filled(paragraph: str, width: int) -> str:
    words = " ".join(line.strip() for line in paragraph.splitlines())
    return textwrap.fill(words, width, break_long_words=False, break_on_hyphens=False)
