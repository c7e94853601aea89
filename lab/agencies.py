"""The agencies that this lab has: what their `service.toml` files say, read as data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.language import Language


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency's service, as its `service.toml` describes it.

    Attributes:
        name: of the folder, such as `population`.
        titles: what people call it, by language.
        port_offset: added to the lab's port base.
        scopes: what a client may be allowed to do, and what each means.
        needs: the agencies that it cannot do without.
    """

    name: str
    titles: Mapping[str, str]
    port_offset: int
    scopes: Mapping[str, str]
    needs: tuple[str, ...]

    def title(self, language: Language) -> str:
        """Returns what people call it."""
        return self.titles.get(language, self.name)

    def url(self, port_base: int) -> str:
        """Returns where it is served in embedded mode."""
        return f"http://127.0.0.1:{port_base + self.port_offset}"


def agencies(root: Path) -> list[Agency]:
    """Returns the agencies of the clone at `root`, by their port offsets."""
    found = [_agency(file) for file in root.glob("services/*/service.toml")]
    return sorted(found, key=lambda agency: agency.port_offset)


def fingerprint(root: Path) -> str:
    """Returns a text that changes whenever the services' code or data files do; reads names, sizes and times only."""
    kinds = {".py", ".toml", ".mo", ".csv", ".json"}
    files = sorted(file for file in (root / "services").rglob("*") if file.suffix in kinds)
    newest = max((file.stat().st_mtime_ns for file in files), default=0)
    total = sum(file.stat().st_size for file in files)
    return f"{len(files)}-{total}-{newest}"


def _agency(file: Path) -> Agency:
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    return Agency(
        name=file.parent.name,
        titles=facts["title"],
        port_offset=facts["port_offset"],
        scopes=facts.get("scopes", {}),
        needs=tuple(facts.get("needs", ())),
    )
