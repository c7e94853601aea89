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


class Fields:
    """An object read field by field: each must be there and of its type, and none may be left over.

    Every method raises `NotStrictJson` naming the place, such as `$.tests[2].score`.
    """

    def __init__(self, value: object, where: str = "$") -> None:
        if not isinstance(value, dict):
            raise NotStrictJson("not an object:", where)
        self._left: dict[str, object] = dict(value)
        self._where = where

    def _take(self, name: str, kind: type | tuple[type, ...]) -> object:
        where = f"{self._where}.{name}"
        if name not in self._left:
            raise NotStrictJson("missing:", where)
        value = self._left.pop(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise NotStrictJson("of the wrong type:", where)
        return value

    def has(self, name: str) -> bool:
        """Say whether `name` is there, not yet read, and not null; a null counts as read."""
        if self._left.get(name, self) is None:
            del self._left[name]
        return name in self._left

    def text(self, name: str) -> str:
        """Return the text at `name`."""
        return str(self._take(name, str))

    def number(self, name: str) -> float:
        """Return the number at `name`, which may not be negative."""
        value = self._take(name, (int, float))
        if not isinstance(value, int | float) or value < 0:
            raise NotStrictJson("negative:", f"{self._where}.{name}")
        return value

    def whole(self, name: str) -> int:
        """Return the integer at `name`."""
        value = self._take(name, int)
        return value if isinstance(value, int) else 0

    def flag(self, name: str) -> bool:
        """Return the truth value at `name`."""
        return bool(self._take(name, bool))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the list of texts at `name`."""
        value = self._take(name, list)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise NotStrictJson("not a list of texts:", f"{self._where}.{name}")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, str]:
        """Return the object at `name`, all of whose values are texts."""
        value = self._take(name, dict)
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise NotStrictJson("not an object of texts:", f"{self._where}.{name}")
        return value

    def group(self, name: str) -> "Fields":
        """Return the object at `name`, to be read in its turn."""
        return Fields(self._take(name, dict), f"{self._where}.{name}")

    def groups(self, name: str) -> list["Fields"]:
        """Return the objects in the list at `name`, to be read in their turn."""
        value = self._take(name, list)
        items = value if isinstance(value, list) else []
        return [Fields(item, f"{self._where}.{name}[{index}]") for index, item in enumerate(items)]

    def constant(self, name: str, value: object) -> None:
        """Insist that `value` is what stands at `name`."""
        if self._left.pop(name, self) != value:
            raise NotStrictJson("of another value than it must be:", f"{self._where}.{name}")

    def finish(self) -> None:
        """Insist that nothing is left."""
        if self._left:
            raise NotStrictJson("unknown:", f"{self._where}.{min(self._left)[:80]}")
