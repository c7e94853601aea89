"""The permit office's service."""

from services.kit.service import Service
from services.permits import dialect, routes
from services.permits.seed import rows
from services.permits.tables import TABLES
from services.permits.views import VIEWS

SERVICE = Service(
    file=__file__,
    tables=TABLES,
    routers=(routes.router, dialect.router),
    seed=rows,
    views=VIEWS,
)
