"""What one simulated participant knows of the city that is theirs, so that another one's is recognised at sight."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Resident:
    """A record of the population register, as its owner's city has it."""

    id: str
    nik: str
    name: str
    sex: str
    birth_on: str
    village_code: str
    is_plain: bool
    """Active, and the only one with this NIK: verifying it finds a full match."""


@dataclass(frozen=True, slots=True)
class Application:
    """A permit application that waits in the queue when the city is new."""

    id: str
    nik: str
    name: str
    status: str
    reason_code: str


@dataclass(frozen=True)
class Town:
    """A participant, their sandbox's client, and the facts of their city.

    Attributes:
        participant: the mark that this participant, and nobody else, leaves in what they write.
        client_id: for the token endpoint; belongs to one sandbox only.
        client_secret: for the token endpoint.
        residents: every record of the register.
        queue: every application of the queue, with the one decision that is right.
        budget: rupiah of each budget line (DPA), by its id.
        bills: ids of the bills that the city begins with.
        strangers: NIKs of other participants' residents that nobody has here.
    """

    participant: str
    client_id: str
    client_secret: str = field(repr=False)
    residents: tuple[Resident, ...] = field(repr=False)
    queue: tuple[Application, ...] = field(repr=False)
    budget: Mapping[str, int] = field(repr=False)
    bills: frozenset[str] = field(repr=False)
    strangers: tuple[str, ...] = field(repr=False)

    @cached_property
    def resident(self) -> Mapping[str, Resident]:
        """The residents by their ids."""
        return {one.id: one for one in self.residents}

    @cached_property
    def application(self) -> Mapping[str, Application]:
        """The applications of the queue by their numbers."""
        return {one.id: one for one in self.queue}

    @cached_property
    def plain(self) -> Sequence[Resident]:
        """The residents whose verification finds a full match."""
        return [one for one in self.residents if one.is_plain]

    @property
    def sandbox(self) -> str:
        """The sandbox's id, which is in the client's."""
        return self.client_id.partition("-")[0]

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return {**asdict(self), "bills": sorted(self.bills)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Reads what `to_json` gave."""
        return cls(
            participant=content["participant"],
            client_id=content["client_id"],
            client_secret=content["client_secret"],
            residents=tuple(Resident(**one) for one in content["residents"]),
            queue=tuple(Application(**one) for one in content["queue"]),
            budget=dict(content["budget"]),
            bills=frozenset(content["bills"]),
            strangers=tuple(content["strangers"]),
        )


@dataclass(frozen=True, slots=True)
class Room:
    """The participants of one load, and the agencies that they call.

    Attributes:
        services: the base URL of each agency.
        towns: one for each participant.
    """

    services: Mapping[str, str]
    towns: Sequence[Town]

    def write(self, file: Path) -> None:
        """Writes the room to `file`, which only this user may read, for it has the clients' secrets."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        content = {"services": dict(self.services), "towns": [town.to_json() for town in self.towns]}
        file.write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads a room that was written.

        Raises:
            OSError: there is no such file.
        """
        content = json.loads(file.read_text(encoding="utf-8"))
        return cls(content["services"], [Town.from_json(one) for one in content["towns"]])
