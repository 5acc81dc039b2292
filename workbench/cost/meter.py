"""The meter of a run: a pure fold over its events, the same live, reopened, replayed and exported.

Two meters run, as with the hosted service. The model's counts the replies that were asked for live; what comes from a
tape or was edited costs nothing and is counted apart. The runtime's runs from the start of the container, which the
`sandbox` notice tells as `started_at`, to the last event, which in a finished run is its final message; a run without a
container has no runtime. Once the run has ended its own record of the costs stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from workbench.cost.usage import Usage
from workbench.trace.events import Costs, Event, ModelResponse, Notice, RunCompleted, RunFailed, RunStarted

_NOTHING = Usage()
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class StepCost:
    """What the replies of one step used and cost in USD, None when a price is unknown; from tape: 0."""

    step: int
    usage: Usage
    model_usd: Decimal | None
    from_tape: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """The meter after some events. `Meter()` is that of a run that has not begun.

    `usage` and `replies` are what was asked for live, `tape_usage` and `tape_replies` what came from a tape or was
    edited. `priced_usd` adds up the live replies whose price is known, `unpriced` counts the others. `started` is the
    start of the container, `last_at` the time of the last event, `recorded` the costs that the run's end states.
    """

    usage: Usage = _NOTHING
    replies: int = 0
    tape_usage: Usage = _NOTHING
    tape_replies: int = 0
    priced_usd: Decimal = _ZERO
    unpriced: int = 0
    steps: Sequence[StepCost] = ()
    budget_usd: Decimal | None = None
    started: datetime | None = None
    last_at: datetime | None = None
    recorded: Costs | None = None

    def after(self, events: Iterable[Event]) -> Meter:
        """The meter after these events, which follow those that it has counted; in one go or in any portions."""
        meter, steps = self, list(self.steps)
        last_at = self.last_at
        for event in events:
            last_at = event.at
            match event.data:
                case ModelResponse() as reply:
                    meter = meter._with_reply(reply)
                    _add_to_step(steps, event.step, reply)
                case Notice(kind="sandbox", origin="live") as notice if meter.started is None:
                    meter = replace(meter, started=_container_start(notice))
                case RunStarted() as begin:
                    meter = replace(meter, budget_usd=begin.budget_usd)
                case RunCompleted() | RunFailed() as end:
                    meter = replace(meter, recorded=end.costs)
                case _:
                    pass
        return replace(meter, steps=tuple(steps), last_at=last_at)

    @property
    def model_usd(self) -> Decimal | None:
        """The model's cost so far in USD, None when a price is unknown."""
        if self.recorded is not None:
            return self.recorded.model
        return None if self.unpriced else self.priced_usd

    @property
    def cache_hit_share(self) -> Decimal | None:
        """The share of all live prompt tokens that was read from the cache, 0 to 1; None before the first."""
        total = self.usage.total_input_tokens
        return Decimal(self.usage.cache_read_tokens) / total if total else None

    def runtime_seconds(self, now: datetime | None = None) -> Decimal:
        """Seconds from the container's start to `now` (by default the last event), to the millisecond."""
        if self.recorded is not None:
            return self.recorded.runtime_seconds
        end = now or self.last_at
        if self.started is None or end is None or end < self.started:
            return _ZERO
        return Decimal((end - self.started) // timedelta(milliseconds=1)) / 1000

    def costs(self, runtime_cost: Callable[[Decimal], Decimal], now: datetime | None = None) -> Costs:
        """The costs so far, at `now` or at the last event; `runtime_cost` is that of the price list."""
        if self.recorded is not None:
            return self.recorded
        seconds = self.runtime_seconds(now)
        model, runtime = self.model_usd, runtime_cost(seconds)
        return Costs(model, runtime, None if model is None else model + runtime, seconds)

    def _with_reply(self, reply: ModelResponse) -> Meter:
        if reply.origin != "live":
            return replace(self, tape_usage=self.tape_usage + reply.usage, tape_replies=self.tape_replies + 1)
        return replace(
            self,
            usage=self.usage + reply.usage,
            replies=self.replies + 1,
            priced_usd=self.priced_usd + (reply.cost_usd or _ZERO),
            unpriced=self.unpriced + (reply.cost_usd is None),
        )


def _add_to_step(steps: list[StepCost], step: int, reply: ModelResponse) -> None:
    live = reply.origin == "live"
    cost = reply.cost_usd if live else _ZERO
    if not steps or steps[-1].step != step:
        steps.append(StepCost(step, reply.usage, cost, not live))
        return
    before = steps[-1]
    both = None if before.model_usd is None or cost is None else before.model_usd + cost
    steps[-1] = StepCost(step, before.usage + reply.usage, both, before.from_tape and not live)


def _container_start(notice: Notice) -> datetime | None:
    told = (notice.data or {}).get("started_at")
    try:
        start = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return start if start is not None and start.tzinfo is not None else None
