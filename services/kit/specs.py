"""What a sandbox is made from: the same specification goes to every service."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError

SandboxId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{3,31}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{3,31}-[a-z0-9]{1,32}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_only(value: Any) -> Any:  # noqa: ANN401 - whatever the request holds
    """Refuse what Pydantic would also read as a date, such as seconds since 1970."""
    if not isinstance(value, str):
        code = "string_type"
        raise PydanticCustomError(code, "no string")
    if not _ISO_DATE.fullmatch(value):
        code = "date_parsing"
        raise PydanticCustomError(code, "not YYYY-MM-DD")
    return value


IsoDate = Annotated[date, BeforeValidator(_iso_only)]
"""A date in a request: the text `YYYY-MM-DD` and nothing else."""


def _exact(schema: Any) -> Any:  # noqa: ANN401 - a schema is made of mappings, lists and plain values
    if isinstance(schema, list):
        return [_exact(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    exact = {name: _exact(part) for name, part in schema.items()}
    return {**exact, "strict": True} if schema.get("type") in {"int", "float", "bool"} else exact


class Shape(BaseModel):
    """Base of all wire shapes: unknown members are refused, and numbers are neither `"5"` nor `true`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Make numbers and truth values exact; Pydantic's own strict mode would refuse dates in JSON as well."""
        schema: CoreSchema = _exact(handler(source))
        return schema


class ClientSpec(Shape):
    """An OAuth2 client of the sandbox."""

    client_id: ClientId
    client_secret: Annotated[str, StringConstraints(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
    scopes: list[Annotated[str, StringConstraints(pattern=r"^[a-z_]+:[a-z_]+$")]]


class SandboxSpec(Shape):
    """A city, who may enter it, and how fast.

    Attributes:
        seed: what the city is generated from.
        reference_date: the city's today when its clock starts.
        requests_per_minute: quota of each client in each service.
        token_seconds: lifetime of access tokens.
        durable: False for throw-away sandboxes, which give up waiting for the disk and end with the lab.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    size: Literal["small", "medium", "large"] = "small"
    reference_date: date
    clients: list[ClientSpec] = Field(default_factory=list)
    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 3000
    token_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    durable: bool = True
