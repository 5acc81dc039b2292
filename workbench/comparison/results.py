"""What came of a comparison: one result for each cell, read from the runs in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from workbench.comparison.book import Book
from workbench.comparison.plan import Cell, Plan
from workbench.comparison.standing import Standing, standing
from workbench.trace.events import RunCompleted
from workbench.trace.runs import RunSummary
from workbench.trace.store import Store

Outcome = Literal["completed", "failed", "no result"]
"""Whether the run ended with an answer, ended without one by what the variant does, or says nothing about it."""

_FIRST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """How many of the checks of the agent's cases a run passed; `failed` tells of the others, one each."""

    passed: int
    of: int
    failed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A run with a result.

    `output` is the answer, None when there is none. `seconds` is the time from the first request to the model to the
    end: starting the sandbox is not in it. Costs are USD, None where a price is unknown. `checked` is None where no
    case of the agent has this input.
    """

    run_id: str
    completed: bool
    error: str | None
    output: str | None
    seconds: Decimal
    steps: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    runtime_seconds: Decimal
    model_usd: Decimal | None
    runtime_usd: Decimal
    total_usd: Decimal | None
    checked: Checked | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A cell and what came of it. `measured` is None where there is no result; `error` and `run_id` then say why."""

    cell: Cell
    measured: Measured | None
    run_id: str | None = None
    error: str | None = None

    @property
    def outcome(self) -> Outcome:
        """How the cell ended."""
        if self.measured is None:
            return "no result"
        return "completed" if self.measured.completed else "failed"


def read_results(plan: Plan, book: Book, store: Store) -> Sequence[Result]:
    """A result for each cell of the plan, in its order.

    Raises:
        StoreError: a file of the agent's state cannot be read.
    """
    claims = book.claims(plan.name)
    found = []
    for cell in plan.cells:
        claim = claims.get(cell.key)
        stands, summary = standing(claim, store)
        if stands is Standing.FINISHED and summary is not None:
            found.append(Result(cell, measured(summary, store), summary.run_id))
        else:
            error = "not run yet" if summary is None else summary.error or summary.status
            found.append(Result(cell, None, summary.run_id if summary else None, error))
    return found


def measured(summary: RunSummary, store: Store) -> Measured:
    """The figures of a run that has ended."""
    first_rows = store.rows(summary.run_id, limit=_FIRST_ROWS)
    asked_at = next((row.offset for row in first_rows if row.type == "model_request"), 0.0)
    ends = [event.data for event in store.events(summary.run_id, types=("run_completed",))]
    output = ends[0].output if ends and isinstance(ends[0], RunCompleted) else None
    costs = summary.costs
    return Measured(
        run_id=summary.run_id,
        completed=summary.status == "completed",
        error=summary.error,
        output=output,
        seconds=(Decimal(str(summary.duration)) - Decimal(str(asked_at))).quantize(Decimal("0.001")),
        steps=summary.steps,
        tool_calls=summary.tool_calls,
        input_tokens=summary.usage.total_input_tokens,
        output_tokens=summary.usage.output_tokens,
        runtime_seconds=costs.runtime_seconds if costs else Decimal(0),
        model_usd=costs.model if costs else None,
        runtime_usd=costs.runtime if costs else Decimal(0),
        total_usd=costs.total if costs else None,
    )
