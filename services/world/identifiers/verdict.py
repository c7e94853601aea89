"""What all identifiers say when a text is not one of them."""


class InvalidIdentifier(ValueError):  # noqa: N818 -- exceptions of this project are named after the fact
    """A text is not the identifier it should be.

    Attributes:
        text: The text that was given.
        reasons: Stable snake_case reason codes, in the order in which the parts stand in the identifier.
    """

    def __init__(self, text: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{text!r}: {', '.join(reasons)}")
        self.text = text
        self.reasons = reasons


def digit_faults(text: str, length: int) -> tuple[str, ...]:
    """Reasons why `text` is not exactly `length` ASCII digits: `digits`, `length`, both or none."""
    reasons = []
    if not (text.isascii() and text.isdigit()):
        reasons.append("digits")
    if len(text) != length:
        reasons.append("length")
    return tuple(reasons)
