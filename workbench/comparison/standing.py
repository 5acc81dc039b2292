"""How a cell of a comparison stands, from its claim and the run that the claim names."""

from __future__ import annotations

from enum import Enum

from workbench.comparison.book import Claim
from workbench.trace.errors import RunNotFoundError
from workbench.trace.owner import is_alive
from workbench.trace.runs import RunSummary
from workbench.trace.store import Store

NO_RESULT = frozenset({"cancelled", "interrupted", "fuse", "model_error", "sandbox", "tools", "definition", "internal"})
"""Failures that say nothing about a variant: the surroundings ended the run. The next start runs such a cell again.

All others (timeout, max_iterations, budget, refusal, max_tokens, context_window) are what the variant does with the
input, and stand.
"""


class Standing(Enum):
    """How a cell stands."""

    WAITING = "waiting"
    """No run answers for it, or one that ended without a result."""
    RUNNING = "running"
    """A living process runs it."""
    FINISHED = "finished"
    """Its run has a result; it is never run again."""


def standing(claim: Claim | None, store: Store) -> tuple[Standing, RunSummary | None]:
    """How a cell with this claim stands, and its run as far as there is one.

    Raises:
        StoreError: the store cannot be read.
    """
    if claim is None:
        return Standing.WAITING, None
    try:
        summary = store.run(claim.run_id)
    except RunNotFoundError:
        return (Standing.RUNNING if is_alive(claim.owner) else Standing.WAITING), None
    if has_result(summary):
        return Standing.FINISHED, summary
    return (Standing.RUNNING if summary.status == "running" else Standing.WAITING), summary


def has_result(summary: RunSummary) -> bool:
    """Whether the run has ended in a way that says something about its variant."""
    return summary.ended and summary.error not in NO_RESULT
