"""The identity service, as `services/__main__.py` finds it."""

from services.identity import issuer, routes, seed, views
from services.identity.tables import TABLES
from services.kit.service import Service

SERVICE = Service(
    __file__,
    TABLES,
    [routes.router],
    seed.rows,
    {"clients": views.show_clients, "tokens": views.show_tokens},
    open_paths=frozenset({routes.JWKS_PATH, routes.METADATA_PATH}),
    setup=issuer.set_up,
    identify={routes.TOKEN_PATH: routes.recognise},
    keys=issuer.own_keys,
)
