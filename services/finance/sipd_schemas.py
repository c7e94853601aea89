"""Wire shapes of the SIPD dialect: text cells, money and dates as people type them."""

from typing import Annotated

from pydantic import Field, StringConstraints

from services.kit.specs import Shape

Cell = Annotated[str, StringConstraints(max_length=100)]


class BudgetRow(Shape):
    """A DPA line as SIPD shows it."""

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
    """An SP2D as an export shows it."""

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
    """What SIPD puts around a page. `kode` is now a number, now a string."""

    kode: int | str
    pesan: str
    halaman: int
    limit: int
    jumlah_data: int
    jumlah_halaman: int


class BudgetPage(SipdPage):
    """A page of DPA lines."""

    data: list[BudgetRow]


class PaymentPage(SipdPage):
    """A page of SP2D."""

    data: list[PaymentRow]


class PushRow(Shape):
    """One SP2D to issue, as a local system types it."""

    nomor_spm: Annotated[Cell, Field(examples=["76.79/03.0/000025/LS/2.16.2.20.2.21.01.0000/M/10/2026"])]
    tanggal_sp2d: Annotated[Cell, Field(examples=["22/11/2026"])]
    nilai_bruto: Annotated[Cell, Field(examples=["Rp 1.062.961.500"])]
    nilai_potongan: Annotated[Cell, Field(examples=["0"])] = "0"


class PushIn(Shape):
    """Body of `POST /sipd/push/sp2d`."""

    data: Annotated[list[PushRow], Field(min_length=1, max_length=100)]


class PushAnswer(Shape):
    """SIPD's answer to a push: always success; read `log` for lines that begin with `ERROR:`."""

    kode: int | str
    success: bool
    pesan: str
    jumlah_data: int
    log: str
