"""The identities that OSS gives beside a NIB: 25 characters each, 12 for a permit's code (PIA 4.3.22).

Their inner form is the lab's: each is made from what it identifies, so nothing has to be looked up to know one.
"""

from collections.abc import Mapping

_ID_DIGITS = 9

JENIS_IZIN: Mapping[str, str] = {"nib": "01", "permit": "02", "standard_certificate": "04"}
"""OSS jenis izin by the kind of permit: 01 izin dasar, 02 izin, 04 sertifikat standar."""

PERMIT_NAMES: Mapping[str, str] = {"nib": "NIB", "standard_certificate": "Sertifikat Standar", "permit": "Izin"}


def oss_id(nib: str, issued_on: str) -> str:
    """Give the `oss_id` of a business; `issued_on` is `YYYY-MM-DD`."""
    return f"OSS-{issued_on.replace('-', '')}{nib}"


def project_id(nib: str, issued_on: str) -> str:
    """Give the `id_proyek` of a business's only project."""
    return f"R-{nib}{issued_on.replace('-', '')}01"


def license_id(application_id: str, submitted_at: str) -> str:
    """Give the `id_izin` of an application: when it was handed in, and its number.

    Args:
        application_id: such as `PMH-000123`.
        submitted_at: RFC 3339 with seconds.
    """
    moment = submitted_at[:19].translate(_NO_MARKS)
    return f"I-{moment}{application_id.rpartition('-')[2]:0>{_ID_DIGITS}}"


def product_id(license_id_: str) -> str:
    """Give the `id_produk` that belongs to an `id_izin`."""
    return f"P-{license_id_[2:]}"


def permit_code(kbli: str, permit_kind: str) -> str:
    """Give the `kd_izin`: what kind of permit for what field of business."""
    return f"0290{kbli}{JENIS_IZIN[permit_kind]:0>3}"


_NO_MARKS = str.maketrans("", "", "-T:")
