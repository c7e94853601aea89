"""What a simulated participant recognises as somebody else's, without any agency."""

import base64
import json

import pytest

from load import expectations
from load.expectations import CrossTalk, WrongAnswer
from load.town import Application, Resident, Town

SITI = Resident("R1", "7679904505900001", "SITI", "P", "1990-05-05", "76.79.90.1001", is_plain=True)
CASE = Application("PMH-1", SITI.nik, SITI.name, "45", "verified")
TOWN = Town("peserta-001", "kota-app", "s", (SITI,), (CASE,), {"L1": 5}, frozenset({"B1"}), ("7679904505909999",))


def token(**claims):
    """A token with these claims, unsigned."""
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {"access_token": f"e30.{middle}.x"}


OWN = {
    "token": lambda: expectations.check_token(TOWN, token(sub="kota-app", sandbox="kota")),
    "resident": lambda: expectations.check_resident(TOWN, {"id": "R1", "nik": SITI.nik, "name": "SITI"}),
    "applicant": lambda: expectations.check_applicant(CASE, {"nik": SITI.nik, "name": "SITI"}),
    "budget": lambda: expectations.check_budget(TOWN, [{"id": "L1", "amount_idr": 5}]),
    "seeded bill": lambda: expectations.check_bills(TOWN, [{"id": "B1", "description": "Kios"}]),
    "marked bill": lambda: expectations.check_bills(TOWN, [{"id": "B2", "description": "peserta-001 #3"}]),
    "stranger": lambda: expectations.check_stranger({"RESPONSE_CODE": "13"}),
    "history": lambda: expectations.check_history(TOWN, [{"actor": "oss"}, {"actor": "kota-app"}]),
}
OTHERS = {
    "client": lambda: expectations.check_token(TOWN, token(sub="lain-app", sandbox="kota")),
    "sandbox": lambda: expectations.check_token(TOWN, token(sub="kota-app", sandbox="lain")),
    "id": lambda: expectations.check_resident(TOWN, {"id": "R2", "nik": SITI.nik, "name": "SITI"}),
    "name": lambda: expectations.check_resident(TOWN, {"id": "R1", "nik": SITI.nik, "name": "SARI"}),
    "application": lambda: expectations.check_applicant(None, {"nik": SITI.nik, "name": "SITI"}),
    "applicant": lambda: expectations.check_applicant(CASE, {"nik": SITI.nik, "name": "SARI"}),
    "budget": lambda: expectations.check_budget(TOWN, [{"id": "L1", "amount_idr": 6}]),
    "bill": lambda: expectations.check_bills(TOWN, [{"id": "B2", "description": "peserta-0011 #3"}]),
    "stranger": lambda: expectations.check_stranger({"NAMA_LGKP": "Sesuai (100)"}),
    "history": lambda: expectations.check_history(TOWN, [{"actor": "lain-app"}]),
    "match": lambda: expectations.check_match(SITI, {"NAMA_LGKP": "Tidak Sesuai", "TGL_LHR": "", "JENIS_KLMIN": ""}),
}


@pytest.mark.parametrize("what", OWN)
def test_what_is_ones_own_is_accepted(what):
    """Nothing is raised."""
    OWN[what]()


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_somebody_elses_is_recognised(what):
    """Whichever part of it is another's."""
    with pytest.raises(CrossTalk, match="cross-talk: "):
        OTHERS[what]()


def test_a_district_must_be_read_whole_and_once():
    """Neither missing nor repeated residents go unnoticed."""
    expectations.check_district(TOWN, "76.79.90", ["R1"])
    for ids in ([], ["R1", "R1"], ["R2"]):
        with pytest.raises(WrongAnswer):
            expectations.check_district(TOWN, "76.79.90", ids)


@pytest.mark.parametrize(
    ("content", "decided"),
    [
        ({"RESPONSE_CODE": "12"}, ("41", "nik_duplicate")),
        ({"NAMA_LGKP": "Tidak Sesuai (40)", "TGL_LHR": "Sesuai", "JENIS_KLMIN": "Sesuai"}, ("41", "name_mismatch")),
        ({"NAMA_LGKP": "Sesuai (95)", "TGL_LHR": "Sesuai", "JENIS_KLMIN": "Sesuai"}, ("45", "verified")),
    ],
)
def test_the_offices_rule_is_applied_as_participants_must(content, decided):
    """So a decision that the truth does not expect means that another register answered."""
    assert expectations.decision_by_register(content) == decided
    assert expectations.decision([{"required": True, "fulfilled": False}]) == ("11", "documents_incomplete")
    assert expectations.decision([{"required": False, "fulfilled": False}]) is None
