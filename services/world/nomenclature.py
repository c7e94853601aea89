"""Programmes, activities and sub-activities of the budget, and which agency carries them out.

Codes and names follow Permendagri 90/2019 and its updates. Every agency has programme 01 (support) of its first field
of government. Names of sub-activities that no public source confirmed are the lab's wording.
"""

from functools import cache

from services.world.agencies import active_codes
from services.world.entities import Programme
from services.world.identifiers.budget_codes import parse_skpd, sub_activity_chain

_SUPPORT = "Program Penunjang Urusan Pemerintahan Daerah Kabupaten/Kota"

PAYROLL = "01.2.02.0001"
OFFICE = ("01.2.06.0009", "01.2.08.0002", "01.2.09.0002")
"""What follows the field of government in the code of a support sub-activity."""

_SUPPORT_ACTIVITIES = {
    "01.2.02": "Administrasi Keuangan Perangkat Daerah",
    "01.2.06": "Administrasi Umum Perangkat Daerah",
    "01.2.08": "Penyediaan Jasa Penunjang Urusan Pemerintahan Daerah",
    "01.2.09": "Pemeliharaan Barang Milik Daerah Penunjang Urusan Pemerintahan Daerah",
}
_SUPPORT_SUB_ACTIVITIES = {
    PAYROLL: "Penyediaan Gaji dan Tunjangan ASN",
    OFFICE[0]: "Penyelenggaraan Rapat Koordinasi dan Konsultasi SKPD",
    OFFICE[1]: "Penyediaan Jasa Komunikasi, Sumber Daya Air, dan Listrik",
    OFFICE[2]: "Penyediaan Jasa Pemeliharaan dan Pajak Kendaraan Dinas Operasional",
}

