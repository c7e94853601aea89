"""The SIPD dialect: pages with messy cells, and a push that always says 200."""

import httpx
from finance_city import KOMINFO, LINE_A, WAITING_NUMBER, City

from services.finance import spellings

GOOD = {"nomor_spm": WAITING_NUMBER, "tanggal_sp2d": "2 November 2026", "nilai_bruto": "Rp 200.000.000"}


def push(city: City, *rows: dict[str, str]) -> httpx.Response:
    return city.post("/sipd/push/sp2d", {"data": list(rows)})


def lines_of(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    assert body["pesan"] == "Proses push selesai"
    return body["log"].split("\n")


def test_a_push_issues_the_sp2d_that_the_clean_api_shows(tiny: City):
    (line,) = lines_of(push(tiny, GOOD | {"nilai_potongan": "22.000.000,00"}))
    assert line.startswith("INFO: row 1: SP2D ")
    issued = tiny.get("/v1/sp2d", status="issued").json()["content"][-1]
    assert issued["number"] in line
    assert (issued["gross_idr"], issued["net_idr"]) == (200_000_000, 178_000_000)


def test_refused_rows_hide_in_the_log_of_a_200_and_the_others_stand(tiny: City):
    log = lines_of(
        push(
            tiny,
            GOOD | {"nilai_bruto": "Rp 200 Jt"},
            GOOD,
            GOOD,
            GOOD | {"nomor_spm": "76.79/03.0/000009/LS/2.16.2.20.2.21.01.0000/M/10/2026"},
            GOOD | {"nomor_spm": "tidak ada"},
            GOOD | {"tanggal_sp2d": "1/11/2026"},
            GOOD | {"tanggal_sp2d": "kemarin\nINFO: row 9: palsu"},
            GOOD | {"nilai_bruto": "200.000.001"},
            GOOD | {"nilai_potongan": "Rp 200.000.001"},
        )
    )
    codes = [line.partition("[")[2].partition("]")[0] if line.startswith("ERROR:") else "ok" for line in log]
    assert codes == [
        "amount_unreadable", "ok", "sp2d_already_issued", "unknown_spm", "unknown_spm", "date_not_today",
        "date_unreadable", "amount_mismatch", "sp2d_already_issued",
    ]  # fmt: skip
    assert len(tiny.get("/v1/sp2d", status="issued").json()["content"]) == 3


def test_a_push_twice_pays_once(tiny: City):
    assert lines_of(push(tiny, GOOD))[0].startswith("INFO:")
    assert "sp2d_already_issued" in lines_of(push(tiny, GOOD))[0]


def test_kode_is_now_a_number_and_now_a_string(tiny: City):
    assert push(tiny, GOOD).json()["kode"] == "200"
    assert push(tiny, GOOD, GOOD).json()["kode"] == 200


def test_the_log_speaks_indonesian_by_default(tiny: City):
    answer = tiny.call("POST", "/sipd/push/sp2d", json={"data": [GOOD]}, headers={"accept-language": ""})
    assert answer.json()["log"].startswith("INFO: baris 1: SP2D ")


def test_what_is_no_push_at_all_is_refused_plainly(tiny: City):
    assert tiny.post("/sipd/push/sp2d", {"data": []}).status_code == 422
    assert push(tiny, GOOD | {"nomor": "x"}).status_code == 422
    assert push(tiny, *[GOOD] * 101).status_code == 422


def test_rows_hold_code_and_name_in_one_cell_and_money_as_text(quiet: City):
    answer = quiet.get("/sipd/referensi/strict/dpa/penarikan/belanja", limit=1).json()
    assert (answer["halaman"], answer["jumlah_data"], answer["jumlah_halaman"]) == (1, 3, 3)
    (row,) = answer["data"]
    assert row["kode_skpd"] == KOMINFO
    assert row["nama_skpd"][:23] == f"{KOMINFO} "
    assert spellings.read_rupiah(row["nilai"]) == quiet.get(f"/v1/dpa/{LINE_A}").json()["amount_idr"]
    assert spellings.read_rupiah(row["nilai_rak"]) == 3_000_000_000
    last = quiet.get("/sipd/referensi/strict/dpa/penarikan/belanja", limit=1, page=3).json()
    assert last["data"][0]["kode_skpd"] != KOMINFO
    assert quiet.get("/sipd/referensi/strict/dpa/penarikan/belanja", page=2).json()["data"] == []
    assert quiet.get("/sipd/referensi/strict/dpa/penarikan/belanja", page=0).status_code == 422


def test_one_skpd_is_asked_for_by_its_number_of_the_year(quiet: City):
    row = quiet.get("/sipd/referensi/strict/dpa/penarikan/belanja").json()["data"][0]
    of_one = quiet.get(f"/sipd/referensi/strict/dpa/penarikan/belanja/skpd/{row['id_skpd']}").json()
    assert {line["kode_skpd"] for line in of_one["data"]} == {KOMINFO}
    assert of_one["jumlah_data"] == 2


def test_the_register_tells_the_same_as_the_clean_api(quiet: City):
    rows = quiet.get("/sipd/ekspor/sp2d", limit=100).json()["data"]
    clean = quiet.get("/v1/sp2d", size=100).json()["content"]
    assert [row["nomor_sp2d"] for row in rows] == [document["number"] for document in clean]
    for row, document in zip(rows, clean, strict=True):
        assert spellings.read_rupiah(row["nilai_bruto"]) == document["gross_idr"]
        assert spellings.read_rupiah(row["nilai_netto"]) == document["net_idr"]
        assert spellings.read_day(row["tanggal_sp2d"]).isoformat() == document["issued_on"]
        assert (row["status"] == "Batal") == (document["status"] == "cancelled")
