"""Latihan 3: Izin terverifikasi kependudukan.

Instruksi ada di README latihan ini: exercises/03_verified_permits/README.md
"""

import os
import sys

import httpx

IDENTITY_URL = os.environ["IDENTITY_URL"]
POPULATION_URL = os.environ["POPULATION_URL"]
PERMITS_URL = os.environ["PERMITS_URL"]


def new_token():
    response = httpx.post(
        f"{IDENTITY_URL}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]),
    )
    response.raise_for_status()
    return response.json()["access_token"]


def main():
    token = new_token()
    headers = {"Authorization": f"Bearer {token}"}
    response = httpx.get(f"{PERMITS_URL}/v1/applications", params={"status": "20"}, headers=headers)
    print(f"Permohonan pada halaman pertama: {len(response.json()['data'])}", file=sys.stderr)
    # Langkah 1: baca semua halaman antrean.
    # Langkah 2: untuk setiap permohonan, baca isinya dan daftar persyaratannya.
    # Langkah 3: cocokkan penanggung jawabnya dengan data kependudukan.
    # Langkah 4: tulis keputusan menurut aturan kantor.


if __name__ == "__main__":
    main()
