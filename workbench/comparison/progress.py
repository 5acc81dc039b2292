"""How a comparison stands while it runs: plain data that a view pulls as often as it likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from workbench.comparison.plan import Cell
from workbench.trace.runs import RunSummary

CellState = Literal["waiting", "running", "elsewhere", "finished", "no result"]
"""How a cell stands; `elsewhere`: another process runs it; `no result`: its run was ended by the surroundings."""


@dataclass(frozen=True, slots=True)
class CellProgress:
    """A cell, how it stands, and its run as far as there is one. `own`: the run is one of this process."""

    cell: Cell
    state: CellState = "waiting"
    summary: RunSummary | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """All cells in the order of the plan. `stopped` tells why no more runs are begun, None while they are."""

    cells: Sequence[CellProgress]
    stopped: str | None = None

    def count(self, *states: CellState) -> int:
        """How many cells stand so."""
        return sum(cell.state in states for cell in self.cells)

    @property
    def done(self) -> int:
        """How many cells have ended, with a result or without."""
        return self.count("finished", "no result")

    @property
    def own_usd(self) -> Decimal | None:
        """What the runs of this process have cost in USD so far, None when a price is unknown."""
        costs = [_usd(cell.summary) for cell in self.cells if cell.own and cell.summary is not None]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _usd(summary: RunSummary) -> Decimal | None:
    return summary.costs.total if summary.costs is not None else summary.model_usd
