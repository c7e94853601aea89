"""Wrong: accepts whoever has a well-formed NIK, without asking the register."""

import json
from datetime import date
from pathlib import Path


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


def main():
    registrants = json.loads(Path("pendaftar.json").read_text(encoding="utf-8"))
    decisions = []
    for registrant in registrants:
        decision, reason = ("diterima", "sesuai") if is_well_formed(registrant["nik"]) else ("ditolak", "format")
        decisions.append({"nomor": registrant["nomor"], "keputusan": decision, "alasan": reason})
    print(json.dumps(decisions))


if __name__ == "__main__":
    main()
