"""Right, with asyncio: everybody at once, a few at a time."""

import asyncio
import json
import os
from datetime import datetime

import httpx


def has_form(nik):
    if len(nik) != 16 or set(nik) - set("0123456789") or nik.startswith("0") or nik.endswith("0000"):
        return False
    day = int(nik[6:8])
    day = day - 40 if day > 40 else day
    for century in ("19", "20"):
        try:
            datetime.strptime(f"{century}{nik[10:12]}-{nik[8:10]}-{day:02d}", "%Y-%m-%d")
        except ValueError:
            continue
        return True
    return False


REASONS = {"13": "tidak_terdaftar", "12": "ganda", "11": "meninggal", "14": "nonaktif"}
ELEMENTS = (("NAMA_LGKP", "nama"), ("TGL_LHR", "tanggal_lahir"), ("JENIS_KLMIN", "jenis_kelamin"))
REFUSED = {"format", "tidak_terdaftar", "meninggal"}


async def reason(client, gate, person):
    if not has_form(person["nik"]):
        return "format"
    body = {
        "USER_ID": "loket",
        "PASSWORD": "loket",
        "TRESHOLD": "90",
        "NIK": person["nik"],
        "NAMA_LGKP": person["nama"],
        "TGL_LHR": "-".join(reversed(person["tgl_lahir"].split("-"))),
        "JENIS_KLMIN": {"L": "Laki-Laki", "P": "Perempuan"}[person["jenis_kelamin"]],
    }
    async with gate:
        response = await client.post("/dukcapil/get_json/LOKET/CALL_VERIFY_BY_ELEMEN", json=body)
    answer = response.raise_for_status().json()["content"][0]
    if answer.get("RESPONSE_CODE"):
        return REASONS[answer["RESPONSE_CODE"]]
    return next((why for element, why in ELEMENTS if not answer[element].startswith("Sesuai")), "sesuai")


async def main():
    with open("pendaftar.json", encoding="utf-8") as file:
        people = json.load(file)
    async with httpx.AsyncClient(base_url=os.environ["POPULATION_URL"], timeout=20) as client:
        response = await client.post(
            os.environ["IDENTITY_URL"] + "/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": os.environ["CLIENT_ID"],
                "client_secret": os.environ["CLIENT_SECRET"],
            },
        )
        client.headers["Authorization"] = f"Bearer {response.raise_for_status().json()['access_token']}"
        gate = asyncio.Semaphore(8)
        reasons = await asyncio.gather(*(reason(client, gate, person) for person in people))
    rows = []
    for person, why in zip(people, reasons):
        verdict = "diterima" if why == "sesuai" else "ditolak" if why in REFUSED else "diperiksa"
        rows.append({"nomor": person["nomor"], "keputusan": verdict, "alasan": why})
    print(json.dumps(rows, indent=2))


asyncio.run(main())
