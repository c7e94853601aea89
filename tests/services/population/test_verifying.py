"""Verifying data, through the clean API and through the Dukcapil dialect, over the same records."""

import pytest

from services.population.rules import DAILY_VERIFICATIONS, day_first
from services.world.names import THRESHOLD

DIALECT = "/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN"
CALL_NIK = "/dukcapil/get_json/DPMPTSP/CALL_NIK"
TROUBLE = {
    "duplicate_nik": ("12", 409, "duplicate_nik"),
    "deceased_active_elsewhere": ("11", 409, "resident_deceased"),
    "non_active": ("14", 409, "resident_non_active"),
}
SEXES = {"L": "Laki-Laki", "P": "Perempuan"}
UNKNOWN, MALFORMED = "7679904101909999", "7679903002900001"


def applicants(registry, trouble):
    """What was typed into the waiting applications of one kind, with their truth."""
    typed = {application.id: application.applicant for application in registry.world.applications}
    return [
        (typed[truth.application_id], truth) for truth in registry.world.truth.applications if truth.trouble == trouble
    ]


def asked(applicant):
    """An application as the dialect asks about it."""
    return {
        "NAMA_LGKP": applicant.name,
        "TGL_LHR": day_first(str(applicant.birth_on)),
        "JENIS_KLMIN": SEXES[applicant.sex],
    }


