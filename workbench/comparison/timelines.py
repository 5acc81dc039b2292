"""The timelines of the variants side by side, for each input: what corresponds is in one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.comparison.plan import Plan, PlannedInput, Variant
from workbench.comparison.results import Result
from workbench.trace.alignment import Key, align
from workbench.trace.rows import EventRow
from workbench.trace.store import Store

MOST_RUNS = 4
"""More timelines side by side cannot be read."""

MOST_INPUTS = 5
MOST_ROWS = 400

_SHOWN = frozenset({"reasoning", "message", "tool_call", "tool_result", "run_completed", "run_failed"})


@dataclass(frozen=True, slots=True)
class AlignedRow:
    """What the runs did at the same point; None for one that did nothing of the kind."""

    cells: Sequence[EventRow | None]

    @property
    def is_same(self) -> bool:
        """Whether all runs have the very same here, as far as a timeline tells."""
        said = {None if cell is None else (cell.type, cell.tool, cell.gist) for cell in self.cells}
        return len(said) == 1


@dataclass(frozen=True, slots=True)
class AlignedTimelines:
    """The first run of each variant on one input, side by side. `left_out` rows at the end are missing."""

    input: PlannedInput
    variants: Sequence[Variant]
    run_ids: Sequence[str]
    rows: Sequence[AlignedRow]
    left_out: int = 0


def read_timelines(plan: Plan, results: Sequence[Result], store: Store) -> Sequence[AlignedTimelines]:
    """The aligned timelines of the first inputs of a comparison, of up to four variants each.

    Raises:
        StoreError: the store cannot be read.
    """
    found = (_of_input(item, results, store) for item in plan.inputs[:MOST_INPUTS])
    return [timelines for timelines in found if timelines is not None]


def _of_input(item: PlannedInput, results: Sequence[Result], store: Store) -> AlignedTimelines | None:
    first: dict[Variant, str] = {}
    for result in results:
        if result.cell.input == item and result.measured is not None:
            first.setdefault(result.cell.variant, result.measured.run_id)
    chosen = list(first.items())[:MOST_RUNS]
    if len(chosen) < 2:
        return None
    runs = [[row for row in store.rows(run_id) if row.type in _SHOWN] for _, run_id in chosen]
    rows = [
        AlignedRow([None if at is None else run[at] for run, at in zip(runs, places, strict=True)])
        for places in align([[_key(row) for row in run] for run in runs])
    ]
    return AlignedTimelines(
        input=item,
        variants=[variant for variant, _ in chosen],
        run_ids=[run_id for _, run_id in chosen],
        rows=rows[:MOST_ROWS],
        left_out=max(0, len(rows) - MOST_ROWS),
    )


def _key(row: EventRow) -> Key:
    return Key((row.type, row.tool, row.gist), (row.type, row.tool))
