"""Stand-in."""

from __future__ import annotations

from textual.widgets import Static

from workbench.cost.meter import Meter


class CostMeter(Static, can_focus=True):
    def show(self, meter: Meter) -> None:
        self.update(f"{meter.usage}\n{meter.model_usd}")
