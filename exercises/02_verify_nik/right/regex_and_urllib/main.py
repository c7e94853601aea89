"""Right, with a regular expression, the calendar module and urllib; backwards, several calls at once."""

import base64
import calendar
import json
import os
import re
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

NIK = re.compile(r"[1-9][0-9]{5}(?P<day>[0-9]{2})(?P<month>[0-9]{2})(?P<year>[0-9]{2})(?!0000)[0-9]{4}")


def possible(nik):
    match = NIK.fullmatch(nik)
    if match is None:
        return False
    day, month, year = (int(match[name]) for name in ("day", "month", "year"))
    if 41 <= day <= 71:
        day -= 40
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return False
    return day <= max(calendar.monthrange(century + year, month)[1] for century in (1900, 2000))


def post(url, data, headers):
    request = urllib.request.Request(url, data=data, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


pair = base64.b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()
token = post(
    os.environ["IDENTITY_URL"] + "/oauth2/token",
    urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "population:verify"}).encode(),
    {"Authorization": f"Basic {pair}"},
)["access_token"]


def decision(person):
    if not possible(person["nik"]):
        return "ditolak", "format"
    year, month, day = person["tgl_lahir"].split("-")
    elements = {
        "NIK": person["nik"],
        "NAMA_LGKP": person["nama"],
        "TGL_LHR": f"{day}-{month}-{year}",
        "JENIS_KLMIN": "Perempuan" if person["jenis_kelamin"] == "P" else "Laki-Laki",
        "TRESHOLD": 90,
    }
    url = os.environ["POPULATION_URL"] + "/dukcapil/get_json/KOMINFO/CALL_VERIFY_BY_ELEMEN"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    row = post(url, json.dumps(elements).encode(), headers)["content"][0]
    match row.get("RESPONSE_CODE"):
        case "11":
            return "ditolak", "meninggal"
        case "12":
            return "diperiksa", "ganda"
        case "13":
            return "ditolak", "tidak_terdaftar"
        case "14":
            return "diperiksa", "nonaktif"
    if row["NAMA_LGKP"].startswith("Tidak"):
        return "diperiksa", "nama"
    if row["TGL_LHR"].startswith("Tidak"):
        return "diperiksa", "tanggal_lahir"
    if row["JENIS_KLMIN"].startswith("Tidak"):
        return "diperiksa", "jenis_kelamin"
    return "diterima", "sesuai"


with open("pendaftar.json", encoding="utf-8") as file:
    people = json.load(file)[::-1]
with ThreadPoolExecutor(4) as pool:
    decisions = list(pool.map(decision, people))
print(
    json.dumps(
        [
            {"alasan": reason, "keputusan": verdict, "nomor": person["nomor"]}
            for person, (verdict, reason) in zip(people, decisions)
        ]
    )
)
