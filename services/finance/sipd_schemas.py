"""Wire shapes of the SIPD dialect: text cells, money and dates as people type them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from services.kit.specs import Shape

Cell = Annotated[str, StringConstraints(max_length=100)]


class BudgetRow(Shape):
    """Baris DPA seperti di SIPD."""

    id_daerah: int
    tahun: int
    id_unit: int
    id_skpd: int
    kode_skpd: str
    nama_skpd: str
    id_sub_skpd: int
    kode_sub_skpd: str
    nama_sub_skpd: str
    id_urusan: int
    id_bidang_urusan: int
    kode_bidang_urusan: str
    id_program: int
    kode_program: str
    nama_program: str
    id_giat: int
    kode_giat: str
    nama_giat: str
    id_sub_giat: int
    kode_sub_giat: str
    nama_sub_giat: str
    id_akun: int
    kode_akun: str
    nama_akun: str
    nilai: str
    nilai_rak: str
    status: str
    id_jadwal: int


class PaymentRow(Shape):
    """SP2D seperti pada lembar ekspor."""

    nomor_sp2d: str
    nomor_spm: str
    tanggal_sp2d: str
    skpd: str
    jenis: str
    nilai_bruto: str
    nilai_potongan: str
    nilai_netto: str
    status: str


class SipdPage(Shape):
    """Amplop halaman SIPD. `kode` kadang angka, kadang teks."""

    kode: int | str
    pesan: str
    halaman: int
    limit: int
    jumlah_data: int
    jumlah_halaman: int


class BudgetPage(SipdPage):
    """Satu halaman baris DPA."""

    data: list[BudgetRow]


class PaymentPage(SipdPage):
    """Satu halaman SP2D."""

    data: list[PaymentRow]


class PushRow(Shape):
    """Satu SP2D yang hendak diterbitkan, seperti diketik sistem daerah."""

    nomor_spm: Annotated[Cell, Field(examples=["76.79/03.0/000025/LS/2.16.2.20.2.21.01.0000/M/10/2026"])]
    tanggal_sp2d: Annotated[Cell, Field(examples=["22/11/2026"])]
    nilai_bruto: Annotated[Cell, Field(examples=["Rp 1.062.961.500"])]
    nilai_potongan: Annotated[Cell, Field(examples=["0"])] = "0"


class PushIn(Shape):
    """Isi `POST /sipd/push/sp2d`."""

    data: Annotated[list[PushRow], Field(min_length=1, max_length=100)]


class PushAnswer(Shape):
    """Jawaban push: selalu sukses; bacalah baris `log` yang diawali `ERROR:`."""

    kode: int | str
    success: bool
    pesan: str
    jumlah_data: int
    log: str
