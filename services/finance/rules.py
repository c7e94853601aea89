"""The treasury's rules, on plain values: what may be released, asked, ordered, paid and cancelled.

Sources: PP 12/2019 and Permendagri 77/2020 for the chain SPD, SPP, SPM, SP2D and the kinds of payment (UP, GU, TU, LS);
what is marked "lab" is this lab's own convention. The chain holds on every budget line, that is for every pair of
sub-activity and account of one SKPD: sum of SP2D <= sum of SPD <= DPA.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.kit.language import Text, catalogue
from services.kit.problems import FieldError, Problem
from services.world.identifiers import document_number

_ = catalogue(__file__)

DocumentType = Literal["SPD", "SPP", "SPM", "SP2D"]
PaymentKind = Literal["UP", "GU", "TU", "LS"]

DRAFT = "draft"
APPROVED = "approved"
ISSUED = "issued"
CANCELLED = "cancelled"

REGION_CODE = "76.79"
ORIGINAL_STAGE = "M"


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount, in rupiah, on one budget line."""

    line_id: str
    amount_idr: int


@dataclass(frozen=True, slots=True)
class LineState:
    """One budget line and what living documents have made of it, in rupiah.

    Attributes:
        released_idr: sum of its SPD.
        requested_idr: sum of its SPP, paid or not.
        disbursed_idr: sum of its SP2D.
    """

    key: int
    id: str
    skpd_code: str
    year: int
    budget_idr: int
    released_idr: int
    requested_idr: int
    disbursed_idr: int


@dataclass(frozen=True, slots=True)
class Paper:
    """What the rules need to know of a document."""

    key: int
    type: DocumentType
    number: str
    kind: PaymentKind | None
    skpd_code: str
    year: int
    amount_idr: int
    status: str


@dataclass(frozen=True, slots=True)
class Agency:
    """What the rules need to know of an SKPD."""

    code: str
    active: bool
    successor_code: str | None


@dataclass(frozen=True, slots=True)
class Advance:
    """An SKPD's float (uang persediaan) in one year.

    Attributes:
        request_number: number of its living SPP-UP, None before there is one.
        disbursed_idr: what its SP2D-UP paid out, 0 before there is one.
    """

    request_number: str | None
    disbursed_idr: int


def invalid(pointer: str, code: str, detail: Text) -> Problem:
    """Give the 422 for one wrong member of a request."""
    sentence = _("The request does not fit the rules of the treasury. See errors.")
    return Problem(422, "validation_failed", sentence, errors=[FieldError(pointer, code, detail)])


def document_id(type_: DocumentType, key: int) -> str:
    """Give the id under which a document is found, such as `sp2d-001234`; its number has slashes in it."""
    return f"{type_.lower()}-{key:06}"


def key_of(type_: DocumentType, id_: str) -> int | None:
    """Give the key that `document_id` made an id of, or None for any other text."""
    digits = id_.removeprefix(f"{type_.lower()}-")
    key = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else 0
    return key if document_id(type_, key) == id_ else None


def path_of(type_: DocumentType, key: int) -> str:
    """Give the address of a document."""
    return f"/v1/{type_.lower()}/{document_id(type_, key)}"


def number_of(type_: DocumentType, sequence: int, kind: PaymentKind | None, skpd_code: str, today: date) -> str:
    """Give a new document's number, by the pattern of real ones (`services.world.identifiers.document_number`).

    Args:
        sequence: of this type of document in this SKPD, from 1.
        kind: None for an SPD.
    """
    parts = document_number.DocumentNumber(
        REGION_CODE, type_, sequence, kind, skpd_code, ORIGINAL_STAGE, today.month, today.year
    )
    return document_number.compose(parts)


def require_active(agency: Agency) -> None:
    """Let only an SKPD that exists today act.

    Raises:
        Problem: 409 `skpd_inactive`, which names the successor.
    """
    if not agency.active:
        detail = _(
            "SKPD {code} was merged or renamed and issues nothing any more. Its successor is {successor}.",
            code=agency.code,
            successor=agency.successor_code or "-",
        )
        raise Problem(409, "skpd_inactive", detail)


def require_open_year(year: int, today: date) -> None:
    """Let documents be made only within their budget year.

    Raises:
        Problem: 409 `budget_year_closed`.
    """
    if year != today.year:
        detail = _("Budget year {year} is not the present one, so nothing can be booked in it.", year=year)
        raise Problem(409, "budget_year_closed", detail)


