"""What Pydantic finds wrong with a request, as a 422 problem with a sentence for each member (RFC 9457, RFC 6901)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.kit.language import Text, catalogue
from services.kit.problems import FieldError, Problem

_ = catalogue(__file__)

_SENTENCES: Mapping[str, tuple[str, Text]] = {
    "missing": ("missing", _("This member is required.")),
    "extra_forbidden": ("unknown_member", _("This call knows no such member.")),
    "string_type": ("wrong_type", _("This must be a string, in quotes.")),
    "int_type": ("wrong_type", _("This must be a whole number.")),
    "int_parsing": ("wrong_type", _("This must be a whole number.")),
    "int_from_float": ("wrong_type", _("This must be a whole number.")),
    "bool_type": ("wrong_type", _("This must be true or false.")),
    "bool_parsing": ("wrong_type", _("This must be true or false.")),
    "list_type": ("wrong_type", _("This must be a list.")),
    "model_attributes_type": ("wrong_type", _("This must be a JSON object.")),
    "dict_type": ("wrong_type", _("This must be a JSON object.")),
    "string_pattern_mismatch": ("wrong_form", _("This does not have the form that the documentation states.")),
    "string_unicode": ("wrong_form", _("This is not valid Unicode text.")),
    "date_from_datetime_parsing": ("wrong_form", _("This must be a date, YYYY-MM-DD.")),
    "date_parsing": ("wrong_form", _("This must be a date, YYYY-MM-DD.")),
    "enum": ("not_allowed", _("This is not one of the values that the documentation lists.")),
    "literal_error": ("not_allowed", _("This is not one of the values that the documentation lists.")),
    "string_too_short": ("too_short", _("This is too short.")),
    "string_too_long": ("too_long", _("This is too long.")),
    "too_short": ("too_short", _("This list is too short.")),
    "too_long": ("too_long", _("This list is too long.")),
    "greater_than": ("out_of_range", _("This number is too small.")),
    "greater_than_equal": ("out_of_range", _("This number is too small.")),
    "less_than": ("out_of_range", _("This number is too large.")),
    "less_than_equal": ("out_of_range", _("This number is too large.")),
    "int_parsing_size": ("out_of_range", _("This number is too large.")),
}
_OTHER = ("invalid", _("This value does not fit what the documentation states."))
_NO_JSON = ("wrong_type", _("Send the body as JSON, with the header Content-Type: application/json."))
_TEXTS = re.compile(r"'[^']*'(?:(?:, | or )'[^']*')*")
"""How Pydantic lists the values of a `Literal` that are all texts."""
_MOST = 20


def problem_of(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Give the problem for what Pydantic reported: 400 for text that is no JSON, 422 for everything else."""
    if any(error["type"] == "json_invalid" for error in errors):
        detail = _("The request's body is not valid JSON.")
        return Problem(400, "malformed_json", detail)
    detail = _("The request does not fit what this call expects.")
    found = [_field_error(error) for error in errors[:_MOST]]
    return Problem(422, "validation_failed", detail, errors=found)


def _lacks_quotes(error: Mapping[str, Any]) -> bool:
    """Say whether one of several texts was asked for and something else came, such as 45 for "45"."""
    expected = error.get("ctx", {}).get("expected", "")
    is_literal = error["type"] == "literal_error" and _TEXTS.fullmatch(expected) is not None
    return is_literal and not isinstance(error["input"], str)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    code, detail = _SENTENCES.get("string_type" if _lacks_quotes(error) else error["type"], _OTHER)
    if isinstance(error.get("input"), bytes):
        # FastAPI leaves a body as it is when its content type is not JSON.
        code, detail = _NO_JSON
    place, *rest = error["loc"] or ("body",)
    if place == "body":
        steps = (str(step).replace("~", "~0").replace("/", "~1")[:80] for step in rest)
        pointer = "#" + "".join(f"/{step}" for step in steps)
    else:
        pointer = f"?{rest[0]}" if place == "query" and rest else f"{place}:{'.'.join(map(str, rest))}"
    return FieldError(pointer.encode("utf-8", "replace").decode(), code, detail)
