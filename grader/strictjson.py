"""JSON read without indulgence: what two readers could understand differently is refused."""

import json
import math

LONGEST = 32 * 1024 * 1024


class NotStrictJson(ValueError):  # noqa: N818 - exceptions end in the fact (style.md)
    """The text is not JSON, or is JSON that readers disagree about; `reason` says why, in English, for logs."""

    def __init__(self, reason: str, about: object = "") -> None:
        self.reason = f"{reason} {about}".rstrip()
        super().__init__(self.reason)


def parse(data: bytes | str, *, limit: int = LONGEST) -> object:
    """Return the value that `data` holds.

    Args:
        data: UTF-8 bytes, or text.
        limit: greatest length, in bytes or characters.

    Raises:
        NotStrictJson: not UTF-8, not JSON (RFC 8259), too long, too deep, a key given twice, NaN or an infinity, or a
            number too large for a float.
    """
    if len(data) > limit:
        raise NotStrictJson("longer than", limit)
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise NotStrictJson("nested too deep") from error
    except NotStrictJson:
        raise
    except ValueError as error:  # wrong syntax, wrong UTF-8, an integer of thousands of digits
        raise NotStrictJson(str(error)) from error


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrictJson("the same key is given twice in one object")
    return found


def _no_constant(name: str) -> object:
    raise NotStrictJson("not a JSON number:", name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrictJson("a number is too large")
    return number