_PROGRAMMES = {
    "1.01.02": "Program Pengelolaan Pendidikan",
    "1.02.02": "Program Pemenuhan Upaya Kesehatan Perorangan dan Upaya Kesehatan Masyarakat",
    "1.03.10": "Program Penyelenggaraan Jalan",
    "1.06.05": "Program Perlindungan dan Jaminan Sosial",
    "2.12.02": "Program Pendaftaran Penduduk",
    "2.12.03": "Program Pencatatan Sipil",
    "2.12.04": "Program Pengelolaan Informasi Administrasi Kependudukan",
    "2.16.02": "Program Informasi dan Komunikasi Publik",
    "2.16.03": "Program Pengelolaan Aplikasi Informatika",
    "2.18.04": "Program Pelayanan Penanaman Modal",
    "2.18.06": "Program Pengelolaan Data dan Sistem Informasi Penanaman Modal",
    "2.20.02": "Program Penyelenggaraan Statistik Sektoral",
    "2.21.02": "Program Penyelenggaraan Persandian untuk Pengamanan Informasi",
    "5.02.02": "Program Pengelolaan Keuangan Daerah",
    "5.02.03": "Program Pengelolaan Barang Milik Daerah",
    "5.03.02": "Program Kepegawaian Daerah",
    "6.01.02": "Program Penyelenggaraan Pengawasan",
}
_ACTIVITIES = {
    "1.01.02.2.01": "Pengelolaan Pendidikan Sekolah Dasar",
    "1.02.02.2.02": "Penyediaan Layanan Kesehatan untuk UKM dan UKP Rujukan Tingkat Daerah Kabupaten/Kota",
    "1.03.10.2.01": "Penyelenggaraan Jalan Kabupaten/Kota",
    "1.06.05.2.02": "Pengelolaan Data Fakir Miskin Cakupan Daerah Kabupaten/Kota",
    "2.12.02.2.01": "Pelayanan Pendaftaran Penduduk",
    "2.12.03.2.01": "Pelayanan Pencatatan Sipil",
    "2.12.04.2.03": "Penyelenggaraan Pengelolaan Informasi Administrasi Kependudukan",
    "2.16.02.2.01": "Pengelolaan Informasi dan Komunikasi Publik Pemerintah Daerah Kabupaten/Kota",
    "2.16.03.2.02": "Pengelolaan E-government di Lingkup Pemerintah Daerah Kabupaten/Kota",
    "2.18.04.2.01": "Pelayanan Perizinan dan Non Perizinan secara Terpadu Satu Pintu di Bidang Penanaman Modal",
    "2.18.06.2.01": "Pengelolaan Data dan Informasi Perizinan dan Non Perizinan",
    "2.20.02.2.01": "Penyelenggaraan Statistik Sektoral di Lingkup Daerah Kabupaten/Kota",
    "2.21.02.2.01": "Penyelenggaraan Persandian untuk Pengamanan Informasi Pemerintah Daerah Kabupaten/Kota",
    "5.02.02.2.01": "Koordinasi dan Penyusunan Rencana Anggaran Daerah",
    "5.02.03.2.01": "Pengelolaan Barang Milik Daerah",
    "5.03.02.2.01": "Pengadaan, Pemberhentian, dan Informasi Kepegawaian ASN",
    "6.01.02.2.01": "Penyelenggaraan Pengawasan Internal",
}
_SUB_ACTIVITIES = {
    "1.01.02.2.01.0003": "Pembangunan Ruang Kelas Baru",
    "1.01.02.2.01.0050": "Pengelolaan Dana BOS Sekolah Dasar",
    "1.02.02.2.02.0001": "Pengelolaan Pelayanan Kesehatan Ibu Hamil",
    "1.02.02.2.02.0026": "Pengelolaan Jaminan Kesehatan Masyarakat",
    "1.03.10.2.01.0005": "Pembangunan Jalan",
    "1.03.10.2.01.0016": "Pemeliharaan Rutin Jalan",
    "1.06.05.2.02.0001": "Pendataan Fakir Miskin Cakupan Daerah Kabupaten/Kota",
    "2.12.02.2.01.0001": "Pencatatan, Penatausahaan, dan Penerbitan Dokumen atas Pendaftaran Penduduk",
    "2.12.03.2.01.0001": "Pencatatan, Penatausahaan, dan Penerbitan Dokumen atas Pelaporan Peristiwa Penting",
    "2.12.04.2.03.0002": "Penyelenggaraan Pemanfaatan Data Kependudukan",
    "2.16.02.2.01.0005": "Pengelolaan Media Komunikasi Publik",
    "2.16.03.2.02.0014": "Penyelenggaraan Jaringan Intra Pemerintah Daerah",
    "2.16.03.2.02.0017": "Koordinasi Pengelolaan Data dan Informasi",
    "2.16.03.2.02.0035": "Koordinasi Pelaksanaan Literasi SPBE",
    "2.16.03.2.02.0037": "Koordinasi Tata Kelola SPBE",
    "2.18.04.2.01.0006": (
        "Penyediaan Pelayanan Perizinan Berusaha melalui Sistem Perizinan Berusaha Berbasis Risiko Terintegrasi "
        "secara Elektronik"
    ),
    "2.18.04.2.01.0007": "Penyediaan Layanan Konsultasi dan Pengelolaan Pengaduan Masyarakat",
    "2.18.04.2.01.0008": "Pemantauan Pemenuhan Komitmen Perizinan",
    "2.18.06.2.01.0001": "Pengolahan, Penyajian, dan Pemanfaatan Data dan Informasi Perizinan",
    "2.20.02.2.01.0004": "Penyelenggaraan Satu Data Daerah",
    "2.21.02.2.01.0003": "Pelaksanaan Keamanan Informasi Pemerintahan Daerah",
    "5.02.02.2.01.0009": "Koordinasi dan Penyusunan Peraturan Daerah tentang APBD",
    "5.02.03.2.01.0003": "Inventarisasi Barang Milik Daerah",
    "5.03.02.2.01.0011": "Pengelolaan Sistem Informasi Kepegawaian",
    "6.01.02.2.01.0001": "Pengawasan Kinerja Pemerintah Daerah",
}


@cache
def sub_activities_of(skpd_code: str) -> tuple[str, ...]:
    """Codes of the sub-activities that an agency carries out: payroll, office, then those of its fields."""
    fields = parse_skpd(skpd_code).fields
    support = tuple(f"{fields[0]}.{code}" for code in (PAYROLL, *OFFICE))
    own = tuple(code for code in _SUB_ACTIVITIES if code[:4] in fields)
    return support + own


@cache
def _names() -> dict[str, str]:
    names = _PROGRAMMES | _ACTIVITIES | _SUB_ACTIVITIES
    for code in active_codes():
        field = code[:4]
        names[f"{field}.01"] = _SUPPORT
        names |= {f"{field}.{below}": name for below, name in _SUPPORT_ACTIVITIES.items()}
        names |= {f"{field}.{below}": name for below, name in _SUPPORT_SUB_ACTIVITIES.items()}
    return names


@cache
def all_programmes() -> tuple[Programme, ...]:
    """Every programme, activity and sub-activity that some agency carries out, by code."""
    found: dict[str, Programme] = {}
    names = _names()
    for agency in active_codes():
        for code in sub_activities_of(agency):
            programme, activity, _ = sub_activity_chain(code)
            found[programme] = Programme(programme, names[programme], "programme", None)
            found[activity] = Programme(activity, names[activity], "activity", programme)
            found[code] = Programme(code, names[code], "sub_activity", activity)
    return tuple(found[code] for code in sorted(found))
