"""A row of a timeline as a strip of styled text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.trace.rows import EventRow
from workbench.tui.amounts import clock_time, short_count, short_money, short_time
from workbench.tui.columns import RIGHT_ALIGNED, TITLES, Column
from workbench.tui.kinds import ERROR_GLYPH, kind_of
from workbench.tui.marking import marked
from workbench.tui.waterfall import bar
from workbench.tui.wrapping import fit, fit_right

Paints = Mapping[str, Style]
"""Styles by what they are for: those of `PAINTS`, and `base`, the widget's own."""

PAINTS = (
    *("faint", "model", "message", "reasoning", "tool", "outside", "run"),
    *("error", "hit", "cursor", "title", "key", "string", "number", "added", "removed"),
)
"""What a line can be painted as; the widgets' component classes give the styles."""

CURSOR, OPEN, SHUT = "▌", "▾", "▸"
_ORIGIN_GLYPHS = {"live": "●", "tape": "▣", "edited": "✎"}


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row's looks depend on beside the row: its place in the turn, the cursor, the run's time, the search."""

    turn: str = ""
    cursor: bool = False
    expanded: bool = False
    whole: float = 1.0
    needle: str = ""


def row_strip(row: EventRow, columns: Sequence[Column], state: RowState, paints: Paints) -> Strip:
    """The row's own line; as wide as the columns."""
    lead = (CURSOR if state.cursor else " ") + (OPEN if state.expanded else SHUT)
    segments = [Segment(lead, paints["faint"])]
    has_tool = any(column.name == "tool" for column in columns)
    for column in columns:
        text, paint = _cell(row, column, state, has_tool=has_tool)
        filled = fit_right(text, column.width) if column.name in RIGHT_ALIGNED else fit(text, column.width)
        style = paints[paint] if paint else None
        if state.needle and column.name in ("gist", "tool"):
            segments.extend(marked(filled, state.needle, style, paints["hit"]))
        else:
            segments.append(Segment(filled, style))
        segments.append(Segment(" "))
    segments.pop()
    whole = paints["base"] + paints["cursor"] if state.cursor else paints["base"]
    return Strip(Segment.apply_style(segments, whole))


def head_strip(columns: Sequence[Column], whole: float, status: str, paints: Paints) -> Strip:
    """The titles of the columns, `status` over the gist."""
    cells = []
    for column in columns:
        title = _title(column, whole, status)
        cells.append(fit_right(title, column.width) if column.name in RIGHT_ALIGNED else fit(title, column.width))
    return Strip([Segment("  " + " ".join(cells), paints["base"] + paints["title"])])


def _title(column: Column, whole: float, status: str) -> str:
    if column.name == "gist":
        return status
    if column.name == "waterfall":
        end = short_time(whole)
        return f"0 … {end}" if column.width >= 12 else fit_right(end, column.width)
    return TITLES[column.name] if column.width > 1 else ""


def _cell(row: EventRow, column: Column, state: RowState, *, has_tool: bool) -> tuple[str, str | None]:
    """The text of a cell, and the name of its paint."""
    match column.name:
        case "offset":
            return clock_time(row.offset), "faint"
        case "step":
            return (str(row.step) if row.step else ""), "faint"
        case "kind":
            return _kind(row, column.width)
        case "turn":
            return state.turn, "tool"
        case "tool":
            return row.tool or "", "tool"
        case "gist":
            return (_gist(row) if has_tool else row.gist), ("error" if row.is_error else _gist_paint(row))
        case "latency":
            return ("" if row.latency is None else short_time(row.latency)), None
        case "tokens":
            return _tokens(row), None
        case "cost":
            return (short_money(row.cost) if row.type == "model_response" else ""), None
        case "origin":
            return _origin(row, column.width), ("faint" if row.origin == "live" else "run")
        case "waterfall":
            paint = "error" if row.is_error else kind_of(row.type).style
            return bar(row.offset, row.latency, state.whole, column.width), paint


def _kind(row: EventRow, width: int) -> tuple[str, str]:
    kind = kind_of(row.type)
    glyph = ERROR_GLYPH if row.is_error else kind.glyph
    name = kind.name if len(kind.name) + 2 <= width else kind.short
    return (f"{glyph} {name}" if width > 1 else glyph), ("error" if row.is_error else kind.style)


def _gist(row: EventRow) -> str:
    """The gist, without the tool's name that another column shows."""
    if row.type == "tool_call" and row.tool is not None:
        return row.gist.removeprefix(row.tool).lstrip() or row.gist
    return row.gist


def _gist_paint(row: EventRow) -> str | None:
    return "faint" if row.type in ("model_request", "model_response") else None


def _tokens(row: EventRow) -> str:
    if row.input_tokens is None or row.output_tokens is None:
        return ""
    return f"{short_count(row.input_tokens)}→{short_count(row.output_tokens)}"


def _origin(row: EventRow, width: int) -> str:
    if row.origin is None:
        return ""
    glyph = _ORIGIN_GLYPHS.get(row.origin, "·")
    return f"{glyph} {row.origin}" if width > 1 else glyph
