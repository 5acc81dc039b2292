"""The lines of the cost meter in every size, without a screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cost.estimate import Estimate
from workbench.cost.fuse import FuseStatus
from workbench.cost.meter import Meter, StepCost
from workbench.cost.projection import RunCost
from workbench.cost.usage import Usage
from workbench.trace.events import Costs
from workbench.tui.cost_view import CostView, cost_lines
from workbench.tui.spans import plain, width_of

STEPS = tuple(
    StepCost(step, Usage(100, 50, 1_000), Decimal(0) if step < 4 else Decimal("0.001") * step, step < 4)
    for step in range(1, 9)
)
METER = Meter(
    usage=Usage(1_234, 567, 88_000, 1_200, 0, 123, 1),
    replies=5,
    tape_usage=Usage(300, 150, 3_000),
    tape_replies=3,
    priced_usd=Decimal("0.03"),
    steps=STEPS,
    budget_usd=Decimal("0.50"),
    started=datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
    last_at=datetime(2026, 11, 27, 9, 0, 45, tzinfo=UTC),
)
FUSE = FuseStatus("live", Decimal(5), Decimal("3.75"), Decimal("0.03"), Decimal(0), 0, None)
ESTIMATE = Estimate(Decimal("0.0312"), Decimal("0.006"))


def view(meter: Meter = METER, **changes: Any) -> CostView:
    given: dict[str, Any] = {
        "now": None,
        "runtime_cost": lambda seconds: seconds * Decimal("0.08") / 3600,
        "price": lambda usage: Decimal("0.004"),
        "estimate": None,
        "fuse_status": FUSE,
        "runs_per_month": 1_000,
    }
    return CostView.of(meter, **{**given, **changes})


def text(shown: CostView, width: int = 60, height: int = 60) -> list[str]:
    return [plain(line).rstrip() for line in cost_lines(shown, width, height)]


def line(lines: list[str], begin: str) -> str:
    return next(line for line in lines if line.startswith(begin))


@given(
    st.integers(24, 60),
    st.integers(10, 60),
    st.integers(0, 300),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, ESTIMATE, Estimate(None), Estimate(Decimal(1234567), Decimal(1234567))]),
    st.sampled_from([0, 1_000, 999_999_999]),
)
def test_every_size_fits_and_says_the_total(
    width: int, height: int, steps: int, priced: bool, budget: bool, estimate: Estimate | None, rate: int
) -> None:
    meter = replace(
        METER,
        steps=tuple(
            StepCost(step, Usage(1, 1), Decimal(step % 7) if step % 5 else None, False) for step in range(steps)
        ),
        unpriced=0 if priced else 2,
        budget_usd=Decimal(2_000_000) if budget else None,
    )
    lines = cost_lines(view(meter, estimate=estimate, runs_per_month=rate), width, height)
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines)
    said = [plain(line) for line in lines]
    assert said[0].startswith("total so far")
    assert any("month" in line for line in said)
    assert any(line.startswith("fuse") for line in said)


def test_amounts_of_a_run_that_goes_on() -> None:
    lines = text(view())
    assert line(lines, "total so far").endswith("$0.031")
    assert line(lines, "model").endswith("$0.03")
    assert line(lines, "runtime 45.0 s").endswith("$0.001")
    assert line(lines, "cache read").endswith("88,000")
    assert line(lines, "of it thinking").endswith("123")
    assert line(lines, "prompt from cache").endswith("97%")
    assert not any("1 h" in line for line in lines)


def test_runtime_grows_between_events() -> None:
    lines = text(view(now=datetime(2026, 11, 27, 9, 1, 30, tzinfo=UTC)))
    assert line(lines, "runtime 90.0 s").endswith("$0.002")


def test_after_the_end_the_costs_are_facts() -> None:
    ended = replace(METER, recorded=Costs(Decimal("0.04"), Decimal("0.01"), Decimal("0.05"), Decimal("450.0")))
    lines = text(view(ended, estimate=ESTIMATE))
    assert line(lines, "total ").endswith("$0.05")
    assert not any("request" in line for line in lines)
    assert any(line.startswith("from this run ·") for line in lines)


def test_a_request_under_way_is_estimated_and_marked_in_bar_and_plot() -> None:
    before, during = text(view()), text(view(estimate=ESTIMATE))
    assert line(during, "this request, likely").endswith("$0.006")
    assert line(during, "at most").endswith("$0.0312")
    assert "▒" in line(during, "budget")
    assert "▒" not in line(before, "budget")
    assert any("░░░░" in line for line in during if not line.startswith(("budget", "fuse")))


def test_a_first_request_has_a_worst_case_only() -> None:
    lines = text(view(replace(METER, steps=(), replies=0), estimate=Estimate(Decimal("0.0312"))))
    assert line(lines, "this request").endswith("≤ $0.0312")


def test_an_unknown_price_is_said_and_never_nothing() -> None:
    unpriced = replace(METER, unpriced=1, steps=(*STEPS, StepCost(9, Usage(1, 1), None, False)))
    lines = text(view(unpriced))
    assert line(lines, "total").endswith("unknown")
    assert line(lines, "model").endswith("unknown")
    assert line(lines, "runtime").endswith("$0.001")
    assert line(lines, "budget") == "budget unknown of $0.50"
    assert line(lines, "a month").endswith("unknown")
    assert "? unknown" in line(lines, "cost by step")


def test_taped_replies_are_counted_apart_with_what_they_saved() -> None:
    assert "3 replies from tape, saved $0.012" in text(view())
    assert "3 replies from tape, price unknown" in text(view(price=lambda usage: None))
    assert "3 taped, saved $0.012" in text(view(), 24)


@pytest.mark.parametrize(("spent", "role"), [("0.1", "good"), ("3.75", "warn"), ("4.6", "bad")])
def test_a_bar_warns_near_its_limit(spent: str, role: str) -> None:
    lines = cost_lines(view(fuse_status=replace(FUSE, spent=Decimal(spent))), 60, 40)
    bar = next(line for line in lines if plain(line).startswith("fuse"))
    assert bar[1].role == role
    assert f"{Decimal(spent) / 5 * 100:.0f}%" in plain(bar)


def test_a_spent_limit_fills_its_bar_and_no_more() -> None:
    lines = text(view(fuse_status=replace(FUSE, spent=Decimal(50))))
    assert "1000% of $5.00" in line(lines, "fuse")
    assert "░" not in line(lines, "fuse")
    assert "100%" in line(text(view(fuse_status=replace(FUSE, limit=Decimal(0)))), "fuse")


def test_requests_that_the_fuse_cannot_count_are_told() -> None:
    assert "+ 2 of unknown price" in text(view(fuse_status=replace(FUSE, unpriced=2)))


def test_a_month_of_several_runs_has_a_spread() -> None:
    measured = [RunCost(Decimal(usd), Decimal(0)) for usd in ("0.01", "0.02", "0.09")]
    lines = text(view(measured=measured, runs_per_month=3_000))
    assert line(lines, "a month of 3,000 runs").endswith("$60.00")
    assert "$30.00 to $270.00 by 3 runs" in lines


def test_a_small_pane_keeps_one_line_of_each() -> None:
    assert text(view(), 24, 10) == [
        "total so far      $0.031",
        "model              $0.03",
        "runtime 45.0 s    $0.001",
        "budget ▋░░░░░░░░░░░   6%",
        "fuse   █████████░░░  75%",
        "tok in 90.4k  out 567",
        "prompt from cache    97%",
        "3 taped, saved $0.012",
        "by step ┄ ┄ ┄ ▄ ▅ ▆ ▇ █",
        "month of 1,000    $31.00",
    ]


def test_hundreds_of_steps_share_columns() -> None:
    many = tuple(StepCost(step, Usage(1, 1), Decimal("0.001"), False) for step in range(1, 301))
    lines = text(view(replace(METER, steps=many)))
    assert line(lines, "cost by 5 steps").endswith("max $0.005")
    assert any(line.startswith("1 ") and line.endswith("300") for line in lines)
