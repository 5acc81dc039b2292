"""The cost meter on a screen: what it shows, and the run rate that the user sets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from workbench.cost.meter import Meter
from workbench.cost.usage import Usage
from workbench.tui.spans import plain
from workbench.tui.widgets.cost_meter import CostMeter
from workbench.tui.widgets.painted_lines import PaintedLines

METER = Meter(usage=Usage(10, 20), replies=1, priced_usd=Decimal("0.03"))


class Host(App[None]):
    """A screen with nothing but the meter, whose messages it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[int] = []
        self.copied: list[str] = []

    def compose(self) -> ComposeResult:
        yield CostMeter()

    def on_cost_meter_rate_changed(self, message: CostMeter.RateChanged) -> None:
        self.rates.append(message.runs_per_month)
        self.show(runs_per_month=message.runs_per_month)

    def on_cost_meter_copy_requested(self, message: CostMeter.CopyRequested) -> None:
        self.copied.append(message.text)

    def show(self, meter: Meter = METER, **given: Any) -> None:
        self.query_one(CostMeter).show(meter, runtime_cost=lambda seconds: Decimal(0), **given)

    def said(self) -> str:
        lines = self.query_one(PaintedLines)
        return "\n".join(plain(lines.line_at(y)) for y in range(lines.size.height))


@pytest.fixture
def host() -> Host:
    return Host()


async def test_before_the_first_run_it_says_so(host: Host) -> None:
    async with host.run_test(size=(40, 20)):
        assert "No run yet" in host.said()


async def test_it_shows_the_meter_that_it_was_given_last(host: Host) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show()
        host.show(Meter(priced_usd=Decimal("0.05")))
        await pilot.pause()
        assert "$0.05" in host.said()
        host.query_one(CostMeter).clear()
        assert "No run yet" in host.said()


async def test_the_run_rate_is_set_with_a_key(host: Host) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show(runs_per_month=1_000)
        host.query_one(CostMeter).focus()
        await pilot.press("R")
        assert host.query_one(Input).value == "1000"
        await pilot.press(*"2500", "enter")
        await pilot.pause()
        assert host.rates == [2_500]
        assert "a month of 2,500 runs" in host.said()
        assert "$75.00" in host.said()
        assert host.focused is host.query_one(CostMeter)
        assert not host.query_one(Input).display


async def test_escape_leaves_the_run_rate_as_it_was(host: Host) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show()
        host.query_one(CostMeter).focus()
        await pilot.press("R", *"77", "escape")
        assert host.rates == []
        assert "a month of 1,000 runs" in host.said()
        assert host.focused is host.query_one(CostMeter)


@pytest.mark.parametrize("typed", ["-5", "", "x"])
async def test_what_is_no_rate_changes_nothing(host: Host, typed: str) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show()
        host.query_one(CostMeter).focus()
        await pilot.press("R", "backspace", *typed, "enter")
        await pilot.pause()
        assert host.rates == []


async def test_a_click_on_the_month_edits_its_rate(host: Host) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show()
        await pilot.pause()
        y = next(y for y, line in enumerate(host.said().splitlines()) if line.startswith("a month"))
        await pilot.click(PaintedLines, offset=(3, y))
        assert host.query_one(Input).display


async def test_it_can_be_copied_as_text(host: Host) -> None:
    async with host.run_test(size=(40, 20)) as pilot:
        host.show()
        host.query_one(CostMeter).focus()
        await pilot.press("y")
        await pilot.pause()
        assert "total so far" in host.copied[0]
        assert "$0.03" in host.copied[0]
