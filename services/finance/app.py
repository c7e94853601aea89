"""The finance service: what `services/__main__.py` serves."""

from services.finance import seed, views
from services.finance.routes import bills, budget, dialect, documents, master
from services.finance.tables import TABLES
from services.kit.service import Service

SERVICE = Service(
    file=__file__,
    tables=TABLES,
    routers=(master.router, budget.router, documents.router, bills.router, dialect.router),
    seed=seed.rows,
    views=views.VIEWS,
)
