"""What a participant's answers must say: pure comparisons of what came with what their own city has.

Every function returns nothing when all is well. The words of an error have no number or name in them, so that Locust
counts equal errors together.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from load.town import Application, Resident, Town

CROSS_TALK = "cross-talk: "
"""What the words of a `CrossTalk` begin with."""


class WrongAnswer(AssertionError):  # noqa: N818 - named by the fact
    """An agency did not answer as it must."""


class CrossTalk(WrongAnswer):
    """What came belongs to another participant."""

    def __init__(self, words: str) -> None:
        super().__init__(CROSS_TALK + words)


def own(condition: object, words: str) -> None:
    """Raises `CrossTalk` unless the condition holds."""
    if not condition:
        raise CrossTalk(words)


def right(condition: object, words: str) -> None:
    """Raises `WrongAnswer` unless the condition holds."""
    if not condition:
        raise WrongAnswer(words)


def check_token(town: Town, answer: Mapping[str, Any]) -> None:
    """A token is for this participant's client and sandbox."""
    claims = answer["access_token"].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    own(told["sub"] == town.client_id, "a token of another client")
    own(told["sandbox"] == town.sandbox, "a token for another sandbox")


def check_resident(town: Town, row: Mapping[str, Any]) -> None:
    """A resident is of this city, name and number."""
    known = town.resident.get(row["id"])
    own(known, "a resident of another city")
    if known:
        own((row["nik"], row["name"]) == (known.nik, known.name), "a resident of another city")


def check_district(town: Town, district: str, ids: Iterable[str]) -> None:
    """All pages of a district together hold each of its residents once, and nobody else."""
    wanted = sorted(one.id for one in town.residents if one.village_code.startswith(f"{district}."))
    right(sorted(ids) == wanted, "the pages of a district do not hold its residents")


def check_match(resident: Resident, content: Mapping[str, Any]) -> None:
    """The register knows a resident of this city by everything that was asked."""
    elements = ("NAMA_LGKP", "TGL_LHR", "JENIS_KLMIN")
    right("RESPONSE_CODE" not in content, "the register does not know a resident of this city")
    own(all(str(content[name]).startswith("Sesuai") for name in elements), "the register of another city answered")


def check_stranger(content: Mapping[str, Any]) -> None:
    """The register does not know another city's resident."""
    own(content.get("RESPONSE_CODE") == "13", "the register knows a resident of another city")


def check_applicant(known: Application | None, applicant: Mapping[str, Any]) -> None:
    """An application is of this city."""
    own(known, "an application of another city")
    if known:
        own((applicant["nik"], applicant["name"]) == (known.nik, known.name), "an application of another city")


def check_decision(town: Town, known: Application, answer: Mapping[str, Any]) -> None:
    """A decision was written as it was sent, in this participant's name."""
    own(answer["actor"] == town.client_id, "a decision in another client's name")
    own(answer["application_id"] == known.id, "a decision on another application")
    right((answer["status"], answer["reason_code"]) == (known.status, known.reason_code), "another decision was kept")


def check_history(town: Town, rows: Iterable[Mapping[str, Any]]) -> None:
    """Every step that is not from the city's first day was this participant's."""
    own(all(row["actor"] == town.client_id or "-" not in row["actor"] for row in rows), "another client's decision")


def check_budget(town: Town, rows: Iterable[Mapping[str, Any]]) -> None:
    """Budget lines have this city's amounts."""
    own(all(town.budget.get(row["id"]) == row["amount_idr"] for row in rows), "another city's budget")


def check_bills(town: Town, rows: Iterable[Mapping[str, Any]]) -> None:
    """Every bill was there on the first day, or bears this participant's mark."""
    for row in rows:
        own(row["id"] in town.bills or is_marked(town, row), "another participant's bill")


def is_marked(town: Town, bill: Mapping[str, Any]) -> bool:
    """Tells whether a bill was made by this participant."""
    return str(bill["description"]).partition(" #")[0] == town.participant


def decision(checklist: Iterable[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Returns the office's decision on an application that lacks a document; None where it lacks none."""
    incomplete = any(item["required"] and not item["fulfilled"] for item in checklist)
    return ("11", "documents_incomplete") if incomplete else None


_BY_CODE = {
    "15": ("93", "nik_malformed"),
    "13": ("93", "nik_unknown"),
    "11": ("93", "nik_deceased"),
    "12": ("41", "nik_duplicate"),
    "14": ("41", "nik_inactive"),
}
_BY_ELEMENT = {"NAMA_LGKP": "name_mismatch", "TGL_LHR": "birth_date_mismatch", "JENIS_KLMIN": "sex_mismatch"}


def decision_by_register(content: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the office's decision by what the register said (the table in services/permits/README.md)."""
    if "RESPONSE_CODE" in content:
        return _BY_CODE[str(content["RESPONSE_CODE"])]
    reasons = [reason for element, reason in _BY_ELEMENT.items() if not str(content[element]).startswith("Sesuai")]
    return ("41", reasons[0]) if reasons else ("45", "verified")
