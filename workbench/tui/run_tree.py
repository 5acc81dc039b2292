"""Runs as a tree: each replay below the run that it was made from. A pure fold over summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from workbench.tui.amounts import short_money, short_time

if TYPE_CHECKING:
    from workbench.trace.runs import RunSummary

MARKS: Mapping[str, tuple[str, str]] = {
    "running": ("●", "$accent"),
    "completed": ("✓", "$success"),
    "failed": ("✗", "$error"),
    "interrupted": ("◌", "$warning"),
}
"""A glyph and a colour for each status; the glyph alone tells it."""

_WITH_TIME = 36
"""Cells from which on the line of a run tells how long it took."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of the tree: the run, and the lines that lead to it from its parent."""

    run: RunSummary
    lead: str = ""


def tree(newest_first: Sequence[RunSummary]) -> Sequence[Branch]:
    """All runs, newest first; replays follow the run that they were made from, oldest first, whatever their age.

    A replay whose parent is not among them stands by itself.
    """
    known = {run.run_id for run in newest_first}
    children: dict[str, list[RunSummary]] = {}
    for run in reversed(newest_first):
        if run.parent_run_id in known and run.parent_run_id != run.run_id:
            children.setdefault(str(run.parent_run_id), []).append(run)
    branches: list[Branch] = []
    for run in newest_first:
        if run.parent_run_id not in known or run.parent_run_id == run.run_id:
            _grow(branches, run, "", "", children)
    return branches


def _grow(
    branches: list[Branch], run: RunSummary, lead: str, below: str, children: Mapping[str, Sequence[RunSummary]]
) -> None:
    branches.append(Branch(run, lead))
    replays = children.get(run.run_id, ())
    for number, replay in enumerate(replays, start=1):
        last = number == len(replays)
        _grow(branches, replay, below + ("└ " if last else "├ "), below + ("  " if last else "│ "), children)


def cost_of(run: RunSummary) -> Decimal | None:
    """What the run has cost in USD so far, None where a price is unknown."""
    return run.costs.total if run.costs is not None else run.model_usd


def branch_line(branch: Branch, name: str, now: datetime, width: int, *, shown: bool, marked: bool = False) -> Content:
    """The line of a run in `width` cells: its status, when it began, `name`, which says what it answered, its cost.

    How long it took is told where there is room. The run that is `shown` stands out, one that is `marked` has a
    mark of its own.
    """
    run = branch.run
    mark, colour = ("◆", "$accent") if marked else MARKS[run.status]
    at = run.started_at.astimezone()
    when = f"{at:%H:%M}" if at.date() == now.astimezone().date() else f"{at:%d %b}"
    origin = f"@{run.fork_step} " if run.fork_step is not None else ""
    took = f" {short_time(run.duration):>6}" if width >= _WITH_TIME else ""
    numbers = f" {short_money(cost_of(run)):>7}{took}"
    room = width - cell_len(f"{branch.lead}{mark} {when} {origin}{numbers}")
    return Content.assemble(
        (branch.lead, "$foreground 40%"),
        (f"{mark} ", colour),
        (f"{when} ", "$foreground 60%"),
        (origin, "$accent"),
        (set_cell_size(_cut(name, room), max(0, room)), "bold $primary" if shown else ""),
        (numbers, "$foreground 70%"),
    )


def _cut(name: str, room: int) -> str:
    return name if cell_len(name) <= room else set_cell_size(name, max(0, room - 1)) + "…"
