"""What OSS says about a business and its permits: `dataNIB` and the `data` of `inqueryLicense`.

The fields of PIA 4.3.22 that the city has facts for; none is filled with an invented value. Dates are `YYYY-MM-DD`,
instants `YYYY-MM-DD HH:II:SS`, the investment is a string with two decimals, and region codes have no full stops here
even where the form was filled in with them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.kit.store import Record
from services.permits.identities import (
    JENIS_IZIN,
    PERMIT_NAMES,
    license_id,
    oss_id,
    permit_code,
    product_id,
    project_id,
)
from services.permits.rules import STATUSES

_CITY_AUTHORITY = "02"
_OFFICE = "DPMPTSP Kota Digital Sejahtera"
_SMALL = frozenset({"01", "02"})


def nib_data(business: Record, applications: Sequence[Record]) -> dict[str, Any]:
    """Give `dataNIB` of a business with its applications as the checklist."""
    return {
        "nib": business["nib"],
        "tgl_terbit_nib": business["issued_on"],
        "oss_id": oss_id(business["nib"], business["issued_on"]),
        "kd_daerah": _plain(business["village_code"]),
        "kewenangan": _CITY_AUTHORITY,
        "jenis_pelaku_usaha": business["actor_kind"],
        "status_penanaman_modal": business["capital_status"],
        "status_nib": business["status"],
        "flag_umk": "Y" if business["scale"] in _SMALL else "N",
        "skala_usaha": business["scale"],
        "npwp_perseroan": business["npwp_15"],
        "nama_perseroan": business["name"],
        "jenis_perseroan": business["legal_form"],
        "alamat_perseroan": business["address"],
        "perseroan_daerah_id": _plain(business["village_code"]),
        "nomor_telpon_perseroan": business["phone"],
        "email_perusahaan": business["email"],
        "penanggung_jwb": [_responsible(business)],
        "data_proyek": [_project(business)],
        "data_checklist": [_checklist(business, application) for application in applications],
    }


def license_data(application: Record, business: Record, steps: Sequence[Record]) -> dict[str, Any]:
    """Give the `data` of `inqueryLicense`; `data_status`, oldest first, is the lab's addition."""
    return {
        "oss_id": oss_id(business["nib"], business["issued_on"]),
        "nib": application["nib"],
        "id_izin": application["license_id"],
        "kd_izin": permit_code(application["kbli"], application["permit_kind"]),
        "kd_daerah": _plain(application["village_code"]),
        "kewenangan": _CITY_AUTHORITY,
        "data_proyek": [_project(business)],
        "data_checklist": [_checklist(business, application)],
        "data_status": [
            {
                "kd_status": step["status"],
                "uraian_status": STATUSES[step["status"]].name,
                "tgl_status": _moment(step["at"]),
                "keterangan": step["note"],
            }
            for step in steps
        ],
    }


def _responsible(business: Record) -> dict[str, Any]:
    return {
        "jns_identitas": "01",
        "no_identitas": business["responsible_nik"],
        "nama": business["responsible_name"],
        "jabatan": business["responsible_role"],
    }


def _project(business: Record) -> dict[str, Any]:
    return {
        "id_proyek": project_id(business["nib"], business["issued_on"]),
        "uraian_usaha": business["kbli_title"],
        "kbli": business["kbli"],
        "tahun_kbli": str(business["kbli_year"]),
        "skala_usaha": business["scale"],
        "skala_resiko": business["risk"],
        "jumlah_tki_l": business["workers_male"],
        "jumlah_tki_p": business["workers_female"],
        "jumlah_investasi": f"{business['investment_idr']}.00",
    }


def _checklist(business: Record, application: Record) -> dict[str, Any]:
    issued = license_id(application["id"], application["submitted_at"])
    return {
        "id_produk": product_id(issued),
        "id_proyek": project_id(business["nib"], business["issued_on"]),
        "id_izin": issued,
        "jenis_izin": JENIS_IZIN[application["permit_kind"]],
        "kd_izin": permit_code(application["kbli"], application["permit_kind"]),
        "kd_daerah": _plain(application["village_code"]),
        "nama_izin": PERMIT_NAMES[application["permit_kind"]],
        "instansi": _OFFICE,
        "flag_checklist": "O" if application["permit_kind"] == "nib" else "Y",
        "no_izin": application["decision_number"] or "",
    }


def _plain(village_code: str) -> str:
    return village_code.replace(".", "")


def _moment(at: str) -> str:
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S")
