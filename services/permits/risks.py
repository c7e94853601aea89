"""Risk and what it asks for: KBLI and scale, never KBLI alone (PP 28/2025; the values are fixtures of the lab)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kit.language import catalogue
from services.kit.problems import FieldError, Problem
from services.world.business_fields import OFFICE_RISKS, SCALE_NAMES, all_business_fields, permit_kind_of, risk_of
from services.world.entities import BusinessField, PermitKind, Risk, Scale

_ = catalogue(__file__)

TABLE_YEAR = 2020
"""The KBLI that the risk table is written in."""

RISK_NAMES: Mapping[Risk, str] = {"R": "Rendah", "MR": "Menengah Rendah", "MT": "Menengah Tinggi", "T": "Tinggi"}

_FIELDS: Mapping[str, BusinessField] = {field.kbli: field for field in all_business_fields()}


@dataclass(frozen=True, slots=True)
class Assessment:
    """The risk of one field of business at one scale, and the permit it asks for besides the NIB."""

    field: BusinessField
    scale: Scale
    risk: Risk
    permit_kind: PermitKind

    @property
    def scale_name(self) -> str:
        """The scale in words, Bahasa Indonesia."""
        return SCALE_NAMES[self.scale]

    @property
    def office_verifies(self) -> bool:
        """Whether the city's office must verify before the permit is given; R and MR finish in OSS."""
        return self.risk in OFFICE_RISKS


def assess(kbli: str, scale: Scale, year: int) -> Assessment:
    """Look a risk up.

    Args:
        kbli: five digits.
        year: the KBLI that the code is taken from.

    Raises:
        Problem: 422 `kbli_year_mismatch` for another year's code, 404 `kbli_not_found`.
    """
    if year != TABLE_YEAR:
        detail = _(
            "This is a code of KBLI {given}, and the risk table is written in KBLI {table}. Convert the code first.",
            given=year,
            table=TABLE_YEAR,
        )
        code = "kbli_year_mismatch"
        raise Problem(422, code, detail, errors=[FieldError("?kbli_year", code, detail)])
    field = _FIELDS.get(kbli)
    if field is None:
        raise Problem(404, "kbli_not_found", _("The risk table has no such KBLI code. Check the 5 digits."))
    risk = risk_of(field, scale)
    return Assessment(field, scale, risk, permit_kind_of(risk))
