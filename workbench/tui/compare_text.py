"""The cells and the head of a comparison as segments: what is said, what differs, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from workbench.trace.compared_rows import ComparedRow
from workbench.trace.diff_lines import wrapped
from workbench.trace.word_diff import Piece, word_diff
from workbench.tui.amounts import short_count, short_money, short_time
from workbench.tui.compare_column import CompareColumn
from workbench.tui.kinds import ERROR_GLYPH, kind_of
from workbench.tui.wrapping import fit, fit_right

Paints = Mapping[str, Style]

GAP, PENDING = "░", "…"
_ORIGINS = {"tape": "▣ ", "edited": "✎ "}
_STEP_CELLS = 4
_TIME_CELLS, _MONEY_CELLS = 7, 8
_ROOM_FOR_TIME, _ROOM_FOR_MONEY = 44, 60
"""Cells of a column from which on it shows what a row took, and what it cost."""


def row_cell(row: ComparedRow, reference: ComparedRow | None, width: int, paints: Paints) -> list[Segment]:
    """A row in exactly `width` cells; what `reference` (None: the row itself) does not say is marked."""
    kind = kind_of(row.type)
    style = paints["error"] if row.is_error else paints[kind.style]
    glyph = ERROR_GLYPH if row.is_error else kind.glyph
    origin = _ORIGINS.get(row.origin or "", "")
    right = _figures(row, width)
    lead = f"{row.step or '':>{_STEP_CELLS - 1}} "
    room = max(0, width - len(lead) - cell_len(glyph) - 1 - cell_len(origin) - len(right))
    said = [Piece("same", row.text)] if reference is None else word_diff(reference.text, row.text)
    return [
        Segment(lead, paints["faint"]),
        Segment(f"{glyph} ", style),
        Segment(origin, paints["run"]),
        *_fitted([piece for piece in said if piece.tag != "removed"], room, paints, style if row.tool else None),
        Segment(right, paints["faint"]),
    ]


def gap_cell(width: int, paints: Paints, *, pending: bool) -> list[Segment]:
    """The place of a row that a run does not have, or does not have yet."""
    if pending:
        return [Segment(fit(" " * _STEP_CELLS + PENDING, width), paints["faint"])]
    return [Segment(GAP * width, paints["gap"])]


def body_lines(text: str, reference: str | None, other: str | None, width: int) -> list[list[Piece]]:
    """The whole of a cell as lines.

    `reference` is what the first run says: what it lacks is marked as added. `other` is for the first run itself,
    beside one other run: what that one lacks is marked as removed.
    """
    if reference is not None:
        pieces = [piece for piece in word_diff(reference, text) if piece.tag != "removed"]
    elif other is not None:
        pieces = [piece for piece in word_diff(text, other) if piece.tag != "added"]
    else:
        pieces = [Piece("same", text)]
    return wrapped(pieces, width)


def body_cell(line: Sequence[Piece], width: int, paints: Paints) -> list[Segment]:
    """A line of a cell's whole text."""
    lead = " " * _STEP_CELLS
    return [Segment(lead), *_fitted(line, width - len(lead), paints, None)]


BODY_INDENT = _STEP_CELLS
"""Cells before the whole text of a cell."""


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """What the head says of one column."""

    title: str
    status: str
    is_bad: bool
    is_going_on: bool
    steps: int
    input_tokens: int
    output_tokens: int
    total: Decimal | None
    duration: float
    from_tape: int
    streaming: str


def figures_of(column: CompareColumn, runtime_cost: Callable[[Decimal], Decimal], now: datetime | None) -> HeadFigures:
    """The figures of a column; `now` lets a run that goes on grow between its events."""
    waited = 0.0
    if column.is_going_on and now is not None and column.last_at is not None:
        waited = max(0.0, (now - column.last_at).total_seconds())
    return HeadFigures(
        title=column.title,
        status=column.status,
        is_bad=column.trouble is not None or column.status not in ("completed", "running", "waiting"),
        is_going_on=column.is_going_on,
        steps=column.steps,
        input_tokens=column.meter.usage.total_input_tokens,
        output_tokens=column.meter.usage.output_tokens,
        total=column.total_usd(runtime_cost, now) if column.rows else Decimal(0),
        duration=column.duration + waited,
        from_tape=column.meter.tape_replies,
        streaming=column.streaming,
    )


HEAD_LINES, SMALL_HEAD_LINES = 7, 4
"""Lines of the head with a line for each figure, and with all figures on two."""