def test_right_data_match(registry):
    """Every element, clean."""
    one = registry.plain()
    answer = registry.verify(
        one.nik,
        kk=one.kk,
        name=one.name.title(),
        sex=one.sex,
        birth_place=one.birth_place,
        birth_on=str(one.birth_on),
        marital_status=one.marital_status,
        occupation=one.occupation.lower(),
        address=one.address,
        village_code=one.village_code.replace(".", ""),
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["all_match"] is True
    assert body["threshold"] == THRESHOLD
    scores = {result["element"]: result["score"] for result in body["results"]}
    assert scores == {
        "kk": None,
        "name": 100,
        "sex": None,
        "birth_place": 100,
        "birth_on": None,
        "marital_status": None,
        "occupation": None,
        "address": 100,
        "village_code": None,
    }


def test_wrong_data_do_not_match_and_are_not_corrected(registry):
    """The answer never says what would have been right."""
    one = registry.plain()
    answer = registry.verify(
        one.nik, name="ZZZ", birth_on="1900-01-01", kk="1", village_code="nonsense", address="ZZZ", birth_place="ZZZ"
    )
    body = answer.json()
    assert body["all_match"] is False
    assert [result["match"] for result in body["results"]] == [False] * 6
    for fact in (one.name, str(one.birth_on), one.kk, one.address, one.birth_place):
        assert fact not in answer.text


def test_the_threshold_decides_about_texts_only(registry):
    """At 0 every text matches, and a wrong date still does not."""
    one = registry.plain()
    results = registry.verify(one.nik, threshold=0, name="?", birth_on="1900-01-01").json()["results"]
    assert [result["match"] for result in results] == [True, False]


@pytest.mark.parametrize("trouble", TROUBLE)
def test_what_cannot_be_verified_is_told_in_both_faces(registry, trouble):
    """A status in one, a RESPONSE_CODE in the other."""
    response_code, status, code = TROUBLE[trouble]
    nik = registry.nik_with(trouble)
    said = registry.said(nik, NAMA_LGKP="X")
    assert said["RESPONSE_CODE"] == response_code
    assert said.keys() == {"RESPONSE_CODE", "RESPON"}
    answer = registry.verify(nik, name="X")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_unknown_and_malformed_numbers_are_told_apart(registry):
    """13 and 15, 404 and 422."""
    assert registry.said(UNKNOWN) == {
        "RESPONSE_CODE": "13",
        "RESPON": "Data Tidak Ditemukan, NIK tidak terdapat di database Kependudukan",
    }
    assert registry.said(MALFORMED) == {
        "RESPONSE_CODE": "15",
        "RESPON": "Data Tidak Ditemukan, NIK tidak sesuai format Dukcapil",
    }
    assert registry.verify(UNKNOWN, name="X").json()["code"] == "resident_not_found"
    malformed = registry.verify(MALFORMED, name="X").json()
    assert malformed["code"] == "nik_malformed"
    assert malformed["errors"][0]["pointer"] == "#/nik"


@pytest.mark.parametrize("nik", ["", " ", "12", "76799041019000010", "x" * 64, "'; DROP TABLE residents; --", "１２"])  # noqa: RUF001 - full-width digits on purpose
def test_whatever_is_no_nik_is_15(registry, nik):
    """However it looks."""
    assert registry.said(nik)["RESPONSE_CODE"] == "15"


def test_the_dialect_answers_in_its_envelope(registry):
    """A Spring-like page of one row, with the quota."""
    one = registry.plain()
    answer = registry.dialect(one.nik, NAMA_LGKP=one.name)
    assert answer == {
        "content": [{"NIK": "Sesuai", "NAMA_LGKP": "Sesuai (100)"}],
        "lastPage": True,
        "firstPage": True,
        "number": 0,
        "size": 1,
        "numberOfElements": 1,
        "totalElements": 1,
        "sort": None,
        "quotaLimiter": DAILY_VERIFICATIONS - 1,
    }


def test_right_data_match_in_the_dialect(registry):
    """Every element, as the real service has it: text with a score, codes without."""
    one = registry.plain()
    names = {region.code: region.name for region in registry.world.regions}
    province, city, district, village = one.village_code.split(".")
    said = registry.said(
        one.nik,
        TRESHOLD="90",
        USER_ID="X",
        PASSWORD="Y",
        IP_USER="10.0.0.1",
        NO_KK=one.kk,
        NAMA_LGKP=one.name.lower(),
        TMPT_LHR=one.birth_place,
        TGL_LHR=day_first(str(one.birth_on)),
        JENIS_KLMIN=SEXES[one.sex],
        STATUS_KAWIN=one.marital_status,
        JENIS_PKRJN=one.occupation,
        ALAMAT=one.address,
        NO_RT=str(int(one.rt)),
        NO_RW=one.rw,
        PROP_NAME="Sulawesi Barat",
        KAB_NAME="Kota Digital Sejahtera",
        KEC_NAME=names[one.village_code[:8]],
        KEL_NAME=names[one.village_code],
        NO_PROP=province,
        NO_KAB=city,
        NO_KEC=district,
        NO_KEL=village,
    )
    texts = {"NAMA_LGKP", "TMPT_LHR", "ALAMAT"}
    assert len(said) == 19
    assert said == {name: "Sesuai (100)" if name in texts else "Sesuai" for name in said}


def test_elements_that_are_not_asked_are_not_answered(registry):
    """Null is as absent."""
    assert registry.said(registry.plain().nik, NAMA_LGKP=None).keys() == {"NIK"}


@pytest.mark.parametrize("threshold", ["0", 0, "50", 50, 50.0], ids=repr)
def test_the_threshold_may_be_text_or_number(registry, threshold):
    """Its name is TRESHOLD."""
    one = registry.plain()
    half = one.name[: -(-len(one.name) * 6 // 10)]
    assert registry.said(one.nik, NAMA_LGKP=half, TRESHOLD=threshold)["NAMA_LGKP"].startswith("Sesuai (")
    assert registry.said(one.nik, NAMA_LGKP=half)["NAMA_LGKP"].startswith("Tidak Sesuai (")


@pytest.mark.parametrize("trouble", ["ok", "moved_domicile", "name_minor"])
def test_legitimate_applicants_are_confirmed(registry, trouble):
    """Moved people and small misspellings included: all that was typed matches."""
    found = applicants(registry, trouble)
    assert len(found) >= 2
    for applicant, truth in found:
        said = registry.said(applicant.nik, **asked(applicant))
        assert said["NAMA_LGKP"] == f"Sesuai ({truth.name_score})"
        assert (said["TGL_LHR"], said["JENIS_KLMIN"]) == ("Sesuai", "Sesuai")


def test_planted_names_fall_on_both_sides_of_the_threshold(registry):
    """Every planted way to misspell a name is decided one way, with the score that the truth states."""
    outcomes = {}
    for trouble in ("name_minor", "name_major"):
        for applicant, truth in applicants(registry, trouble):
            said = registry.said(applicant.nik, **asked(applicant))["NAMA_LGKP"]
            matches = trouble == "name_minor"
            assert said == f"{'Sesuai' if matches else 'Tidak Sesuai'} ({truth.name_score})"
            outcomes.setdefault(truth.detail, set()).add(matches)
            results = registry.verify(applicant.nik, name=applicant.name).json()["results"]
            assert (results[0]["match"], results[0]["score"]) == (matches, truth.name_score)
    assert {True} in outcomes.values()
    assert {False} in outcomes.values()
    assert {"titles", "muh_for_muhammad"} & outcomes.keys()


@pytest.mark.parametrize(("trouble", "element"), [("birth_date_mismatch", "TGL_LHR"), ("sex_mismatch", "JENIS_KLMIN")])
def test_planted_mismatches_are_found(registry, trouble, element):
    """Only the element that was typed wrongly is refused."""
    for applicant, _truth in applicants(registry, trouble):
        said = registry.said(applicant.nik, **asked(applicant))
        assert [name for name, word in said.items() if word.startswith("Tidak")] == [element]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [("deceased", "11"), ("duplicate_nik", "12"), ("unknown_nik", "13"), ("non_active", "14"), ("malformed_nik", "15")],
)
def test_planted_numbers_meet_their_obstacle(registry, trouble, code):
    """All five business errors occur among the waiting applications."""
    found = applicants(registry, trouble)
    assert len(found) >= 2
    assert {registry.said(applicant.nik, **asked(applicant))["RESPONSE_CODE"] for applicant, _truth in found} == {code}


def test_the_record_counts_and_not_the_number(registry):
    """Where birth date or sex contradict the NIK, the registered ones match."""
    for trouble in ("birth_date_contradicts_nik", "sex_contradicts_nik"):
        one = registry.world.resident(registry.world.truth.residents[trouble][0])
        said = registry.said(one.nik, TGL_LHR=day_first(str(one.birth_on)), JENIS_KLMIN=SEXES[one.sex])
        assert set(said.values()) == {"Sesuai"}


def test_whole_records_are_for_those_who_may_read(registry):
    """CALL_NIK needs the other scope."""
    one = registry.plain()
    refused = registry.ask("POST", CALL_NIK, json={"NIK": one.nik}, scope="population:verify")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    (record,) = registry.dialect(one.nik, path=CALL_NIK, scope="population:read")["content"]
    assert len(record) == 30
    assert record["NAMA_LGKP"] == one.name
    assert record["TGL_LHR"] == one.birth_on.strftime("%d-%m-%Y")
    assert (record["NO_PROP"], record["NO_KAB"]) == ("76", "79")
    assert all(value is None or isinstance(value, str) for value in record.values())


@pytest.mark.parametrize("trouble", TROUBLE)
def test_whole_records_meet_the_same_obstacles(registry, trouble):
    """Nothing of a record that cannot be verified is shown."""
    content = registry.dialect(registry.nik_with(trouble), path=CALL_NIK, scope="population:read")["content"]
    assert content[0]["RESPONSE_CODE"] == TROUBLE[trouble][0]
    assert content[0].keys() == {"RESPONSE_CODE", "RESPON"}


def test_every_question_to_the_dialect_uses_quota(registry):
    """The refused ones too; of the clean API only answers do."""
    one = registry.plain()
    left = [registry.dialect(nik)["quotaLimiter"] for nik in (one.nik, UNKNOWN, MALFORMED)]
    assert left == [DAILY_VERIFICATIONS - 1, DAILY_VERIFICATIONS - 2, DAILY_VERIFICATIONS - 3]
    assert registry.verify(UNKNOWN, name="X").status_code == 404
    assert registry.verify(one.nik, name="X").json()["quota_left"] == DAILY_VERIFICATIONS - 4
    assert registry.truth("quota") == [{"day": "2026-11-02", "used": 4, "left": DAILY_VERIFICATIONS - 4}]


def test_reading_uses_no_quota(registry):
    """It is counted for verifications alone."""
    registry.read("/v1/residents?limit=1")
    assert registry.truth("quota") == []


def test_an_empty_quota_closes_both_faces_until_midnight(registry, monkeypatch):
    """05 inside HTTP 200, 429 with Retry-After; the next day of the sandbox clock brings it back."""
    monkeypatch.setattr("services.population.registry.DAILY_VERIFICATIONS", 1)
    one = registry.plain()
    assert registry.dialect(one.nik)["quotaLimiter"] == 0
    closed = registry.dialect(one.nik, NAMA_LGKP=one.name)
    assert closed["content"] == [{"RESPONSE_CODE": "05", "RESPON": "Kuota akses hari ini telah habis"}]
    assert closed["quotaLimiter"] == 0
    refused = registry.verify(one.nik, name=one.name)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exhausted")
    wait = int(refused.headers["retry-after"])
    assert wait == 16 * 3600
    registry.back("PATCH", "/clock", json={"advance_seconds": wait - 1})
    assert registry.verify(one.nik, name=one.name).status_code == 429
    registry.back("PATCH", "/clock", json={"advance_seconds": 1})
    assert registry.verify(one.nik, name=one.name).json()["quota_left"] == 0
    assert [(day["day"], day["used"]) for day in registry.truth("quota")] == [("2026-11-02", 1), ("2026-11-03", 1)]


def test_a_reset_gives_the_quota_back(registry):
    """As everything else."""
    one = registry.plain()
    registry.dialect(one.nik)
    assert registry.back("POST", "/reset").status_code == 204
    assert registry.dialect(one.nik)["quotaLimiter"] == DAILY_VERIFICATIONS - 1


def test_a_repeated_question_with_its_key_is_counted_once(registry):
    """An Idempotency-Key brings the first answer back."""
    one = registry.plain()
    headers = {"idempotency-key": "satu"}
    answers = [registry.ask("POST", DIALECT, json={"NIK": one.nik}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert registry.truth("quota")[0]["used"] == 1


@pytest.mark.parametrize("path", [DIALECT, "/v1/verifications"])
def test_verifying_needs_its_scope(registry, path):
    """Who may read may not verify in an agency's name."""
    body = {"NIK": UNKNOWN} if path == DIALECT else {"nik": UNKNOWN, "name": "X"}
    answer = registry.ask("POST", path, json=body, scope="population:read")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("path", "body", "pointer", "code"),
    [
        (DIALECT, {}, "#/NIK", "missing"),
        (DIALECT, {"NIK": 7679904101900001}, "#/NIK", "wrong_type"),
        (DIALECT, {"NIK": "1" * 65}, "#/NIK", "too_long"),
        (DIALECT, {"NIK": "1", "THRESHOLD": "90"}, "#/THRESHOLD", "unknown_member"),
        (DIALECT, {"NIK": "1", "NAMA_LGKP": ["A"]}, "#/NAMA_LGKP", "wrong_type"),
        (DIALECT, {"NIK": "1", "NAMA_LGKP": "A" * 151}, "#/NAMA_LGKP", "too_long"),
        ("/v1/verifications", {"name": "A"}, "#/nik", "missing"),
        ("/v1/verifications", {"nik": "1"}, "#", "missing"),
        ("/v1/verifications", {"nik": "1", "name": None}, "#", "missing"),
        ("/v1/verifications", {"nik": "1", "sex": "X"}, "#/sex", "not_allowed"),
        ("/v1/verifications", {"nik": "1", "birth_on": "31-01-1990"}, "#/birth_on", "wrong_form"),
        ("/v1/verifications", {"nik": "1", "birth_on": "654739200"}, "#/birth_on", "wrong_form"),
        ("/v1/verifications", {"nik": "1", "birth_on": "1990-10-01T00:00:00"}, "#/birth_on", "wrong_form"),
        ("/v1/verifications", {"nik": "1", "birth_on": "1990-02-30"}, "#/birth_on", "wrong_form"),
        ("/v1/verifications", {"nik": "1", "birth_on": 654739200}, "#/birth_on", "wrong_type"),
        ("/v1/verifications", {"nik": "1", "birth_on": 654739200.0}, "#/birth_on", "wrong_type"),
        ("/v1/verifications", {"nik": "1", "sex": 1}, "#/sex", "wrong_type"),
        ("/v1/verifications", {"nik": "1", "name": "A", "threshold": 101}, "#/threshold", "out_of_range"),
        ("/v1/verifications", {"nik": "1", "name": "A", "nama": "A"}, "#/nama", "unknown_member"),
    ],
)
def test_bodies_that_do_not_fit_are_refused_by_the_gateway(registry, path, body, pointer, code):
    """422 with the member and what is wrong with it; no quota is used."""
    answer = registry.ask("POST", path, json=body)
    assert answer.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert registry.truth("quota") == []


@pytest.mark.parametrize("threshold", ["101", "-1", "090", "ninety", "", 101, -1, 50.5, True, None], ids=repr)
def test_thresholds_out_of_range_are_refused(registry, threshold):
    """0 to 100, as text or number."""
    assert registry.ask("POST", DIALECT, json={"NIK": "1", "TRESHOLD": threshold}).status_code == 422


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b'{"NIK": "\\ud800"}', 400),
        (b'{"NIK": "\\u0000"}', 400),
        (b"[" * 100_000, 400),
        (b"x" * 2**21, 413),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(registry, content, status):
    """Broken JSON, half characters, NUL, endless nesting and size."""
    answer = registry.ask("POST", DIALECT, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert registry.truth("quota") == []


@pytest.mark.parametrize("lembaga", ["x", "a" * 41, "DPM-PTSP", "..%2f", "DPM%20PTSP"])
def test_odd_names_of_agencies_are_refused(registry, lembaga):
    """4xx, and nothing is counted."""
    answer = registry.ask("POST", DIALECT.replace("DPMPTSP", lembaga), json={"NIK": "1"})
    assert 400 <= answer.status_code < 500
    assert registry.truth("quota") == []


def test_passwords_in_the_body_do_not_reach_the_journal(registry):
    """They are no secret, but someone may put one there."""
    registry.dialect(UNKNOWN, PASSWORD="sangat-rahasia")
    (entry,) = registry.back("GET", "/journal").json()["data"]
    assert "sangat-rahasia" not in entry["request_body"]
    assert entry["committed"] is True
