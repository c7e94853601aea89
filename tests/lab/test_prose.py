"""Hints fitted to a terminal."""

from lab.prose import reflow

ADDRESS = "http://127.0.0.1:8102/v1/residents?limit=100&cursor=abcdefgh"
HINT = f"""Read the answer of the first page, and ask for the next one with `meta.cursor`
   until `has_more` is false. An address such as {ADDRESS} stays whole.

```python
while   True:
    page = get(cursor)
```

Then compare."""


def test_paragraphs_fill_the_width_and_code_stays():
    """No line but a long word is wider than the terminal; spaces inside code are kept."""
    lines = reflow(HINT, 40).splitlines()
    assert max(len(line) for line in lines if line != ADDRESS) <= 40
    assert ADDRESS in lines
    assert lines[-6:] == ["```python", "while   True:", "    page = get(cursor)", "```", "", "Then compare."]


def test_a_paragraph_that_was_wrapped_narrowly_is_joined():
    """The author's line ends do not show."""
    assert reflow("one\n   two\n\nthree", 80) == "one two\n\nthree"


def test_deeply_indented_lines_are_code():
    """Markdown's other way to write it."""
    assert reflow("Try:\n\n    a  =  1\n    b  =  2\n\nand see.", 80) == "Try:\n\n    a  =  1\n    b  =  2\n\nand see."
