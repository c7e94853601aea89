"""Latihan 1: Kenalan dengan API. Instruksi ada di README latihan ini: exercises/01_first_api/README.md"""

import json
import os
import sys

import httpx

IDENTITY_URL = os.environ["IDENTITY_URL"]
POPULATION_URL = os.environ["POPULATION_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
DISTRICT = os.environ["DISTRICT"]
NIKS = os.environ["NIKS"].split(",")


def main():
    # Langkah 1: ambil token dari IDENTITY_URL.
    # Langkah 2: baca semua halaman penduduk kecamatan DISTRICT.
    # Langkah 3: cari setiap NIK dalam NIKS.
    print("Belum ada apa-apa di sini. Selamat mengerjakan!", file=sys.stderr)
    print(json.dumps({}))


if __name__ == "__main__":
    main()
