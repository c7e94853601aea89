"""What an applicant must, and what an applicant may, hand in for a permit. The items are fixtures of the lab."""

from functools import cache

from services.world.entities import ChecklistItem, PermitKind

_ALWAYS = (
    ("KTP", "KTP penanggung jawab", True),
    ("NPWP", "NPWP pelaku usaha", True),
    ("PMP", "Pernyataan mandiri kesanggupan memenuhi kewajiban", True),
)
_STANDARD = (
    ("KKPR", "Kesesuaian kegiatan pemanfaatan ruang", True),
    ("SPPL", "Surat pernyataan kesanggupan pengelolaan lingkungan", True),
    ("FOTO", "Foto lokasi usaha", False),
)
_PERMIT = (
    ("KKPR", "Kesesuaian kegiatan pemanfaatan ruang", True),
    ("UKLUPL", "Persetujuan lingkungan (UKL-UPL)", True),
    ("PBG", "Persetujuan bangunan gedung", True),
    ("TEKNIS", "Rekomendasi teknis perangkat daerah", True),
    ("BPJS", "Bukti kepesertaan jaminan sosial", False),
    ("FOTO", "Foto lokasi usaha", False),
)
_BY_KIND: dict[PermitKind, tuple[tuple[str, str, bool], ...]] = {
    "nib": _ALWAYS,
    "standard_certificate": _ALWAYS + _STANDARD,
    "permit": _ALWAYS + _PERMIT,
}


@cache
def checklist_for(kind: PermitKind, missing: int | None, optional: int) -> tuple[ChecklistItem, ...]:
    """The checklist of an application.

    Args:
        kind: What is applied for.
        missing: Which of the required items was not handed in, counted from 0 and wrapping round; None for none.
        optional: Bits that say which optional items were handed in: leaving those out is no fault.
    """
    rows = _BY_KIND[kind]
    required = [code for code, _, is_required in rows if is_required]
    absent = None if missing is None else required[missing % len(required)]
    return tuple(
        ChecklistItem(code, name, is_required, code != absent if is_required else bool(optional >> place & 1))
        for place, (code, name, is_required) in enumerate(rows)
    )