def require_lines(skpd_code: str, known: Sequence[LineState | None]) -> list[LineState]:
    """Give the states of the lines that a document's charges name, one for each and in their order.

    Args:
        known: what the store has for each charge, None for an unknown line.

    Raises:
        Problem: 422 with `unknown_line`, `line_of_other_skpd` or `line_repeated`.
    """
    found: list[LineState] = []
    seen: set[str] = set()
    for index, line in enumerate(known):
        pointer = f"#/charges/{index}/budget_line_id"
        if line is None:
            raise invalid(pointer, "unknown_line", _("There is no such budget line. See GET /v1/dpa."))
        if line.skpd_code != skpd_code:
            text = _("This budget line belongs to SKPD {code}.", code=line.skpd_code)
            raise invalid(pointer, "line_of_other_skpd", text)
        if line.id in seen:
            raise invalid(pointer, "line_repeated", _("Each budget line may stand once. Add the amounts up."))
        seen.add(line.id)
        found.append(line)
    return found


def total_requested(kind: PaymentKind, amount_idr: int | None, charges: Sequence[Charge]) -> int:
    """Give the amount of an SPP: a UP states it and charges nothing, all other kinds are the sum of their charges.

    Raises:
        Problem: 422 with `amount_missing`, `charges_not_allowed`, `charges_missing` or `amount_mismatch`.
    """
    if kind == "UP":
        if charges:
            text = _("A UP is a float: it charges no budget line. Leave charges empty.")
            raise invalid("#/charges", "charges_not_allowed", text)
        if amount_idr is None:
            raise invalid("#/amount_idr", "amount_missing", _("A UP needs its amount."))
        return amount_idr
    if not charges:
        raise invalid("#/charges", "charges_missing", _("GU, TU and LS need at least one budget line to charge."))
    total = sum(charge.amount_idr for charge in charges)
    if amount_idr not in {None, total}:
        text = _("The charges add up to {total}. Leave the amount out, or give this one.", total=total)
        raise invalid("#/amount_idr", "amount_mismatch", text)
    return total


def require_advance(kind: PaymentKind, amount_idr: int, advance: Advance) -> None:
    """Hold the kinds of payment that live from the float to their order: UP once a year, then GU up to its amount.

    Raises:
        Problem: 409 `up_already_requested`, `float_missing` or `float_exceeded`.
    """
    if kind == "UP" and advance.request_number is not None:
        detail = _("This SKPD has its UP of the year already: {number}.", number=advance.request_number)
        raise Problem(409, "up_already_requested", detail)
    if kind != "GU":
        return
    if not advance.disbursed_idr:
        raise Problem(409, "float_missing", _("A GU refills a float. This SKPD has no SP2D of kind UP yet."))
    if amount_idr > advance.disbursed_idr:
        detail = _(
            "A GU refills what was spent of the float, which is {float_idr} rupiah: it cannot ask for {amount_idr}.",
            float_idr=advance.disbursed_idr,
            amount_idr=amount_idr,
        )
        raise Problem(409, "float_exceeded", detail)


def require_within_budget(states: Sequence[LineState], charges: Sequence[Charge]) -> None:
    """Sum of SPD <= DPA, on every line.

    Raises:
        Problem: 409 `dpa_exceeded`.
    """
    over = _over(charges, [line.budget_idr - line.released_idr for line in states])
    if over:
        detail = _("The SPD would release more than the DPA holds. See errors for what is left on each line.")
        raise Problem(409, "dpa_exceeded", detail, errors=over)


def require_released(states: Sequence[LineState], charges: Sequence[Charge]) -> None:
    """An SPP asks only for what SPD have released and no other SPP has asked for.

    Raises:
        Problem: 409 `spd_exceeded`.
    """
    over = _over(charges, [line.released_idr - line.requested_idr for line in states])
    if over:
        detail = _("The SPP asks for more than the SPD leave. See errors for what is left on each line.")
        raise Problem(409, "spd_exceeded", detail, errors=over)


def require_funds(states: Sequence[LineState], charges: Sequence[Charge]) -> None:
    """Sum of SP2D <= sum of SPD, on every line: the last gate, for an SPD may have been cancelled since the SPP.

    Raises:
        Problem: 409 `spd_exceeded`.
    """
    over = _over(charges, [line.released_idr - line.disbursed_idr for line in states])
    if over:
        detail = _("The SP2D would pay more than the SPD have released. See errors for what is left on each line.")
        raise Problem(409, "spd_exceeded", detail, errors=over)


