"""The lineage of a run: its parents, where each replay left its tape, what was edited, and what was captured."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Static

from workbench.trace.events import RunStarted
from workbench.tui.replay_lineage import captured_line, lineage_lines


class Lineage(Static):
    """Told by `show` which runs it is about; empty until then."""

    DEFAULT_CSS = """
    Lineage { height: auto; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes, markup=False)

    def show(self, chain: Sequence[tuple[str, RunStarted]]) -> None:
        """Show a run, the last of `chain`, with those of its parents that are known before it, the oldest first."""
        lines = [*lineage_lines(chain), captured_line(chain[-1][1])] if chain else []
        self.update("\n".join(lines))
