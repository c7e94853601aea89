"""The OSS dialect: envelopes, business errors in a 200, the same state."""

import re

import pytest

from services.permits import rules
from services.permits.identities import license_id, oss_id, permit_code, product_id, project_id


def post(office, method: str, body, **more):
    """Call the dialect and give the answer's JSON; the HTTP status is always 200."""
    answer = office.ask("POST", f"/oss/{method}", json=body, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pushed(office, application: str, **changes) -> dict:
    """Give an `IZINSTATUS` for an application."""
    shown = office.read(f"/v1/applications/{application}")
    body = {
        "nib": shown["nib"],
        "id_izin": shown["license_id"],
        "kd_status": "45",
        "tgl_status": "2026-11-02 09:30:00",
        "nip_status": "199001012015011001",
        "nama_status": "Petugas",
        "keterangan": "verified: Data sesuai.",
    }
    return {"IZINSTATUS": body | changes}


def test_inquery_nib_shows_the_business(office):
    """`kode` is the number 200, and the data are those of the clean API in OSS's spelling."""
    business = office.read("/v1/businesses", params={"limit": 1})["data"][0]
    shown = office.read(f"/v1/businesses/{business['nib']}")
    respon = post(office, "inqueryNIB", {"INQUERYNIB": {"nib": business["nib"]}})["responinqueryNIB"]
    assert respon["kode"] == 200
    assert type(respon["kode"]) is int
    data = respon["dataNIB"]
    assert (data["nib"], data["nama_perseroan"], data["skala_usaha"]) == (shown["nib"], shown["name"], shown["scale"])
    assert data["penanggung_jwb"][0]["no_identitas"] == shown["responsible"]["nik"]
    assert data["npwp_perseroan"] == shown["npwp_15"]
    project = data["data_proyek"][0]
    assert (project["kbli"], project["skala_resiko"]) == (shown["kbli"], shown["risk"])
    assert project["jumlah_investasi"] == f"{shown['investment_idr']}.00"
    assert project["tahun_kbli"] == str(shown["kbli_year"])
    applications = office.read("/v1/applications", params={"nib": shown["nib"]})["data"]
    assert len(data["data_checklist"]) == len(applications) > 0


def test_region_codes_have_no_dots_in_the_dialect(office):
    """`kd_daerah` is undotted, however the form was filled in."""
    typed = set()
    for business in office.read("/v1/businesses", params={"limit": 20})["data"]:
        data = post(office, "inqueryNIB", {"INQUERYNIB": {"nib": business["nib"]}})["responinqueryNIB"]["dataNIB"]
        assert re.fullmatch(r"7679[0-9]{6}", data["kd_daerah"])
        typed.add("." in office.read(f"/v1/businesses/{business['nib']}")["village_code"])
    assert typed == {True, False}


@pytest.mark.parametrize(("nib", "kode"), [("0000000000000", "404"), ("123", "400"), ("", "400"), ("١٢٣", "400")])
def test_an_unknown_nib_is_an_error_inside_a_200(office, nib, kode):
    """The HTTP status says 200, `kode` is a string, and there is no data."""
    respon = post(office, "inqueryNIB", {"INQUERYNIB": {"nib": nib}})["responinqueryNIB"]
    assert respon["kode"] == kode
    assert respon["keterangan"]
    assert respon["dataNIB"] == {}


def test_inquery_license_lists_the_statuses(office):
    """The envelope is another one, `code` is a number, and the statuses are the history."""
    application = office.at_status("50")
    shown = office.read(f"/v1/applications/{application}")
    answer = post(office, "inqueryLicense", {"INQUERYLICENSE": {"id_izin": shown["license_id"]}})["dataLicense"]
    assert (answer["success"], answer["code"], answer["meta"]) == (True, 200, None)
    data = answer["data"]
    history = office.read(f"/v1/applications/{application}/history")["data"]
    assert [step["kd_status"] for step in data["data_status"]] == [step["status"] for step in history]
    assert data["data_status"][0]["tgl_status"] == history[0]["at"][:19].replace("T", " ")
    assert data["data_checklist"][0]["no_izin"] == shown["decision_number"]


def test_check_license_status_says_the_present_status(office):
    """The root member has OSS's own other name, and `kode` is a string."""
    application = office.waiting("ok")
    body = {"CHECKLICENSESTATUS": {"id_izin": office.read(f"/v1/applications/{application}")["license_id"]}}
    respon = post(office, "checkLicenseStatus", body)["responsecheckStatusLicense"]
    assert respon["kode"] == "200"
    assert (respon["dataIZIN"]["kd_status"], respon["dataIZIN"]["uraian_status"]) == ("20", "Validasi")


def test_an_unknown_license_is_an_error_inside_a_200(office):
    """Both envelopes say 404 in their own way."""
    unknown = {"id_izin": "I-00000000000000000000000"}
    answer = post(office, "inqueryLicense", {"INQUERYLICENSE": unknown})["dataLicense"]
    assert (answer["success"], answer["code"], answer["data"]) == (False, 404, None)
    assert answer["meta"][0]["field"] == "id_izin"
    respon = post(office, "checkLicenseStatus", {"CHECKLICENSESTATUS": unknown})["responsecheckStatusLicense"]
    assert (respon["kode"], respon["dataIZIN"]) == (404, {"id_izin": ""})


def test_a_pushed_status_is_a_decision(office):
    """It shows in the clean API with its reason, its sentence and who pushed it; the tag has changed."""
    application = office.waiting("ok")
    tag = office.tag(application)
    body = pushed(office, application)
    respon = post(office, "receiveLicenseStatus", body, client="daerah")["responreceiveLicenseStatus"]
    assert respon == {"kode": "200", "keterangan": "Sukses", "dataNIB": {}}
    last = office.read(f"/v1/applications/{application}/history")["data"][-1]
    assert (last["status"], last["reason_code"], last["note"]) == ("45", "verified", "Data sesuai.")
    assert last["actor"] == "uji1-daerah"
    assert office.tag(application) != tag
    late = office.decide(application, "41", "name_mismatch", headers={"if-match": tag})
    office.problem(late, 412, "precondition_failed")


def test_a_status_pushed_twice_is_written_once(office):
    """The second push succeeds and changes nothing."""
    application = office.waiting("ok")
    body = pushed(office, application)
    for _ in range(2):
        assert post(office, "receiveLicenseStatus", body)["responreceiveLicenseStatus"]["kode"] == "200"
    assert next(seen["decisions"] for seen in office.truth("applications") if seen["id"] == application) == 1


@pytest.mark.parametrize(
    ("changes", "kode", "says"),
    [
        ({"kd_status": "50", "keterangan": "Disetujui."}, 500, "11, 41, 45, 93"),
        ({"kd_status": "93", "keterangan": "Ditolak."}, 400, "nik_unknown"),
        ({"kd_status": "93", "keterangan": "verified: Data sesuai."}, 400, "nik_unknown"),
        ({"kd_status": "58"}, 400, "Lampiran 10"),
        ({"tgl_status": "02-11-2026"}, 400, "YYYY-MM-DD"),
        ({"nib": "0000000000000"}, 400, "NIB"),
        ({"id_izin": "I-00000000000000000000000"}, 404, ""),
    ],
)
def test_a_push_that_cannot_be_is_an_error_inside_a_200(office, changes, kode, says):
    """`kode` is a number, the sentence helps, and nothing is written."""
    application = office.waiting("ok")
    body = pushed(office, application, **changes)
    respon = post(office, "receiveLicenseStatus", body)["responreceiveLicenseStatus"]
    assert respon["kode"] == kode
    assert type(respon["kode"]) is int
    assert says in respon["keterangan"]
    assert application in office.truth("queue")


def test_statuses_that_arrive_out_of_order_are_refused_until_it_is_their_turn(office):
    """50 before 45 is 500 in a 200; pushed in order both pass."""
    application = office.waiting("ok")
    turns = [("50", 500), ("45", "200"), ("50", 500), ("49", "200"), ("50", "200")]
    for status, kode in turns:
        text = "verified: Sesuai." if status == "45" else "Diproses."
        body = pushed(office, application, kd_status=status, keterangan=text)
        assert post(office, "receiveLicenseStatus", body)["responreceiveLicenseStatus"]["kode"] == kode, status


def test_a_status_without_reasons_keeps_the_whole_sentence(office):
    """Where no reason is due, a colon in `keterangan` is just a colon."""
    application = office.at_status("45")
    body = pushed(office, application, kd_status="40", keterangan="verified: besok jam 10")
    assert post(office, "receiveLicenseStatus", body)["responreceiveLicenseStatus"]["kode"] == "200"
    last = office.read(f"/v1/applications/{application}/history")["data"][-1]
    assert (last["reason_code"], last["note"]) == (None, "verified: besok jam 10")


def test_methods_that_are_not_played_do_not_exist(office):
    """Every other method answers 404 in its own envelope, again in a 200."""
    assert post(office, "fetchNIB", {})["responfetchNIB"]["kode"] == "404"
    assert post(office, "rekonNIB", ["anything"])["responrekonNIB"]["kode"] == "404"


@pytest.mark.parametrize(
    "body", [{}, {"INQUERYNIB": {}}, {"INQUERYNIB": {"nib": 1}}, {"inquerynib": {"nib": "1"}}, [], "x"]
)
def test_what_is_no_envelope_is_refused_by_the_gateway(office, body):
    """A body of another shape gets a problem, not an envelope."""
    office.problem(office.ask("POST", "/oss/inqueryNIB", json=body), 422, "validation_failed")


def test_pushing_needs_the_deciding_scope(office):
    """`permits:read` may inquire, not push."""
    body = pushed(office, office.waiting("ok"))
    answer = office.ask("POST", "/oss/receiveLicenseStatus", json=body, scope="permits:read")
    office.problem(answer, 403, "insufficient_scope")


def test_sentences_follow_the_language(office):
    """Indonesian unless English is asked for."""
    body = {"INQUERYNIB": {"nib": "0000000000000"}}
    assert post(office, "inqueryNIB", body)["responinqueryNIB"]["keterangan"].startswith("Tidak ada")
    english = post(office, "inqueryNIB", body, headers={"accept-language": "en"})
    assert english["responinqueryNIB"]["keterangan"] == "There is no business with this NIB. Check the 13 digits."


def test_the_codes_of_oss_have_their_lengths():
    """25 characters for identities, 12 for a permit's code, whatever they are made from."""
    issued = license_id("PMH-000123", "2026-10-21T09:05:07+08:00")
    assert issued == "I-20261021090507000000123"
    for identity in (
        issued,
        license_id("PMH-1234567", "2026-10-21T09:05:07+08:00"),
        product_id(issued),
        oss_id("0211269000001", "2026-11-02"),
        project_id("0211269000001", "2026-11-02"),
    ):
        assert len(identity) == 25
    assert {len(permit_code("56101", kind)) for kind in ("nib", "standard_certificate", "permit")} == {12}


def test_every_license_id_is_found_again(office):
    """The identity in the dialect leads back to the application it came from."""
    for row in office.read("/v1/applications", params={"limit": 15})["data"]:
        issued = office.read(f"/v1/applications/{row['id']}")["license_id"]
        body = {"CHECKLICENSESTATUS": {"id_izin": issued}}
        data = post(office, "checkLicenseStatus", body)["responsecheckStatusLicense"]["dataIZIN"]
        assert (data["id_izin"], data["nib"], data["kd_status"]) == (issued, row["nib"], row["status"])
        assert data["uraian_status"] == rules.STATUSES[row["status"]].name
