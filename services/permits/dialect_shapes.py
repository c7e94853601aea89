"""Wire shapes of the OSS dialect (PIA 4.3.22): members as they are spelled there, typos included."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from services.kit.specs import Shape

Text2 = Annotated[str, StringConstraints(max_length=2)]
Text13 = Annotated[str, StringConstraints(max_length=13)]
Text25 = Annotated[str, StringConstraints(max_length=25)]
Text50 = Annotated[str, StringConstraints(max_length=50)]
Text255 = Annotated[str, StringConstraints(max_length=255)]


class NibWanted(Shape):
    """Isi `INQUERYNIB`."""

    nib: Text13 = Field(description="NIB, 13 angka.")


class InqueryNib(Shape):
    """Permintaan `inqueryNIB`."""

    wanted: NibWanted = Field(alias="INQUERYNIB")


class LicenseWanted(Shape):
    """Isi `INQUERYLICENSE` dan `CHECKLICENSESTATUS`."""

    id_izin: Text25


class InqueryLicense(Shape):
    """Permintaan `inqueryLicense`."""

    wanted: LicenseWanted = Field(alias="INQUERYLICENSE")


class CheckLicenseStatus(Shape):
    """Permintaan `checkLicenseStatus`."""

    wanted: LicenseWanted = Field(alias="CHECKLICENSESTATUS")


class Pnbp(Shape):
    """Isi `data_pnbp`; diterima, tidak dipakai oleh lab."""

    kd_akun: Text50 = ""
    kd_penerimaan: Text50 = ""
    kd_billing: Text50 = ""
    tgl_billing: Text50 = ""
    tgl_expire: Text50 = ""
    nominal: Text50 = ""
    url_dokumen: Text255 = ""


class PushedStatus(Shape):
    """Isi `IZINSTATUS`."""

    nib: Text13
    id_produk: Text25 = ""
    id_proyek: Text25 = ""
    oss_id: Text25 = ""
    id_izin: Text25
    kd_izin: Annotated[str, StringConstraints(max_length=12)] = ""
    kd_instansi: Annotated[str, StringConstraints(max_length=3)] = ""
    kd_status: Text2 = Field(description="Lampiran 10.")
    tgl_status: Annotated[str, StringConstraints(max_length=19)] = Field(description="YYYY-MM-DD HH:II:SS")
    nip_status: Text50
    nama_status: Text50
    keterangan: Annotated[str, StringConstraints(max_length=500)] = Field(
        description="`kode_alasan: kalimat` bila status tujuan memerlukan alasan."
    )
    data_pnbp: Pnbp | None = None


class ReceiveLicenseStatus(Shape):
    """Permintaan `receiveLicenseStatus`."""

    pushed: PushedStatus = Field(alias="IZINSTATUS")


class Respon(Shape):
    """Isi amplop: `kode` kadang angka, kadang teks."""

    kode: int | str = Field(description="Lampiran 9; kadang angka, kadang teks.")
    keterangan: str
    dataNIB: dict[str, Any] | None = None  # noqa: N815 - OSS's own name


class ResponInqueryNib(Shape):
    """Jawaban `inqueryNIB`."""

    respon: Respon = Field(alias="responinqueryNIB")


class ResponReceiveLicenseStatus(Shape):
    """Jawaban `receiveLicenseStatus`."""

    respon: Respon = Field(alias="responreceiveLicenseStatus")


class LicenseRespon(Shape):
    """Amplop `inqueryLicense`, yang berbeda dari amplop lainnya."""

    success: bool
    code: int
    message: str
    data: dict[str, Any] | None
    meta: list[dict[str, str]] | None


class DataLicense(Shape):
    """Jawaban `inqueryLicense`."""

    respon: LicenseRespon = Field(alias="dataLicense")


class StatusRespon(Shape):
    """Isi amplop `checkLicenseStatus`."""

    kode: int | str
    keterangan: str
    dataIZIN: dict[str, Any]  # noqa: N815 - OSS's own name


class ResponseCheckStatusLicense(Shape):
    """Jawaban `checkLicenseStatus`; namanya memang berbeda dari nama layanannya."""

    respon: StatusRespon = Field(alias="responsecheckStatusLicense")
