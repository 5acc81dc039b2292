"""What the cost meter shows: a view of one run's meter, and the lines that it makes of it in any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from workbench.cost.estimate import Estimate, PriceOfReply
from workbench.cost.fuse import FuseStatus
from workbench.cost.meter import Meter
from workbench.cost.projection import Projection, RunCost, project
from workbench.cost.usage import Usage
from workbench.trace.events import Costs
from workbench.tui.amounts import short_count
from workbench.tui.cost_plot import PlotStep, plot
from workbench.tui.money_text import percent, usd
from workbench.tui.spans import Line, Span, fitted, width_of

NARROWEST = 24
"""Cells that the meter needs."""

_WIDEST = 72
"""Cells that lines are stretched to; beyond it amounts would stand too far from their names."""

_WIDE = 36
_PLOT_ROWS = 8
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CostView:
    """Everything that the meter shows of a run.

    `tape_saved` is what the taped replies would have cost live, as far as prices are known; None when none is.
    `expected` is set while a request is under way. `is_final` says that the run has ended and its costs are facts.
    """

    usage: Usage
    costs: Costs
    steps: Sequence[PlotStep]
    cache_hit_share: Decimal | None
    budget_usd: Decimal | None
    fuse: FuseStatus | None
    request: Estimate | None
    tape_replies: int
    tape_saved: Decimal | None
    projection: Projection
    is_final: bool

    @classmethod
    def of(
        cls,
        meter: Meter,
        *,
        now: datetime | None,
        runtime_cost: Callable[[Decimal], Decimal],
        price: PriceOfReply,
        estimate: Estimate | None,
        fuse_status: FuseStatus | None,
        runs_per_month: int,
        measured: Sequence[RunCost] = (),
    ) -> Self:
        """The view of a meter at `now` (None: at its last event).

        `price` is what a reply of the run's model costs live; `measured` the runs that the month is projected from,
        by default this run as it stands.
        """
        costs = meter.costs(runtime_cost, now)
        saved = [price(step.usage) for step in meter.steps if step.from_tape]
        known = [amount for amount in saved if amount is not None]
        request = None if meter.recorded is not None else estimate
        steps = [PlotStep(step.step, step.model_usd, step.from_tape) for step in meter.steps]
        if request is not None:
            following = steps[-1].step + 1 if steps else 1
            steps.append(PlotStep(following, request.expected_usd, from_tape=False, is_pending=True))
        return cls(
            usage=meter.usage,
            costs=costs,
            steps=tuple(steps),
            cache_hit_share=meter.cache_hit_share,
            budget_usd=meter.budget_usd,
            fuse=fuse_status,
            request=request,
            tape_replies=meter.tape_replies,
            tape_saved=sum(known, _ZERO) if known else None,
            projection=project(runs_per_month, measured or [RunCost(costs.model, costs.runtime)]),
            is_final=meter.recorded is not None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """A part of the meter in several sizes, the smallest first.

    `rank` decides who gives way when there is no room at all, and who may grow first when there is: 0 is the first.
    Between groups there is an empty line where there is room for all of them.
    """

    group: int
    rank: int
    sizes: Sequence[Sequence[Line]]


def cost_lines(view: CostView, width: int, height: int) -> Sequence[Line]:
    """The meter in `width` (from 24) by `height` cells: every part that fits, larger where there is room."""
    width = min(width, _WIDEST)
    sections = [
        _total(view, width),
        _request(view, width),
        _budget(view, width),
        _fuse(view, width),
        _tokens(view, width),
        _cache(view, width),
        _tape(view, width),
        _plot(view, width),
        _month(view, width),
    ]
    chosen = _chosen([section for section in sections if section.sizes], height)
    parted = sum(map(len, chosen.values())) + len({section.group for section in chosen}) - 1 <= height
    lines: list[Line] = []
    group = 0
    for section, part in chosen.items():
        if parted and lines and section.group != group:
            lines.append(())
        group = section.group
        lines.extend(fitted(line, width) for line in part)
    return lines


def _chosen(sections: Sequence[_Section], height: int) -> dict[_Section, Sequence[Line]]:
    """A size for each section: the smallest of as many as fit, then larger ones by rank."""
    shown = list(sections)
    while shown and sum(len(section.sizes[0]) for section in shown) > height:
        shown.remove(max(shown, key=lambda section: section.rank))
    sizes = {section: section.sizes[0] for section in shown}
    for section in sorted(shown, key=lambda section: section.rank):
        for larger in section.sizes[1:]:
            used = sum(map(len, sizes.values())) - len(sizes[section])
            if used + len(larger) <= height:
                sizes[section] = larger
    return sizes


def _total(view: CostView, width: int) -> _Section:
    total = _amount("total" if view.is_final else "total so far", view.costs.total, width, "strong")
    runtime = f"runtime {view.costs.runtime_seconds:.1f} s"
    parts = [_amount("model", view.costs.model, width), _amount(runtime, view.costs.runtime, width)]
    return _Section(0, 0, [[total], [total, *parts]])


def _request(view: CostView, width: int) -> _Section:
    if view.request is None:
        return _Section(0, 2, [])
    worst, expected = view.request.worst_usd, view.request.expected_usd
    most = "unknown" if worst is None else f"≤ {usd(worst)}"
    if expected is None:
        return _Section(0, 2, [[_pair(Span("this request", "pending"), Span(most, "pending"), width)]])
    small = _pair(Span("request", "pending"), Span(f"{usd(expected)} {most}", "pending"), width)
    lines = [
        _pair(
            Span("this request, likely" if width >= _WIDE else "likely now", "pending"),
            Span(usd(expected), "pending"),
            width,
        ),
        _pair(Span("at most", "pending"), Span(usd(worst), "pending"), width),
    ]
    return _Section(0, 2, [[small], lines])


def _budget(view: CostView, width: int) -> _Section:
    if view.budget_usd is None:
        return _Section(1, 1, [])
    held = _ZERO if view.request is None else view.request.worst_usd or _ZERO
    return _Section(1, 1, [[_bar("budget", view.costs.total, held, view.budget_usd, width)]])


def _fuse(view: CostView, width: int) -> _Section:
    if view.fuse is None:
        return _Section(1, 3, [])
    held = view.fuse.reserved + view.fuse.abandoned
    bar = _bar("fuse", view.fuse.spent, held, view.fuse.limit, width)
    if not view.fuse.unpriced:
        return _Section(1, 3, [[bar]])
    note = Span(f"+ {view.fuse.unpriced} of unknown price", "warn")
    return _Section(1, 3, [[bar], [bar, (note,)]])


def _tokens(view: CostView, width: int) -> _Section:
    usage = view.usage
    name = Span("tokens  " if width >= _WIDE else "tok ", "label")
    small = (name, Span(f"in {short_count(usage.total_input_tokens)}  out {short_count(usage.output_tokens)}", "value"))
    kinds = (
        ("input tokens", usage.input_tokens, True),
        ("cache read", usage.cache_read_tokens, False),
        ("cache write 5 m", usage.cache_write_5m_tokens, False),
        ("cache write 1 h", usage.cache_write_1h_tokens, False),
        ("output tokens", usage.output_tokens, True),
        ("of it thinking", usage.thinking_tokens, False),
        ("web searches", usage.web_searches, False),
    )
    lines = [
        _pair(Span(kind, "label"), Span(f"{amount:,}", "value"), width)
        for kind, amount, is_always_shown in kinds
        if amount or is_always_shown
    ]
    return _Section(2, 4, [[small], lines])


def _cache(view: CostView, width: int) -> _Section:
    share = view.cache_hit_share
    if share is None:
        return _Section(2, 7, [])
    said = Span(percent(share), "good" if share >= Decimal("0.5") else "value")
    return _Section(2, 7, [[_pair(Span("prompt from cache", "label"), said, width)]])


def _tape(view: CostView, width: int) -> _Section:
    if not view.tape_replies:
        return _Section(2, 5, [])
    saved = "price unknown" if view.tape_saved is None else f"saved {usd(view.tape_saved)}"
    replies = "reply" if view.tape_replies == 1 else "replies"
    whole = f"{view.tape_replies} {replies} from tape, {saved}"
    text = whole if len(whole) <= width else f"{view.tape_replies} taped, {saved}"
    return _Section(2, 5, [[(Span(text, "tape"),)]])


def _plot(view: CostView, width: int) -> _Section:
    if not view.steps:
        return _Section(3, 8, [])
    return _Section(3, 8, [plot(view.steps, width, rows) for rows in range(1, _PLOT_ROWS + 1)])


def _month(view: CostView, width: int) -> _Section:
    projection = view.projection
    spread = projection.total
    amount = None if spread is None else spread.median
    runs = projection.runs_per_month
    name = f"a month of {runs:,} runs" if width >= _WIDE else f"month of {runs:,}"
    role = "strong" if amount is not None else "unknown"
    first = _pair(Span(name, "label"), Span(usd(amount), role), width)
    if spread is None or projection.measured_runs < 2:
        basis = "from this run so far" if not view.is_final else "from this run"
        note = f"{basis} · R changes" if width >= _WIDE else "R: runs a month"
        return _Section(4, 6, [[first], [first, (Span(note, "label"),)]])
    note = f"{usd(spread.low)} to {usd(spread.high)} by {projection.measured_runs} runs"
    more = [(Span(note, "label"),), (Span("R: runs a month", "label"),)]
    return _Section(4, 6, [[first], [first, more[0]], [first, *more]])


def _amount(name: str, amount: Decimal | None, width: int, role: str = "value") -> Line:
    return _pair(Span(name, "label"), Span(usd(amount), "unknown" if amount is None else role), width)


def _pair(name: Span, value: Span, width: int) -> Line:
    """A name at the left and its value at the right."""
    room = width - width_of((value,)) - 1
    kept = fitted((name,), max(0, room))
    return (*kept, Span(" " * (width - width_of(kept) - width_of((value,)))), value)


_EIGHTHS = " ▏▎▍▌▋▊▉█"


def _bar(name: str, spent: Decimal | None, held: Decimal, limit: Decimal, width: int) -> Line:
    """A limit and how much of it is spent and, lighter, set aside for a request under way."""
    label = Span(f"{name:<7}", "label")
    of = f" of {usd(limit)}"
    if spent is None:
        return (label, Span("unknown", "unknown"), Span(of, "label"))
    share = spent / limit if limit else Decimal(1)
    after = f"{percent(share):>5}" + (of if width >= _WIDE else "")
    room = max(4, width - width_of((label,)) - len(after))
    eighths = min(room * 8, int(share * room * 8))
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    kept_free = room - len(filled)
    waiting = min(kept_free, -int(-(held / limit * room) // 1)) if limit else 0
    role = "bad" if share >= Decimal("0.9") else "warn" if share >= Decimal("0.7") else "good"
    return (
        label,
        Span(filled, role),
        Span("▒" * waiting, "pending"),
        Span("░" * (kept_free - waiting), "empty"),
        Span(after, role if share >= Decimal("0.7") else "value"),
    )
