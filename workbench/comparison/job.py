"""A run that a comparison needs: one of its cells, or a judgement about two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.comparison.planning import Planned
from workbench.definition.agent import AgentDefinition


@dataclass(frozen=True, slots=True)
class Job:
    """`definition` is to answer `text`, its workspace beginning with the snapshot `files` if there is one.

    `key` is the digest of all that the run depends on; `label` says to a person which one it is.
    """

    key: str
    label: str
    text: str
    definition: AgentDefinition
    files: str | None = None


def cell_jobs(planned: Planned) -> Sequence[Job]:
    """The cells of a plan, in its order."""
    plan = planned.plan
    return [
        Job(
            key=cell.key,
            label=f"{cell.variant.name} · {cell.input.name} · {cell.repeat}",
            text=cell.input.text,
            definition=planned.definitions[cell.variant.digest],
            files=plan.files,
        )
        for cell in plan.cells
    ]
