"""Providers of codes that offices use: regions, KBLI, SKPD, budget lines."""

from faker.providers import BaseProvider

from services.world.accounts import all_accounts
from services.world.agencies import active_codes
from services.world.business_fields import SCALE_NAMES, all_business_fields, risk_of
from services.world.entities import BusinessField, Region, Risk, Scale
from services.world.nomenclature import all_programmes
from services.world.regions import all_regions

_SPENDING = "5"


class WilayahProvider(BaseProvider):
    """`wilayah()`, `kode_wilayah()` and `kode_wilayah_polos()`: the fictitious city's villages."""

    def wilayah(self) -> Region:
        """A village (kelurahan or desa) of the lab's city."""
        villages = [region for region in all_regions() if region.level == "village"]
        return villages[self.random_int(0, len(villages) - 1)]

    def kode_wilayah(self) -> str:
        """The dotted code of a village, `76.79.90.1001`."""
        return self.wilayah().code

    def kode_wilayah_polos(self) -> str:
        """The undotted code of a village, `7679901001`."""
        return self.wilayah().plain_code


class KbliProvider(BaseProvider):
    """`bidang_usaha()`, `kbli()` and `risiko()`."""

    def bidang_usaha(self) -> BusinessField:
        """A KBLI 2020 code with its title and risks."""
        fields = all_business_fields()
        return fields[self.random_int(0, len(fields) - 1)]

    def kbli(self) -> str:
        """A KBLI 2020 code of five digits that is really listed."""
        return self.bidang_usaha().kbli

    def risiko(self, scale: Scale | None = None) -> Risk:
        """The risk of some field at a scale ("01" mikro … "04" besar); risk belongs to both, never to a code alone."""
        chosen = scale or tuple(SCALE_NAMES)[self.random_int(0, len(SCALE_NAMES) - 1)]
        return risk_of(self.bidang_usaha(), chosen)


class SkpdProvider(BaseProvider):
    """`kode_skpd()`."""

    def kode_skpd(self) -> str:
        """The code of a regional agency, 22 characters."""
        codes = active_codes()
        return codes[self.random_int(0, len(codes) - 1)]


class RekeningProvider(BaseProvider):
    """`kode_rekening()`, `kode_sub_kegiatan()` and `baris_anggaran()`."""

    def kode_rekening(self) -> str:
        """A spending account of the lowest level, 17 characters."""
        leaves = [account.code for account in all_accounts() if account.level == 6 and account.code[0] == _SPENDING]
        return leaves[self.random_int(0, len(leaves) - 1)]

    def kode_sub_kegiatan(self) -> str:
        """A sub-activity, `2.16.03.2.02.0014`."""
        codes = [programme.code for programme in all_programmes() if programme.level == "sub_activity"]
        return codes[self.random_int(0, len(codes) - 1)]

    def baris_anggaran(self) -> str:
        """A full budget line: sub-activity, full stop, account."""
        return f"{self.kode_sub_kegiatan()}.{self.kode_rekening()}"
