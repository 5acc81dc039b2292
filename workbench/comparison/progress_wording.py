"""How a comparison stands, in words: the same for the command and the screen."""

from __future__ import annotations

from workbench.comparison.progress import Progress
from workbench.cost.amounts import usd


def how_it_stands(progress: Progress) -> str:
    """`5 of 12 runs · 3 under way · $0.012345`: what has ended, what goes on, what this process has spent so far."""
    parts = [f"{progress.done} of {len(progress.jobs)} runs", f"{progress.count('running')} under way"]
    if elsewhere := progress.count("elsewhere"):
        parts.append(f"{elsewhere} in another workbench")
    parts.append(usd(progress.own_usd))
    if progress.stopped:
        parts.append(f"stopping: {progress.stopped}")
    return " · ".join(parts)
