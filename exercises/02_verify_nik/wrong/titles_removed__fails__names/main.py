"""Wrong: takes titles out of the names before asking, so that the score is no longer that of the form."""

import json
import os
from datetime import date
from pathlib import Path

import httpx

BY_CODE = {
    "13": ("ditolak", "tidak_terdaftar"),
    "12": ("diperiksa", "ganda"),
    "11": ("ditolak", "meninggal"),
    "14": ("diperiksa", "nonaktif"),
}
BY_ELEMENT = {"NAMA_LGKP": "nama", "TGL_LHR": "tanggal_lahir", "JENIS_KLMIN": "jenis_kelamin"}
SEXES = {"L": "Laki-Laki", "P": "Perempuan"}


def is_well_formed(nik):
    if len(nik) != 16 or not (nik.isascii() and nik.isdigit()):
        return False
    if nik[0] == "0" or nik[12:] == "0000":
        return False
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    if day > 40:
        day -= 40
    return any(is_date(century + year, month, day) for century in (1900, 2000))


def is_date(year, month, day):
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def verify(client, registrant):
    response = client.post(
        os.environ["POPULATION_URL"] + "/dukcapil/get_json/LOKET/CALL_VERIFY_BY_ELEMEN",
        json={
            "TRESHOLD": "90",
            "NIK": registrant["nik"],
            "NAMA_LGKP": untitled(registrant["nama"]),
            "TGL_LHR": date.fromisoformat(registrant["tgl_lahir"]).strftime("%d-%m-%Y"),
            "JENIS_KLMIN": SEXES[registrant["jenis_kelamin"]],
        },
    )
    response.raise_for_status()
    return response.json()["content"][0]


def untitled(name):
    words = name.split(",")[0].split()
    return " ".join(word for word in words if not word.endswith("."))


def decide(client, registrant):
    if not is_well_formed(registrant["nik"]):
        return "ditolak", "format"
    answer = verify(client, registrant)
    if "RESPONSE_CODE" in answer:
        return BY_CODE[str(answer["RESPONSE_CODE"])]
    for element, reason in BY_ELEMENT.items():
        if not answer[element].startswith("Sesuai"):
            return "diperiksa", reason
    return "diterima", "sesuai"


def main():
    registrants = json.loads(Path("pendaftar.json").read_text(encoding="utf-8"))
    decisions = []
    with httpx.Client(timeout=10) as client:
        response = client.post(
            os.environ["IDENTITY_URL"] + "/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
        )
        response.raise_for_status()
        client.headers["Authorization"] = "Bearer " + response.json()["access_token"]
        for registrant in registrants:
            decision, reason = decide(client, registrant)
            decisions.append({"nomor": registrant["nomor"], "keputusan": decision, "alasan": reason})
    print(json.dumps(decisions))


if __name__ == "__main__":
    main()