def head_cell(
    number: int,
    figures: HeadFigures,
    first: HeadFigures | None,
    width: int,
    paints: Paints,
    *,
    small: bool,
    active: bool,
) -> list[Segment]:
    """A line of a column's head; `first` is the column that the others are compared with, None for itself."""
    if number == 0:
        return [Segment(fit(f" {figures.title} ", width), paints["hit"] if active else paints["title"])]
    outcome = f"{'✗ ' if figures.is_bad else '■ ' if not figures.is_going_on else '▶ '}{figures.status}"
    outcome_style = paints["error"] if figures.is_bad else paints["run"]
    taped = f" ({figures.from_tape} from tape)" if figures.from_tape else ""
    tokens = f"{short_count(figures.input_tokens)} in {short_count(figures.output_tokens)} out"
    cost, time = short_money(figures.total), short_time(figures.duration)
    if small:
        if number == 1:
            return _with_stream(f" {outcome}, {figures.steps} steps{taped}", figures, width, outcome_style, paints)
        if number == 2:
            return [Segment(fit(f" {cost}  {time}  {tokens}", width))]
        return [Segment("─" * width, paints["faint"])]
    lines = (
        ("outcome", outcome, "", outcome_style),
        ("steps", f"{figures.steps}{taped}", _change(first, figures, lambda column: column.steps), None),
        ("tokens", tokens, _change(first, figures, lambda column: column.input_tokens + column.output_tokens), None),
        ("cost", cost, _change(first, figures, lambda column: column.total), None),
        ("time", time, _change(first, figures, lambda column: column.duration), None),
    )
    if number > len(lines):
        return [Segment("─" * width, paints["faint"])]
    name, value, change, style = lines[number - 1]
    if figures.streaming and name == "outcome":
        return [
            Segment(fit(f" {name}", 9), paints["faint"]),
            *_with_stream(value, figures, max(0, width - 9), outcome_style, paints),
        ]
    filled = fit_right(change, max(0, min(7, width - 10 - cell_len(value))))
    return [
        Segment(fit(f" {name}", 9), paints["faint"]),
        Segment(fit(value, max(0, width - 9 - cell_len(filled))), style),
        Segment(filled, paints["faint"]),
    ]


def _with_stream(text: str, figures: HeadFigures, width: int, style: Style, paints: Paints) -> list[Segment]:
    """What is said of a run, and the end of what streams right now."""
    room = width - cell_len(text) - 3
    if room < 8 or not figures.streaming:
        return [Segment(fit(text, width), style)]
    tail = figures.streaming[-room:]
    while cell_len(tail) > room:
        tail = tail[1:]
    return [Segment(text, style), Segment(fit(f" … {tail}", width - cell_len(text)), paints["faint"])]


def _change(
    first: HeadFigures | None, figures: HeadFigures, of: Callable[[HeadFigures], Decimal | float | None]
) -> str:
    """How much more or less than the first; nothing where one of them did not come to its answer."""
    if first is None or first.is_bad or figures.is_bad:
        return ""
    before, now = of(first), of(figures)
    if not before or now is None or before == now:
        return ""
    return f"{(float(now) - float(before)) / float(before) * 100:+.0f}%"


def _figures(row: ComparedRow, width: int) -> str:
    """What the row took and cost, as far as there is room."""
    text = ""
    if width >= _ROOM_FOR_TIME:
        text += " " + (
            fit_right(short_time(row.latency), _TIME_CELLS) if row.latency is not None else " " * _TIME_CELLS
        )
    if width >= _ROOM_FOR_MONEY:
        text += " " + (fit_right(short_money(row.cost), _MONEY_CELLS) if row.cost is not None else " " * _MONEY_CELLS)
    return text


def _fitted(pieces: Sequence[Piece], width: int, paints: Paints, plain: Style | None) -> list[Segment]:
    """Pieces in exactly `width` cells. The white space before a changed word is not marked."""
    segments: list[Segment] = []
    left = width
    for number, (tag, text) in enumerate(pieces):
        is_last = number == len(pieces) - 1
        cells = cell_len(text)
        if cells > left or (cells == left and not is_last):
            text, cells = (text if cells > left else f"{text} "), left  # noqa: PLW2901 (cut with an ellipsis)
            text = fit(text, left)  # noqa: PLW2901
        core = text.lstrip() if tag != "same" else ""
        segments.append(Segment(text[: len(text) - len(core)], plain))
        segments.append(Segment(core, plain if tag == "same" else paints[tag]))
        left -= cells
        if left <= 0:
            break
    if left > 0:
        segments.append(Segment(" " * left))
    return [segment for segment in segments if segment.text]
