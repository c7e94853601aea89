"""The registry's own problems, each in one place. No sentence repeats a personal number."""

from services.kit.language import Text, catalogue
from services.kit.problems import FieldError, Problem
from services.population.rules import DAILY_VERIFICATIONS, Obstacle

_ = catalogue(__file__)

_FAULTS: dict[str, Text] = {
    "digits": _("It may hold digits only, without blanks, dots or letters."),
    "length": _("It must have exactly 16 digits."),
    "region": _("It cannot begin with 0, because no region's code does."),
    "day": _("Digits 7 and 8 must be a day: 01 to 31 for men, 41 to 71 for women."),
    "month": _("Digits 9 and 10 must be a month, 01 to 12."),
    "date": _("Digits 7 to 12 are not a date that exists."),
    "serial": _("The last four digits cannot be 0000."),
}


def nik_malformed(faults: tuple[str, ...], pointer: str) -> Problem:
    """Give the 422 for a number that cannot be a NIK.

    Args:
        faults: reasons of `services.world.identifiers.nik.faults`.
        pointer: where the number stood: `path:nik` or `#/nik`.
    """
    detail = _("This is not a NIK. Correct the number before you ask.")
    errors = [FieldError(pointer, fault, _FAULTS[fault]) for fault in faults]
    return Problem(422, "nik_malformed", detail, errors=errors)


def kk_malformed(faults: tuple[str, ...]) -> Problem:
    """Give the 422 for a number that cannot be a family card's."""
    detail = _("This is not a family card number (KK). Correct the number before you ask.")
    errors = [FieldError("path:kk", fault, _FAULTS[fault]) for fault in faults]
    return Problem(422, "kk_malformed", detail, errors=errors)


def region_code_malformed(pointer: str) -> Problem:
    """Give the 422 for what is no region code."""
    detail = _("This is not a region code. It looks like 76.79.90.1001, with or without the dots.")
    return Problem(422, "region_code_malformed", detail, errors=[FieldError(pointer, "wrong_form", detail)])


def resident_not_found() -> Problem:
    """Give the 404 for a NIK that nobody has."""
    return Problem(404, "resident_not_found", _("No resident is registered under this NIK."))


def family_not_found() -> Problem:
    """Give the 404 for an unknown family card."""
    return Problem(404, "family_not_found", _("No family card has this number."))


def region_not_found() -> Problem:
    """Give the 404 for a region that is not in the list."""
    return Problem(404, "region_not_found", _("The registry's list of regions does not have this code."))


def duplicate_nik() -> Problem:
    """Give the 409 for a NIK that several records share; none of them is shown, for none may be the one meant."""
    detail = _(
        "Several residents are registered under this NIK. Their data stay closed until the registry has cleared it."
    )
    return Problem(409, "duplicate_nik", detail)


def obstructed(obstacle: Obstacle, faults: tuple[str, ...], seconds: int) -> Problem:
    """Give the problem that a verification meets.

    Args:
        faults: what is wrong with the NIK, for `Obstacle.MALFORMED`.
        seconds: until the quota is full again, for `Obstacle.QUOTA_EXHAUSTED`.
    """
    match obstacle:
        case Obstacle.MALFORMED:
            return nik_malformed(faults, "#/nik")
        case Obstacle.UNKNOWN:
            return resident_not_found()
        case Obstacle.DUPLICATE:
            return duplicate_nik()
        case Obstacle.DECEASED:
            return Problem(409, "resident_deceased", _("The resident with this NIK has died."))
        case Obstacle.NON_ACTIVE:
            detail = _("The record with this NIK is not active. The resident should turn to the population office.")
            return Problem(409, "resident_non_active", detail)
        case Obstacle.QUOTA_EXHAUSTED:
            detail = _(
                "Today's {quota} verifications are used up. The quota is full again at midnight.",
                quota=DAILY_VERIFICATIONS,
            )
            return Problem(429, "quota_exhausted", detail, headers={"retry-after": str(seconds)})


def nothing_asked() -> Problem:
    """Give the 422 for a verification without any element."""
    detail = _("Name at least one element to verify, such as name or birth_on.")
    return Problem(422, "validation_failed", detail, errors=[FieldError("#", "missing", detail)])
