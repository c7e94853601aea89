"""What a permit gets on the day it is granted: its number, and for a permit proper its last day.

The number is of the same form as those of permits granted before the city's first day; both are the lab's.
"""

from datetime import date, timedelta

PERMIT_DAYS = 5 * 365
"""How long a permit (izin) is good; a NIB and a standard certificate have no end."""


def decision_number(application_id: str, granted_on: date) -> str:
    """Give the number of the permit that an application such as `PMH-000123` becomes; no other has it."""
    return f"503/{int(application_id.rpartition('-')[2]) + 1:06}/DPMPTSP/{granted_on.year}"


def valid_until(permit_kind: str, granted_on: date) -> date | None:
    """Give the last day of a permit; None when it has none."""
    return granted_on + timedelta(days=PERMIT_DAYS) if permit_kind == "permit" else None
