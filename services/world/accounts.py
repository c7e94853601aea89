"""The account chart (rekening) as far as the city uses it, and what an account is for.

Leaf codes and names follow Permendagri 90/2019 and its updates, as far as a public source confirmed them; the
retribution accounts and the upper levels are common knowledge and count as fixtures.
"""

from functools import cache
from typing import Literal

from services.world.entities import Account
from services.world.identifiers.budget_codes import account_chain

Use = Literal["payroll", "goods", "services", "ict", "capital", "works"]
"""`ict` and `capital` together are the lab's definition of SPBE spending; there is no official list."""

_UPPER = {
    "4": "PENDAPATAN DAERAH",
    "4.1": "PENDAPATAN ASLI DAERAH (PAD)",
    "4.1.02": "Retribusi Daerah",
    "4.1.02.01": "Retribusi Jasa Umum",
    "4.1.02.01.02": "Retribusi Pelayanan Kebersihan",
    "4.1.02.01.04": "Retribusi Pelayanan Pasar",
    "4.1.02.03": "Retribusi Perizinan Tertentu",
    "4.1.02.03.01": "Retribusi Persetujuan Bangunan Gedung",
    "5": "BELANJA DAERAH",
    "5.1": "BELANJA OPERASI",
    "5.1.01": "Belanja Pegawai",
    "5.1.01.01": "Belanja Gaji dan Tunjangan ASN",
    "5.1.01.01.01": "Belanja Gaji Pokok ASN",
    "5.1.01.02": "Belanja Tambahan Penghasilan ASN",
    "5.1.01.02.01": "Tambahan Penghasilan berdasarkan Beban Kerja ASN",
    "5.1.01.02.05": "Tambahan Penghasilan berdasarkan Prestasi Kerja ASN",
    "5.1.02": "Belanja Barang dan Jasa",
    "5.1.02.01": "Belanja Barang",
    "5.1.02.01.01": "Belanja Barang Pakai Habis",
    "5.1.02.02": "Belanja Jasa",
    "5.1.02.02.01": "Belanja Jasa Kantor",
    "5.1.02.02.04": "Belanja Sewa Peralatan dan Mesin",
    "5.1.02.02.09": "Belanja Jasa Konsultansi Non Konstruksi",
    "5.1.02.02.12": "Belanja Kursus/Pelatihan, Sosialisasi, Bimbingan Teknis serta Pendidikan dan Pelatihan",
    "5.1.02.03": "Belanja Pemeliharaan",
    "5.1.02.03.02": "Belanja Pemeliharaan Peralatan dan Mesin",
    "5.1.02.04": "Belanja Perjalanan Dinas",
    "5.1.02.04.01": "Belanja Perjalanan Dinas Dalam Negeri",
    "5.2": "BELANJA MODAL",
    "5.2.02": "Belanja Modal Peralatan dan Mesin",
    "5.2.02.10": "Belanja Modal Komputer",
    "5.2.02.10.01": "Belanja Modal Komputer Unit",
    "5.2.02.10.02": "Belanja Modal Peralatan Komputer",
    "5.2.03": "Belanja Modal Gedung dan Bangunan",
    "5.2.03.01": "Belanja Modal Bangunan Gedung",
    "5.2.03.01.01": "Belanja Modal Bangunan Gedung Tempat Kerja",
    "5.2.04": "Belanja Modal Jalan, Jaringan, dan Irigasi",
    "5.2.04.01": "Belanja Modal Jalan dan Jembatan",
    "5.2.04.01.01": "Belanja Modal Jalan",
}

