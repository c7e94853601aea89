"""The population registry, as `services/__main__.py` finds it."""

from services.kit.service import Service
from services.population import dialect, routes, seed, views
from services.population.tables import TABLES

SERVICE = Service(
    __file__,
    TABLES,
    [routes.router, dialect.router],
    seed.rows,
    {"residents": views.show_residents, "trouble": views.show_trouble, "quota": views.show_quota},
)
