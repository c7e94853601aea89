"""The files made from a run's results: each writer knows one of them, and none knows another.

`results.json` itself is written by `grader.resultsfile`, while the run goes on; these are made when it has ended, and
can be made again at any time from it and `evidence.json`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from grader import filing
from grader.exchange import Exchange, write_evidence
from grader.reports.ctrf import Ctrf
from grader.reports.junit import JUnit
from grader.reports.page import Page, warm_up
from grader.results import Results

__all__ = ["EVIDENCE", "WRITERS", "Writer", "warm_up", "write"]

EVIDENCE: Final = "evidence.json"


class Writer(Protocol):
    """Makes one file from the results of a run."""

    filename: str

    def render(self, results: Results, exchanges: Sequence[Exchange]) -> str:
        """Return the content of the file; `exchanges` are all that the run's program had, in order."""


WRITERS: Final[tuple[Writer, ...]] = (JUnit(), Ctrf(), Page())


def write(results: Results, exchanges: Sequence[Exchange], folder: Path) -> list[Path]:
    """Write every report and the evidence into `folder`, each in one step, in the current language.

    Returns:
        The paths of the files written.

    Raises:
        OSError: a file cannot be written.
    """
    write_evidence(folder / EVIDENCE, results.run_id, exchanges)
    for writer in WRITERS:
        filing.replace(folder / writer.filename, writer.render(results, exchanges), durable=False)
    return [folder / EVIDENCE, *(folder / writer.filename for writer in WRITERS)]
