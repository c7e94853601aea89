"""What every command is given."""

from dataclasses import dataclass

from lab.console import Console
from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class Session:
    """One call of `lab`: its settings and where it writes."""

    settings: Settings
    console: Console
