"""Right, with the standard library: malformed NIKs are found without a call, and a stack replaces the list."""

import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import date

token = ""


def sign_in():
    global token
    pair = base64.b64encode(f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}".encode()).decode()
    request = urllib.request.Request(
        os.environ["IDENTITY_URL"] + "/oauth2/token",
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={"Authorization": f"Basic {pair}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        token = json.load(answer)["access_token"]


def call(url, body=None, **headers):
    """Give (json, headers), or None when the service goes on failing."""
    for _ in range(5):
        request = urllib.request.Request(url, data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer), answer.headers
        except urllib.error.HTTPError as error:
            if error.code == 401:
                sign_in()
            elif error.code == 503:
                time.sleep(float(error.headers["Retry-After"]))
            else:
                raise
    return None


def malformed(nik):
    if not re.fullmatch(r"[1-9][0-9]{15}", nik) or nik[12:] == "0000":
        return True
    day = int(nik[6:8]) - 40 if int(nik[6:8]) > 40 else int(nik[6:8])
    for century in (1900, 2000):
        try:
            date(century + int(nik[10:12]), int(nik[8:10]), day)
        except ValueError:
            continue
        return False
    return True


def outcome(person):
    if malformed(person["nik"]):
        return "93", "nik_malformed"
    answer = call(
        os.environ["POPULATION_URL"] + "/dukcapil/get_json/DPMPTSP/CALL_VERIFY_BY_ELEMEN",
        {
            "TRESHOLD": "90",
            "NIK": person["nik"],
            "NAMA_LGKP": person["name"],
            "TGL_LHR": "-".join(person["birth_on"].split("-")[::-1]),
            "JENIS_KLMIN": {"L": "Laki-Laki", "P": "Perempuan"}[person["sex"]],
        },
    )
    if answer is None:
        return None
    row = answer[0]["content"][0]
    code = row.get("RESPONSE_CODE")
    if code:
        return {
            "13": ("93", "nik_unknown"),
            "11": ("93", "nik_deceased"),
            "12": ("41", "nik_duplicate"),
            "14": ("41", "nik_inactive"),
        }[code]
    if not row["NAMA_LGKP"].startswith("Sesuai"):
        return "41", "name_mismatch"
    if row["TGL_LHR"] != "Sesuai":
        return "41", "birth_date_mismatch"
    if row["JENIS_KLMIN"] != "Sesuai":
        return "41", "sex_mismatch"
    return "45", "verified"


sign_in()
permits = os.environ["PERMITS_URL"]
stack, cursor = [], None
while True:
    query = {"status": "20", "limit": "25", **({"cursor": cursor} if cursor else {})}
    page, _headers = call(f"{permits}/v1/applications?{urllib.parse.urlencode(query)}")
    stack.extend(row["id"] for row in page["data"])
    cursor = page["meta"]["cursor"]
    if not cursor:
        break
while stack:
    number = stack.pop()
    read = call(f"{permits}/v1/applications/{number}")
    checklist = call(f"{permits}/v1/applications/{number}/checklist") if read else None
    if read is None or checklist is None:
        print("lewati", number, file=sys.stderr)
        continue
    application, headers = read
    if any(item["required"] and not item["fulfilled"] for item in checklist[0]["data"]):
        decided = ("11", "documents_incomplete")
    else:
        decided = outcome(application["applicant"])
    if decided is not None:
        body = {"status": decided[0], "reason_code": decided[1], "reason": "Hasil pencocokan data kependudukan"}
        call(f"{permits}/v1/applications/{number}/decisions", body, If_Match=headers["ETag"])
