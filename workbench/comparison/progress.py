"""How a comparison stands while it runs: plain data that a view pulls as often as it likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from workbench.comparison.job import Job
from workbench.trace.runs import RunSummary

JobState = Literal["waiting", "running", "elsewhere", "finished", "no result"]
"""How a run stands; `elsewhere`: another process runs it; `no result`: its run was ended by the surroundings."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A run that is to be made, how it stands, and itself as far as there is one. `own`: this process runs it."""

    job: Job
    state: JobState = "waiting"
    summary: RunSummary | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """All runs in the order of the jobs. `stopped` tells why no more runs are begun, None while they are."""

    jobs: Sequence[JobProgress]
    stopped: str | None = None

    def count(self, *states: JobState) -> int:
        """How many stand so."""
        return sum(job.state in states for job in self.jobs)

    @property
    def done(self) -> int:
        """How many have ended, with a result or without."""
        return self.count("finished", "no result")

    @property
    def own_usd(self) -> Decimal | None:
        """What the runs of this process have cost in USD so far, None when a price is unknown."""
        costs = [_usd(job.summary) for job in self.jobs if job.own and job.summary is not None]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _usd(summary: RunSummary) -> Decimal | None:
    return summary.costs.total if summary.costs is not None else summary.model_usd
