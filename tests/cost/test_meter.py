"""The meter is a fold: what it shows does not depend on how the events came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.cost.meter import Meter, StepCost
from workbench.cost.usage import Usage
from workbench.trace.events import (
    Costs,
    Event,
    EventData,
    FailureState,
    Message,
    ModelResponse,
    Notice,
    RunCompleted,
    RunFailed,
    RunStarted,
    Trigger,
)

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

BEGIN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
STARTED = RunStarted("a", "d", {}, Trigger(), "in", "m", "api", None, Decimal("0.25"))
END = Costs(Decimal("0.5"), Decimal("0.25"), Decimal("0.75"), Decimal("9.876"))


def reply(usage: Usage, cost: Decimal | None, origin: Any = "live") -> ModelResponse:
    return ModelResponse("m", (), "end_turn", usage, cost, 1.0, None, None, origin=origin)


def sandbox(started_at: object = BEGIN.isoformat()) -> Notice:
    return Notice("sandbox", "gVisor proven", data={"started_at": started_at})  # type: ignore[dict-item]


def run(*data: tuple[int, EventData]) -> list[Event]:
    """A second passes with each event."""
    return [
        Event("r", seq, step, BEGIN + timedelta(seconds=seq), float(seq), item)
        for seq, (step, item) in enumerate(data, start=1)
    ]


def hourly(seconds: Decimal) -> Decimal:
    return seconds * Decimal("0.08") / 3600


REPLIES = st.builds(
    reply,
    st.builds(Usage, *[st.integers(0, 1_000)] * 7),
    st.one_of(st.none(), st.decimals(0, 1, places=6)),
    st.sampled_from(["live", "live", "tape", "edited"]),
)
ENDS = st.sampled_from(
    [
        RunCompleted("", "end_turn", 1, Usage(), END, 1.0),
        RunFailed("timeout", "", FailureState(1, 1), 1, Usage(), END, 1.0),
    ]
)
DATA: st.SearchStrategy[Any] = st.one_of(REPLIES, st.just(Message("m")), st.just(sandbox()), st.just(STARTED), ENDS)
EVENTS = st.lists(st.tuples(st.integers(0, 4), DATA), max_size=25).map(lambda items: run(*items))


@CALM
@given(EVENTS, st.lists(st.integers(0, 25), max_size=6))
def test_any_portions_give_the_same(events: list[Event], cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(events)]
    meter = Meter()
    for begin, end in pairwise(places):
        meter = meter.after(events[begin:end])
    assert meter == Meter().after(events)


@CALM
@given(EVENTS)
def test_the_parts_add_up(events: Sequence[Event]) -> None:
    meter = Meter().after(events)
    total = sum((step.usage for step in meter.steps), Usage())
    assert total == meter.usage + meter.tape_usage
    replies = [event.data for event in events if isinstance(event.data, ModelResponse)]
    assert meter.replies + meter.tape_replies == len(replies)
    assert meter.priced_usd == sum((r.cost_usd or Decimal(0) for r in replies if r.origin == "live"), Decimal(0))
    costs = meter.costs(hourly)
    if costs.model is not None:
        assert costs.total == costs.model + costs.runtime


def test_a_run_that_goes_on() -> None:
    events = run(
        (0, STARTED),
        (0, sandbox((BEGIN - timedelta(seconds=2)).isoformat())),
        (1, reply(Usage(100, 10), Decimal("0.001"))),
        (2, reply(Usage(20, 10, 380), Decimal("0.002"))),
        (2, reply(Usage(0, 5), Decimal("0.003"))),
    )
    meter = Meter().after(events)
    assert meter.usage == Usage(120, 25, 380)
    assert (meter.model_usd, meter.unpriced, meter.budget_usd) == (Decimal("0.006"), 0, Decimal("0.25"))
    assert meter.steps == (
        StepCost(1, Usage(100, 10), Decimal("0.001"), False),
        StepCost(2, Usage(20, 15, 380), Decimal("0.005"), False),
    )
    assert meter.cache_hit_share == Decimal("0.76")
    assert meter.runtime_seconds() == 7
    assert meter.runtime_seconds(BEGIN + timedelta(seconds=10, microseconds=4_900)) == Decimal("12.004")
    assert meter.costs(hourly) == Costs(
        Decimal("0.006"), hourly(Decimal(7)), Decimal("0.006") + hourly(Decimal(7)), Decimal(7)
    )


def test_what_comes_from_a_tape_or_was_edited_costs_nothing() -> None:
    meter = Meter().after(
        run(
            (1, reply(Usage(100, 10), Decimal("0.9"), "tape")),
            (2, reply(Usage(50, 5), Decimal("0.9"), "edited")),
            (3, reply(Usage(10, 1), Decimal("0.1"))),
        )
    )
    assert (meter.usage, meter.tape_usage) == (Usage(10, 1), Usage(150, 15))
    assert (meter.replies, meter.tape_replies) == (1, 2)
    assert meter.model_usd == Decimal("0.1")
    assert [(step.from_tape, step.model_usd) for step in meter.steps] == [(True, 0), (True, 0), (False, Decimal("0.1"))]


def test_an_unknown_price_makes_the_total_unknown_and_what_is_known_stays() -> None:
    meter = Meter().after(run((1, reply(Usage(1, 1), None)), (1, reply(Usage(1, 1), Decimal("0.1")))))
    costs = meter.costs(hourly)
    assert (costs.model, costs.total, costs.runtime) == (None, None, Decimal(0))
    assert (meter.unpriced, meter.priced_usd) == (1, Decimal("0.1"))
    assert meter.steps[0].model_usd is None


def test_the_end_of_the_run_states_the_costs() -> None:
    end = RunCompleted("", "end_turn", 1, Usage(1, 1), END, 1.0)
    meter = Meter().after(run((0, sandbox()), (1, reply(Usage(1, 1), None)), (1, end)))
    assert meter.costs(hourly) == END
    assert (meter.model_usd, meter.runtime_seconds(BEGIN + timedelta(days=1))) == (END.model, END.runtime_seconds)


def test_without_a_container_there_is_no_runtime() -> None:
    assert Meter().after(run((0, STARTED), (1, Message("x")))).runtime_seconds() == 0
    assert Meter().runtime_seconds(BEGIN) == 0
    assert Meter().cache_hit_share is None


def test_a_replaced_container_goes_on_with_the_first_one_s_time() -> None:
    meter = Meter().after(run((0, sandbox()), (1, sandbox((BEGIN + timedelta(seconds=1)).isoformat()))))
    assert meter.started == BEGIN


@pytest.mark.parametrize("told", [None, 5, "soon", "2026-11-22T09:00:00", ["x"]])
def test_a_notice_that_tells_no_start_starts_nothing(told: object) -> None:
    assert Meter().after(run((0, sandbox(told)))).started is None
    assert Meter().after(run((0, Notice("sandbox", "x")))).started is None
    assert Meter().after(run((0, Notice("sandbox", "x")), (0, sandbox()))).started == BEGIN


def test_a_clock_that_goes_back_never_makes_a_negative_runtime() -> None:
    meter = Meter().after(run((0, sandbox((BEGIN + timedelta(hours=1)).isoformat()))))
    assert meter.runtime_seconds() == 0
