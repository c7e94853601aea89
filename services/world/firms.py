"""What a business is called, what form it has, how big it is, and its tax number."""

from dataclasses import dataclass

from services.world.entities import BusinessField, Resident, Scale
from services.world.identifiers import npwp
from services.world.randomness import Draw, between, pick

_COMPANY_WORDS = (
    (
        "Awan",
        "Gerbang",
        "Isyarat",
        "Kanal",
        "Lontar",
        "Menara",
        "Pijar",
        "Sandi",
        "Simpul",
        "Sinyal",
        "Aksara",
        "Berkas",
    ),
    ("Biru", "Cakrawala", "Digital", "Elok", "Fajar", "Jernih", "Lestari", "Mandar", "Pesisir", "Purnama", "Senja"),
    ("Bersama", "Jaya", "Karya", "Makmur", "Mandiri", "Sejahtera", "Sentosa", "Utama", "Abadi", "Perkasa"),
)
_SHOPS = (
    ("01", "Kebun"),
    ("03", "Nelayan"),
    ("08", "Sirtu"),
    ("10", "Dapur"),
    ("11", "Depot Air"),
    ("13", "Batik"),
    ("14", "Konveksi"),
    ("18", "Percetakan"),
    ("31", "Mebel"),
    ("45", "Bengkel"),
    ("47", "Toko"),
    ("49", "Angkutan"),
    ("55", "Penginapan"),
    ("56", "Warung"),
    ("86", "Klinik"),
    ("96", "Pangkas Rambut"),
)
_SHOP_NAMES = dict(_SHOPS)

_SMALL_FORMS = (*("17",) * 6, "26", "02", "02", "07")
_LARGE_FORMS = (*("01",) * 7, "02", "02", "07")
_FORM_PREFIX = {"01": "PT", "02": "CV", "07": "Koperasi", "26": "PT"}
_ROLES = {"01": "Direktur Utama", "02": "Direktur", "07": "Ketua", "17": "Pemilik", "26": "Direktur"}
_TAX_KIND = {"17": "07"}  # persons in business; all others are 01
_INVESTMENT_MILLIONS: dict[Scale, tuple[int, int]] = {
    "01": (5, 900),
    "02": (1_001, 4_900),
    "03": (5_001, 9_900),
    "04": (10_001, 240_000),
}
"""By PP 7/2021: up to 1 billion rupiah micro, 5 billion small, 10 billion medium, above large."""

_WORKERS: dict[Scale, tuple[int, int]] = {"01": (1, 4), "02": (3, 15), "03": (12, 60), "04": (40, 300)}
_TAX_STEP = 618_031  # shares no factor with a million
_TAX_SERIALS = 1_000_000


@dataclass(slots=True)
class Firm:
    """The business itself, without its permits and its responsible person."""

    name: str
    actor_kind: str
    legal_form: str
    role: str
    npwp_15: str
    npwp_16: str
    investment_idr: int
    workers_male: int
    workers_female: int
    capital_status: str


def firm_for(draw: Draw, number: int, field: BusinessField, scale: Scale, owner: Resident | None, name: str) -> Firm:
    """The business of that number.

    Args:
        draw: Chance.
        number: Makes the tax number unique: 0 … 999999.
        field: What it does.
        scale: "01" to "04".
        owner: The person behind it, whose NIK is the NPWP of a sole trader; None when unknown.
        name: The owner's name, upper case.
    """
    form = pick(draw, _SMALL_FORMS if scale in {"01", "02"} else _LARGE_FORMS)
    serial = (number * _TAX_STEP + 90_019) % _TAX_SERIALS
    fifteen = npwp.compose(f"{_TAX_KIND.get(form, '01')}{serial:06}")
    is_person = form == "17"
    low, high = _WORKERS[scale]
    return Firm(
        name=_name(draw, form, field, name),
        actor_kind="02" if is_person else "01",
        legal_form=form,
        role=_ROLES[form],
        npwp_15=fifteen,
        npwp_16=owner.nik if is_person and owner is not None else npwp.widen(fifteen),
        investment_idr=between(draw, *_INVESTMENT_MILLIONS[scale]) * 1_000_000 + int(draw() * 1000) * 1000,
        workers_male=between(draw, low, high),
        workers_female=between(draw, low - 1, high),
        capital_status="03" if is_person else ("01" if scale == "04" and draw() < 0.2 else "02"),
    )


def _name(draw: Draw, form: str, field: BusinessField, owner_name: str) -> str:
    if form == "17":
        return f"{_SHOP_NAMES.get(field.kbli[:2], 'Usaha')} {owner_name.partition(' ')[0].title()}"
    words = " ".join(pick(draw, words) for words in _COMPANY_WORDS)
    return f"{_FORM_PREFIX[form]} {words}"
