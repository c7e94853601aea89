"""The regional agencies (SKPD) of the city, those that were merged or renamed included.

Codes follow Permendagri 90/2019: rows that are in the national master are taken as they are; the combinations that came
from a merger are the lab's, built by the same rule.
"""

from dataclasses import dataclass
from datetime import date

from services.world.entities import Skpd
from services.world.identifiers.budget_codes import compose_skpd
from services.world.regions import all_regions


@dataclass(frozen=True, slots=True)
class _Row:
    fields: tuple[str, ...]
    name: str
    short_name: str
    unit: int = 1


_ROWS: tuple[_Row, ...] = (
    _Row(("1.01",), "Dinas Pendidikan", "Disdik"),
    _Row(("1.02",), "Dinas Kesehatan", "Dinkes"),
    _Row(("1.03",), "Dinas Pekerjaan Umum dan Penataan Ruang", "Dinas PUPR"),
    _Row(("1.04", "2.10"), "Dinas Perumahan, Kawasan Permukiman, dan Pertanahan", "Disperkimtan"),
    _Row(("1.05",), "Satuan Polisi Pamong Praja", "Satpol PP"),
    _Row(("1.05",), "Badan Penanggulangan Bencana Daerah", "BPBD", 2),
    _Row(("1.06",), "Dinas Sosial", "Dinsos"),
    _Row(("2.07", "3.32"), "Dinas Tenaga Kerja dan Transmigrasi", "Disnakertrans"),
    _Row(
        ("2.08", "2.14"),
        "Dinas Pemberdayaan Perempuan, Perlindungan Anak, Pengendalian Penduduk, dan Keluarga Berencana",
        "DP3AP2KB",
    ),
    _Row(("2.09",), "Dinas Ketahanan Pangan", "DKP"),
    _Row(("2.11",), "Dinas Lingkungan Hidup", "DLH"),
    _Row(("2.12",), "Dinas Kependudukan dan Pencatatan Sipil", "Disdukcapil"),
    _Row(("2.13",), "Dinas Pemberdayaan Masyarakat dan Desa", "DPMD"),
    _Row(("2.15",), "Dinas Perhubungan", "Dishub"),
    _Row(("2.16", "2.20", "2.21"), "Dinas Komunikasi, Informatika, Statistik, dan Persandian", "Diskominfo"),
    _Row(("2.17",), "Dinas Koperasi, Usaha Kecil, dan Menengah", "Dinkop UKM"),
    _Row(("2.18",), "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu", "DPMPTSP"),
    _Row(("2.19",), "Dinas Pemuda dan Olahraga", "Dispora"),
    _Row(("2.22", "3.26"), "Dinas Kebudayaan dan Pariwisata", "Disbudpar"),
    _Row(("2.23", "2.24"), "Dinas Perpustakaan dan Kearsipan", "Dispusip"),
    _Row(("3.25",), "Dinas Kelautan dan Perikanan", "Dislutkan"),
    _Row(("3.27",), "Dinas Pertanian", "Distan"),
    _Row(("3.30", "3.31"), "Dinas Perindustrian dan Perdagangan", "Disperindag"),
    _Row(("4.01",), "Sekretariat Daerah", "Setda"),
    _Row(("4.02",), "Sekretariat DPRD", "Setwan"),
    _Row(("5.01", "5.05"), "Badan Perencanaan Pembangunan, Riset, dan Inovasi Daerah", "Bapperida"),
    _Row(("5.02",), "Badan Pengelolaan Keuangan dan Aset Daerah", "BPKAD"),
    _Row(("5.02",), "Badan Pendapatan Daerah", "Bapenda", 2),
    _Row(("5.03", "5.04"), "Badan Kepegawaian dan Pengembangan Sumber Daya Manusia", "BKPSDM"),
    _Row(("6.01",), "Inspektorat", "Inspektorat"),
    _Row(("8.01",), "Badan Kesatuan Bangsa dan Politik", "Kesbangpol"),
)


@dataclass(frozen=True, slots=True)
class _Past:
    row: _Row
    successor: tuple[str, ...]
    years_ago: int  # it ended on 1 January that many years before the reference year


_PAST: tuple[_Past, ...] = (
    _Past(_Row(("2.16",), "Dinas Komunikasi dan Informatika", "Diskominfo"), ("2.16", "2.20", "2.21"), 0),
    _Past(_Row(("2.20", "2.21"), "Dinas Statistik dan Persandian", "Distandi"), ("2.16", "2.20", "2.21"), 0),
    _Past(_Row(("3.26",), "Dinas Pariwisata", "Dispar"), ("2.22", "3.26"), 1),
    _Past(_Row(("5.03",), "Badan Kepegawaian Daerah", "BKD"), ("5.03", "5.04"), 1),
    _Past(_Row(("5.04",), "Badan Pengembangan Sumber Daya Manusia", "BPSDM"), ("5.03", "5.04"), 1),
    _Past(_Row(("5.01",), "Badan Perencanaan Pembangunan Daerah", "Bappeda"), ("5.01", "5.05"), 2),
)

_FOUNDED_YEARS_AGO = 9
PERMITS_AGENCY = compose_skpd(("2.18",))
MERGED = "merged"
RENAMED = "renamed"


def _district_rows() -> list[_Row]:
    names = [region.name for region in all_regions() if region.level == "district"]
    return [_Row(("7.01",), f"Kecamatan {name}", f"Kec. {name}", unit) for unit, name in enumerate(names, 1)]


def active_codes() -> tuple[str, ...]:
    """Codes of the SKPD that exist in the reference year, in the order of `all_agencies`."""
    return tuple(compose_skpd(row.fields, row.unit) for row in (*_ROWS, *_district_rows()))


def _predecessors() -> dict[str, list[_Past]]:
    found: dict[str, list[_Past]] = {}
    for past in _PAST:
        found.setdefault(compose_skpd(past.successor), []).append(past)
    return found


def all_agencies(reference_date: date) -> tuple[Skpd, ...]:
    """Every SKPD, those that exist first, then those that were merged or renamed away."""
    year = reference_date.year
    founded = date(year - _FOUNDED_YEARS_AGO, 1, 1)
    before = _predecessors()
    agencies = []
    for row in (*_ROWS, *_district_rows()):
        code = compose_skpd(row.fields, row.unit)
        past = before.get(code, [])
        agencies.append(
            Skpd(
                code=code,
                name=row.name,
                short_name=row.short_name,
                active=True,
                predecessor_codes=tuple(compose_skpd(item.row.fields) for item in past),
                successor_code=None,
                effective_on=date(year - past[0].years_ago, 1, 1) if past else founded,
                ended_on=None,
            )
        )
    return (*agencies, *(_former(past, year, founded) for past in _PAST))


def _former(past: _Past, year: int, founded: date) -> Skpd:
    return Skpd(
        code=compose_skpd(past.row.fields),
        name=past.row.name,
        short_name=past.row.short_name,
        active=False,
        predecessor_codes=(),
        successor_code=compose_skpd(past.successor),
        effective_on=founded,
        ended_on=date(year - past.years_ago, 1, 1),
    )


def changes() -> dict[str, tuple[str, ...]]:
    """Codes of former SKPD by what became of them: `merged` (several into one) or `renamed` (one into another)."""
    found: dict[str, list[str]] = {MERGED: [], RENAMED: []}
    for past in _predecessors().values():
        found[MERGED if len(past) > 1 else RENAMED] += [compose_skpd(item.row.fields) for item in past]
    return {kind: tuple(codes) for kind, codes in found.items()}
