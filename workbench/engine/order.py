"""What a run is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from workbench.jsontypes import JsonObject
from workbench.trace.events import Trigger


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run: the id that the run gets, its input and what caused it.

    Of a replay also its parent, the fork point, and `replay`, what was asked for in the form of `RunStarted.replay`.
    `first_snapshot` names the files that the workspace begins with, None for none. `tools_changed`: the tape's tools
    are not this agent's, so the run has its own from the start. `in_place`: the workspace is the agent's persistent one
    as it is now, whatever the tape says of its files. `spent_before` is what the run that this one resumes has cost, in
    USD: it counts for the budget.
    """

    run_id: str
    input: str
    trigger: Trigger = field(default_factory=Trigger)
    parent_run_id: str | None = None
    fork_step: int | None = None
    fork_call: int | None = None
    replay: JsonObject | None = None
    first_snapshot: str | None = None
    tools_changed: bool = False
    in_place: bool = False
    spent_before: Decimal = Decimal(0)
