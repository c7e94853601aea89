"""Faker providers for Indonesian government identifiers, usable without the rest of the lab.

    fake = Faker("id_ID")
    fake.add_provider(NikProvider)
    fake.nik()

Every number is well formed, with right dates and check digits, and belongs to nobody: districts from 90 on, NIP serials
from 900 on, tax office 999, NIB serials from 9000000 on. Like all of Faker, a provider depends on `Faker.seed` only.
"""

from services.world.providers.offices import KbliProvider, RekeningProvider, SkpdProvider, WilayahProvider
from services.world.providers.people import KkProvider, NibProvider, NikProvider, NipProvider, NpwpProvider

__all__ = [
    "KbliProvider",
    "KkProvider",
    "NibProvider",
    "NikProvider",
    "NipProvider",
    "NpwpProvider",
    "RekeningProvider",
    "SkpdProvider",
    "WilayahProvider",
]
