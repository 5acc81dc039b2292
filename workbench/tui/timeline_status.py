"""What a timeline's head says of the whole: `⇣ 1,204 of 100,000 · 3/17 “refund” · kind:tool_call`."""

from __future__ import annotations

from workbench.tui.timeline_search import TimelineSearch
from workbench.tui.timeline_view import TimelineView

FOLLOWING = "⇣"


def status(view: TimelineView, search: TimelineSearch, selected: int | None, filter_text: str, *, follow: bool) -> str:
    """Whether it follows, how many rows, which hit of the search the selected row is, which filter."""
    shown, count = len(view), len(view.rows)
    said = [FOLLOWING] if follow else []
    said.append(f"{shown:,} of {count:,}" if filter_text else f"{count:,} events")
    if search.needle:
        rank = None if selected is None else search.rank(selected)
        said.append(f"· {rank or '-'}/{len(search.hits):,} “{search.needle}”")
    if filter_text:
        said.append(f"· {filter_text}")
    return " ".join(said)
