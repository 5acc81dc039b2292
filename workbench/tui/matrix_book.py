"""The agent's comparisons as they are stored, for the screen: their names, their reports, their pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.comparison.book import BOOK_FILE, Book
from workbench.comparison.comparing import is_finished, read_report
from workbench.comparison.formats.writing import written
from workbench.comparison.wording import size
from workbench.trace.errors import StoreError
from workbench.trace.places import STATE_FOLDER, state_folder, store_file

REPORTS_FOLDER = "reports"
"""The folder in the state folder that pages are written to."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A comparison in the list: its name, and its size and who answered in words, or what is wrong with it."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A comparison as it stands in the store: its report as the command prints it, and how far it is.

    `finished` says that nothing is left to be run or judged.
    """

    text: str
    done: int
    cells: int
    finished: bool


def listed(folder: Path) -> Sequence[Listed]:
    """The agent's comparisons, the one that was started last first.

    Raises:
        StoreError: the book cannot be read.
    """
    if not (folder / STATE_FOLDER / BOOK_FILE).is_file():
        return ()
    with Book.open(folder) as book:
        return [Listed(name, _about(book, name)) for name in book.names()]


def read_matrix(folder: Path, name: str, stopped: str | None = None) -> Reading:
    """Read a comparison; `stopped` tells why not all of it was run, if that is known.

    Raises:
        StoreError: it is not there, or a file of the agent's state cannot be read.
        DefinitionError: the user's selfhost.yaml cannot be used.
    """
    with Book.open(folder) as book:
        plan = book.plan(name)
        if not store_file(folder).is_file():
            return Reading("Nothing of it has been run yet.\n", 0, len(plan.cells), False)
        report = read_report(folder, plan, book, stopped=stopped)
        done = sum(result.measured is not None for result in report.results)
        return Reading(written(report, "table"), done, len(report.results), is_finished(folder, plan, book))


def write_page(folder: Path, name: str, stopped: str | None = None) -> Path:
    """Write the report of a comparison as one HTML page, over an earlier one; gives the file's whole path.

    Raises:
        StoreError: it is not there, or a file of the agent's state cannot be read.
        DefinitionError: the user's selfhost.yaml cannot be used.
        OSError: the page cannot be written.
    """
    with Book.open(folder) as book:
        report = read_report(folder, book.plan(name), book, stopped=stopped)
    page = state_folder(folder).resolve() / REPORTS_FOLDER / f"{name}.html"
    page.parent.mkdir(mode=0o700, exist_ok=True)
    page.write_text(written(report, "html"), encoding="utf-8")
    return page


def _about(book: Book, name: str) -> str:
    try:
        plan = book.plan(name)
    except StoreError:
        return "damaged"
    return size(plan) + (", offline script" if plan.offline else "")
