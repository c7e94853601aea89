"""How SIPD itself spells what this agency holds: its row shapes, its numbers for things, its way of answering a push.

Pure: plain rows in, plain rows out. What SIPD-RI does is told in the domain notes the lab was built from: kegiatan is
"giat", a `nama_…` cell holds the code, a space and the name, numeric ids differ from year to year while codes stay,
`kode` is now a number and now a string, and an answer that says 200 may hide `ERROR:` lines in `log`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.finance import spellings
from services.kit.store import Record

REGION_ID = 7679
SCHEDULE = "Murni"
_STRAY = "\ufffd"
_STRAY_EVERY = 23
_OLD_EVERY = 11


def numeric_id(year: int, code: str) -> int:
    """Give SIPD's number for a code in one year; next year it is another."""
    return 1000 + spellings.turn(f"{year}/{code}", 8_999_000)


def cell(code: str, name: str) -> str:
    """Give the text cell "code + space + name"; some carry a stray U+FFFD, as exports do."""
    return f"{code} {_STRAY if is_stray(code) else ''}{name}"


def is_stray(code: str) -> bool:
    """Say whether the cells of this code carry the stray character."""
    return spellings.turn(f"{code}/stray", _STRAY_EVERY) == 0


def sub_activity_spelling(code: str, key: str) -> str:
    """Give a sub-activity's code, some still with the two digits of before 2024 (`….0014` as `….14`)."""
    head, _dot, last = code.rpartition(".")
    return f"{head}.{last[2:]}" if is_old_spelling(code, key) else code


def is_old_spelling(code: str, key: str) -> bool:
    """Say whether this row's sub-activity is written with two digits; one beyond 99 never is."""
    return code[-4:-2] == "00" and spellings.turn(f"{key}/old", _OLD_EVERY) == 0


def answer_code(rows: int) -> int | str:
    """Give `kode` of an answer about so many rows: a number for an even count, a string for an odd one."""
    return 200 if rows % 2 == 0 else "200"


def budget_row(line: Record, names: Mapping[str, str]) -> dict[str, Any]:
    """Give a DPA line as `/referensi/strict/dpa/penarikan/belanja` shows it.

    Args:
        names: name of every SKPD, programme, activity, sub-activity and account by its code.
    """
    year, skpd_code, sub_activity = line["year"], line["skpd_code"], line["sub_activity_code"]
    field, programme, activity = sub_activity[:4], sub_activity[:7], sub_activity[:12]
    skpd_id = numeric_id(year, skpd_code)
    shown_sub_activity = sub_activity_spelling(sub_activity, line["id"])
    return {
        "id_daerah": REGION_ID,
        "tahun": year,
        "id_unit": skpd_id,
        "id_skpd": skpd_id,
        "kode_skpd": skpd_code,
        "nama_skpd": cell(skpd_code, names[skpd_code]),
        "id_sub_skpd": skpd_id,
        "kode_sub_skpd": skpd_code,
        "nama_sub_skpd": cell(skpd_code, names[skpd_code]),
        "id_urusan": numeric_id(year, sub_activity[:1]),
        "id_bidang_urusan": numeric_id(year, field),
        "kode_bidang_urusan": field,
        "id_program": numeric_id(year, programme),
        "kode_program": programme,
        "nama_program": cell(programme, names[programme]),
        "id_giat": numeric_id(year, activity),
        "kode_giat": activity,
        "nama_giat": cell(activity, names[activity]),
        "id_sub_giat": numeric_id(year, sub_activity),
        "kode_sub_giat": shown_sub_activity,
        "nama_sub_giat": cell(shown_sub_activity, names[sub_activity]),
        "id_akun": numeric_id(year, line["account_code"]),
        "kode_akun": line["account_code"],
        "nama_akun": cell(line["account_code"], names[line["account_code"]]),
        "nilai": spellings.rupiah(line["amount_idr"], line["id"]),
        "nilai_rak": spellings.rupiah(sum(line["cash_plan_idr"]), f"{line['id']}/rak"),
        "status": "aktif",
        "id_jadwal": numeric_id(year, SCHEDULE),
    }


def payment_row(document: Record, names: Mapping[str, str]) -> dict[str, Any]:
    """Give an SP2D as an export for a spreadsheet shows it."""
    id_ = document["number"]
    gross, withheld = document["amount_idr"], document["deductions_idr"]
    return {
        "nomor_sp2d": document["number"],
        "nomor_spm": document["spm_number"],
        "tanggal_sp2d": spellings.day(date.fromisoformat(document["issued_on"]), id_),
        "skpd": cell(document["skpd_code"], names[document["skpd_code"]]),
        "jenis": document["kind"],
        "nilai_bruto": spellings.rupiah(gross, f"{id_}/gross"),
        "nilai_potongan": spellings.rupiah(withheld, f"{id_}/deductions"),
        "nilai_netto": spellings.rupiah(gross - withheld, f"{id_}/net"),
        "status": "Batal" if document["status"] == "cancelled" else "Terbit",
    }


def page_answer(rows: Sequence[Mapping[str, Any]], *, page: int, limit: int, total: int) -> dict[str, Any]:
    """Give SIPD's envelope of a page; pages count from 1."""
    return {
        "kode": answer_code(len(rows)),
        "pesan": "sukses",
        "data": rows,
        "halaman": page,
        "limit": limit,
        "jumlah_data": total,
        "jumlah_halaman": -(-total // limit),
    }


def push_answer(log: Sequence[str]) -> dict[str, Any]:
    """Give SIPD's answer to a push: it says 200 and success whatever happened; what happened is in `log`."""
    return {
        "kode": answer_code(len(log)),
        "success": True,
        "pesan": "Proses push selesai",
        "jumlah_data": len(log),
        "log": "\n".join(log),
    }
