"""Tables with a column of every type, and three people to begin with."""

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    select,
)

from services.kit.store import Prepared

TABLES = MetaData()
people = Table(
    "people",
    TABLES,
    Column("id", String, primary_key=True),
    Column("age", Integer),
    Column("wealth", BigInteger, nullable=False, server_default="0"),
    Column("share", Float),
    Column("tags", JSON),
    Column("alive", Boolean, nullable=False),
    Column("born", Date),
    Column("story", Text),
    Column("parent", String, ForeignKey("people.id"), index=True),
    Index("people_of_age", "age", "id"),
)
houses = Table(
    "houses",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("owner", String, ForeignKey("people.id"), nullable=False),
    Column("order", Integer, nullable=False, unique=True),
)
REST = {"wealth": 0, "share": None, "story": None}
ROWS: list[dict[str, Any]] = [
    {**REST, "id": "a", "age": 1, "tags": ["x", {"y": None}], "alive": True, "born": date(2025, 1, 2), "parent": None},
    {**REST, "id": "b", "age": None, "tags": None, "alive": False, "born": None, "parent": "a"},
    {**REST, "id": "ü'\"", "age": -(2**63), "tags": {}, "alive": True, "born": date(1, 1, 1), "parent": "a"},
]
ALL = Prepared(select(people).order_by(people.c.id))
COUNT = Prepared(select(func.count().label("count")).select_from(people))
IDS = Prepared(select(people.c.id).order_by(people.c.id))