def require_withdrawable(states: Sequence[LineState], charges: Sequence[Charge]) -> None:
    """An SPD may be cancelled only while the other SPD cover what has been paid.

    Raises:
        Problem: 409 `spd_in_use`.
    """
    over = _over(charges, [line.released_idr - line.disbursed_idr for line in states])
    if over:
        detail = _("Part of this SPD has been paid out by SP2D, so it cannot be cancelled.")
        raise Problem(409, "spd_in_use", detail, errors=over)


def _over(charges: Sequence[Charge], left: Sequence[int]) -> list[FieldError]:
    return [
        FieldError(
            f"#/charges/{index}/amount_idr",
            "exceeds_remainder",
            _("{left_idr} rupiah are left on {line}.", left_idr=max(rest, 0), line=charge.line_id),
        )
        for index, (charge, rest) in enumerate(zip(charges, left, strict=True))
        if charge.amount_idr > rest
    ]


def require_approvable(spp: Paper) -> None:
    """Only a draft can be approved.

    Raises:
        Problem: 409 `spp_not_draft`.
    """
    if spp.status != DRAFT:
        detail = _("SPP {number} is no draft: it is {status}.", number=spp.number, status=spp.status)
        raise Problem(409, "spp_not_draft", detail)


def require_order(spp: Paper, existing: Paper | None) -> None:
    """An SPM needs an approved SPP that has no living SPM yet.

    Raises:
        Problem: 409 `spm_already_issued` (with `Location`) or `spp_not_approved`.
    """
    if existing is not None:
        detail = _("This SPP has its SPM already: {number}, {path}.", **_named(existing))
        raise Problem(409, "spm_already_issued", detail, headers=_pointing(existing))
    if spp.status != APPROVED:
        detail = _("SPP {number} is not approved: it is {status}.", number=spp.number, status=spp.status)
        raise Problem(409, "spp_not_approved", detail)


def require_payment(spm: Paper, existing: Paper | None) -> None:
    """An SP2D needs an SPM that is not cancelled and has no living SP2D yet.

    Raises:
        Problem: 409 `sp2d_already_issued` (with `Location`) or `spm_cancelled`.
    """
    if existing is not None:
        detail = _("This SPM has its SP2D already: {number}, {path}.", **_named(existing))
        raise Problem(409, "sp2d_already_issued", detail, headers=_pointing(existing))
    if spm.status == CANCELLED:
        detail = _("SPM {number} is cancelled, so it cannot be paid.", number=spm.number)
        raise Problem(409, "spm_cancelled", detail)


def require_cancellable(paper: Paper, successor: Paper | None) -> None:
    """A document can be cancelled once, and only before (or after the cancellation of) what rests on it.

    Raises:
        Problem: 409 `document_cancelled` or `document_in_use` (with `Location`).
    """
    if paper.status == CANCELLED:
        raise Problem(409, "document_cancelled", _("{number} is cancelled already.", number=paper.number))
    if successor is not None:
        detail = _("A later document rests on this one. Cancel that first: {number}, {path}.", **_named(successor))
        raise Problem(409, "document_in_use", detail, headers=_pointing(successor))


def require_float_unused(paper: Paper, refill: Paper | None) -> None:
    """The SP2D of a UP cannot be cancelled while a GU refills that float.

    Raises:
        Problem: 409 `document_in_use` (with `Location`).
    """
    if paper.type == "SP2D" and paper.kind == "UP" and refill is not None:
        detail = _("A later document rests on this one. Cancel that first: {number}, {path}.", **_named(refill))
        raise Problem(409, "document_in_use", detail, headers=_pointing(refill))


def _named(paper: Paper) -> dict[str, object]:
    return {"number": paper.number, "path": path_of(paper.type, paper.key)}


def _pointing(paper: Paper) -> dict[str, str]:
    return {"location": path_of(paper.type, paper.key)}


def net_of(gross_idr: int, deductions_idr: int) -> int:
    """Give what the bank pays: gross less the taxes and contributions withheld.

    Raises:
        Problem: 422 with `deductions_exceed_gross`.
    """
    if deductions_idr > gross_idr:
        text = _("The deductions are more than the SPM's amount, {gross_idr} rupiah.", gross_idr=gross_idr)
        raise invalid("#/deductions_idr", "deductions_exceed_gross", text)
    return gross_idr - deductions_idr
