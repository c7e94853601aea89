"""Strong entity tags: `If-None-Match` gives 304, `If-Match` gives 412, or 428 where it is required (RFC 9110, 6585)."""

from services.kit.language import catalogue
from services.kit.problems import Problem

_ = catalogue(__file__)


def etag(version: int | str) -> str:
    """Give the strong entity tag of a record's version."""
    return f'"v{version}"'


def listed(header: str) -> set[str]:
    """Give the entity tags in an `If-Match` or `If-None-Match` value; `*` stands for itself."""
    return {tag.strip() for tag in header.split(",") if tag.strip()}


def unchanged(if_none_match: str | None, current: str) -> bool:
    """Say whether the caller already has the current representation (weak comparison, RFC 9110 §13.1.2)."""
    if not if_none_match:
        return False
    tags = {tag.removeprefix("W/") for tag in listed(if_none_match)}
    return "*" in tags or current in tags


def require_match(if_match: str | None, current: str) -> None:
    """Let a change pass only if the caller has seen the current version (strong comparison).

    Raises:
        Problem: 428 `precondition_required` without `If-Match`, 412 `precondition_failed` with an outdated one.
    """
    if not if_match:
        detail = _("Send the ETag that you last read in the If-Match header, so that no other change is overwritten.")
        raise Problem(428, "precondition_required", detail)
    tags = listed(if_match)
    if "*" not in tags and current not in tags:
        detail = _("The record has changed since you read it. Read it again, then decide anew with its new ETag.")
        raise Problem(412, "precondition_failed", detail, headers={"etag": current})
