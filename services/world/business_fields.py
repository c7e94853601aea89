"""A selection of KBLI 2020, with the risk of each field of business by scale.

Titles are those of KBLI 2020. The **risk values are fixtures of the lab**: their shape is that of PP 28/2025, where
risk depends on field *and* scale, but no value was checked against its annexes, and published sources disagree.
"""

from functools import cache

from services.world.entities import BusinessField, PermitKind, Risk, Scale

OFFICE_RISKS: frozenset[Risk] = frozenset({"MT", "T"})
"""Risks whose permits wait for the city's office; R and MR finish inside OSS by themselves."""

SCALE_NAMES: dict[Scale, str] = {"01": "Mikro", "02": "Kecil", "03": "Menengah", "04": "Besar"}

_TABLE: tuple[tuple[str, str, Risk, Risk], ...] = (
    ("01122", "Pertanian Padi Inbrida", "R", "MR"),
    ("01262", "Perkebunan Buah Kelapa Sawit", "MR", "T"),
    ("01281", "Perkebunan Lada", "R", "MR"),
    ("01411", "Pembibitan dan Budidaya Sapi Potong", "R", "MT"),
    ("03111", "Penangkapan Pisces/Ikan Bersirip di Laut", "MR", "MT"),
    ("08103", "Penggalian Kerikil/Sirtu", "T", "T"),
    ("10391", "Industri Tempe Kedelai", "R", "MR"),
    ("10392", "Industri Tahu Kedelai", "R", "MR"),
    ("10710", "Industri Produk Roti dan Kue", "MR", "MT"),
    ("10761", "Industri Pengolahan Kopi", "MR", "MT"),
    ("10792", "Industri Kue Basah", "R", "MR"),
    ("10794", "Industri Kerupuk, Keripik, Peyek dan Sejenisnya", "R", "MR"),
    ("11052", "Industri Air Minum Isi Ulang", "MT", "MT"),
    ("13134", "Industri Batik", "R", "MR"),
    ("14111", "Industri Pakaian Jadi (Konveksi) dari Tekstil", "R", "MT"),
    ("18111", "Industri Pencetakan Umum", "R", "MR"),
    ("21022", "Industri Produk Obat Tradisional untuk Manusia", "MT", "T"),
    ("31001", "Industri Furnitur dari Kayu", "R", "MR"),
    ("35111", "Pembangkitan Tenaga Listrik", "T", "T"),
    ("38120", "Pengumpulan Limbah Berbahaya", "T", "T"),
    ("41011", "Konstruksi Gedung Hunian", "MT", "MT"),
    ("41012", "Konstruksi Gedung Perkantoran", "MT", "MT"),
    ("42101", "Konstruksi Bangunan Sipil Jalan", "MT", "MT"),
    ("45407", "Reparasi dan Perawatan Sepeda Motor", "R", "R"),
    ("46311", "Perdagangan Besar Beras", "R", "MR"),
    ("46441", "Perdagangan Besar Obat Farmasi untuk Manusia", "T", "T"),
    (
        "47111",
        "Perdagangan Eceran Berbagai Macam Barang yang Utamanya Makanan, Minuman atau Tembakau di "
        "Minimarket/Supermarket/Hypermarket",
        "R",
        "MR",
    ),
    (
        "47112",
        "Perdagangan Eceran Berbagai Macam Barang yang Utamanya Makanan, Minuman atau Tembakau Bukan di "
        "Minimarket/Supermarket/Hypermarket (Tradisional)",
        "R",
        "R",
    ),
    (
        "47301",
        "Perdagangan Eceran Bahan Bakar Minyak, Bahan Bakar Gas (BBG) dan Liquefied Petroleum Gas (LPG) di Sarana "
        "Pengisian Bahan Bakar",
        "T",
        "T",
    ),
    (
        "47911",
        "Perdagangan Eceran Melalui Media untuk Komoditi Makanan, Minuman, Tembakau, Kimia, Farmasi, Kosmetik dan "
        "Alat Laboratorium",
        "R",
        "R",
    ),
    ("49431", "Angkutan Bermotor untuk Barang Umum", "MR", "MT"),
    ("52101", "Pergudangan dan Penyimpanan", "R", "MR"),
    ("55110", "Hotel Bintang", "MT", "T"),
    ("55130", "Pondok Wisata", "MR", "MR"),
    ("56101", "Restoran", "MR", "MT"),
    ("56102", "Rumah/Warung Makan", "R", "R"),
    ("56103", "Kedai Makanan", "R", "R"),
    ("56210", "Jasa Boga untuk Suatu Event Tertentu", "MR", "MT"),
    ("56303", "Rumah Minum/Kafe", "MR", "MT"),
    ("62019", "Aktivitas Pemrograman Komputer Lainnya", "R", "R"),
    ("63122", "Portal Web dan/atau Platform Digital dengan Tujuan Komersial", "R", "MR"),
    ("64951", "Fintech P2P Lending Konvensional", "T", "T"),
    ("79111", "Aktivitas Agen Perjalanan Wisata", "MR", "MR"),
    ("86105", "Aktivitas Klinik Swasta", "MT", "MT"),
    ("96111", "Aktivitas Pangkas Rambut", "R", "R"),
)

_SMALL_SCALES: frozenset[Scale] = frozenset({"01", "02"})


@cache
def all_business_fields() -> tuple[BusinessField, ...]:
    """Every field of business of the city, by code."""
    return tuple(BusinessField(*row) for row in _TABLE)


def risk_of(field: BusinessField, scale: Scale) -> Risk:
    """The risk of a field of business at a scale ("01" mikro … "04" besar)."""
    return field.risk_small if scale in _SMALL_SCALES else field.risk_large


def permit_kind_of(risk: Risk) -> PermitKind:
    """What a risk asks for besides the NIB (PP 28/2025): nothing, a standard certificate, or a permit."""
    if risk == "R":
        return "nib"
    return "permit" if risk == "T" else "standard_certificate"


@cache
def openings(*, for_office: bool) -> tuple[tuple[BusinessField, Scale], ...]:
    """Fields and scales whose permits the office handles, or those that OSS finishes alone; small scales oftener."""
    scales: tuple[Scale, ...] = ("01", "01", "02", "02", "03", "04")
    return tuple(
        (field, scale)
        for field in all_business_fields()
        for scale in scales
        if (risk_of(field, scale) in OFFICE_RISKS) == for_office
    )
