"""What a sandbox is made from: the same specification goes to every service."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SandboxId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{3,31}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{3,31}-[a-z0-9]{1,32}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Shape(BaseModel):
    """Base of all wire shapes: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