_SPENDING: tuple[tuple[str, str, Use], ...] = (
    ("5.1.01.01.01.0001", "Belanja Gaji Pokok PNS", "payroll"),
    ("5.1.01.02.01.0002", "Tambahan Penghasilan berdasarkan Beban Kerja PPPK", "payroll"),
    ("5.1.01.02.05.0001", "Tambahan Penghasilan berdasarkan Prestasi Kerja PNS", "payroll"),
    ("5.1.01.02.05.0002", "Tambahan Penghasilan berdasarkan Prestasi Kerja PPPK", "payroll"),
    ("5.1.02.01.01.0001", "Belanja Bahan-Bahan Bangunan dan Konstruksi", "goods"),
    ("5.1.02.01.01.0004", "Belanja Bahan-Bahan Bakar dan Pelumas", "goods"),
    ("5.1.02.01.01.0024", "Belanja Alat/Bahan untuk Kegiatan Kantor - Alat Tulis Kantor", "goods"),
    ("5.1.02.01.01.0026", "Belanja Alat/Bahan untuk Kegiatan Kantor - Bahan Cetak", "goods"),
    ("5.1.02.01.01.0052", "Belanja Makanan dan Minuman Rapat", "goods"),
    ("5.1.02.02.01.0026", "Belanja Jasa Tenaga Administrasi", "services"),
    ("5.1.02.02.01.0029", "Belanja Jasa Tenaga Ahli", "services"),
    ("5.1.02.02.01.0039", "Belanja Jasa Tenaga Informatika dan Teknologi", "ict"),
    ("5.1.02.02.01.0046", "Belanja Jasa Konversi/Konservasi Aplikasi/Sistem Informasi", "ict"),
    ("5.1.02.02.01.0061", "Belanja Tagihan Listrik", "services"),
    ("5.1.02.02.01.0063", "Belanja Kawat/Faksimili/Internet/TV Berlangganan", "ict"),
    ("5.1.02.02.04.0404", "Belanja Sewa Peralatan Jaringan", "ict"),
    ("5.1.02.02.09.0003", "Belanja Jasa Konsultansi Berorientasi Bidang - Telematika", "ict"),
    ("5.1.02.02.12.0001", "Belanja Kursus Singkat/Pelatihan", "services"),
    ("5.1.02.03.02.0403", "Belanja Pemeliharaan Komputer - Personal Computer", "ict"),
    ("5.1.02.03.02.0405", "Belanja Pemeliharaan Komputer - Peralatan Jaringan", "ict"),
    ("5.1.02.04.01.0001", "Belanja Perjalanan Dinas Biasa", "services"),
    ("5.1.02.04.01.0003", "Belanja Perjalanan Dinas Dalam Kota", "services"),
    ("5.2.02.10.01.0002", "Belanja Modal Personal Computer", "capital"),
    ("5.2.02.10.02.0003", "Belanja Modal Peralatan Personal Computer", "capital"),
    ("5.2.02.10.02.0004", "Belanja Modal Peralatan Jaringan", "capital"),
    ("5.2.02.10.02.0005", "Belanja Modal Peralatan Server", "capital"),
    ("5.2.03.01.01.0010", "Belanja Modal Bangunan Gedung Tempat Pendidikan", "works"),
    ("5.2.04.01.01.0001", "Belanja Modal Jalan Kabupaten/Kota", "works"),
)

WASTE_RETRIBUTION = "4.1.02.01.02.0001"
MARKET_RETRIBUTION = "4.1.02.01.04.0001"
BUILDING_RETRIBUTION = "4.1.02.03.01.0001"
_INCOME = {
    WASTE_RETRIBUTION: "Retribusi Pelayanan Persampahan/Kebersihan",
    MARKET_RETRIBUTION: "Retribusi Pelayanan Pasar",
    BUILDING_RETRIBUTION: "Retribusi Pemberian Persetujuan Bangunan Gedung",
}


@cache
def leaves(use: Use) -> tuple[str, ...]:
    """Codes of the accounts of the lowest level for one use."""
    return tuple(code for code, _, of in _SPENDING if of == use)


@cache
def all_accounts() -> tuple[Account, ...]:
    """Every account with those above it, by code."""
    names = _UPPER | _INCOME | {code: name for code, name, _ in _SPENDING}
    found: dict[str, Account] = {}
    for leaf in (*_INCOME, *(code for code, _, _ in _SPENDING)):
        parent = None
        for level, code in enumerate(account_chain(leaf), 1):
            found[code] = Account(code, names[code], level, parent)
            parent = code
    return tuple(found[code] for code in sorted(found))
