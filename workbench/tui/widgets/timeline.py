"""Stand-in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.message import Message
from textual.widgets import RichLog

from workbench.trace.events import Event
from workbench.trace.rows import EventRow


class Timeline(RichLog):
    class Selected(Message):
        def __init__(self, seq: int) -> None:
            super().__init__()
            self.seq = seq

    def show_run(self, rows: Sequence[EventRow], details: Callable[[int], Event]) -> None:
        self.clear()
        self.extend(rows)

    def extend(self, rows: Sequence[EventRow]) -> None:
        for row in rows:
            self.write(f"{row.offset:9.3f} {row.step:>3} {row.type:<15} {row.gist}")

    def live(self, step: int, kind: str, text: str) -> None:
        pass
