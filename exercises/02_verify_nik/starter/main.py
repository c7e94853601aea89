"""Latihan 2: Verifikasi NIK. Instruksi ada di README latihan ini: exercises/02_verify_nik/README.md"""

import json
import os
import sys
from pathlib import Path

import httpx

IDENTITY_URL = os.environ["IDENTITY_URL"]
POPULATION_URL = os.environ["POPULATION_URL"]


def new_token():
    response = httpx.post(
        f"{IDENTITY_URL}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
    )
    response.raise_for_status()
    return response.json()["access_token"]


def main():
    registrants = json.loads(Path("pendaftar.json").read_text(encoding="utf-8"))
    print(f"Pendaftar: {len(registrants)}", file=sys.stderr)
    # Langkah 1: tolak yang bentuk NIK-nya salah, tanpa memanggil layanan.
    # Langkah 2: cocokkan sisanya dengan CALL_VERIFY_BY_ELEMEN.
    # Langkah 3: beri keputusan untuk setiap pendaftar.
    print(json.dumps([]))


if __name__ == "__main__":
    main()
