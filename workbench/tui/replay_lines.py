"""The lines that the replay editor shows of a draft: its entries, the fork point between them, what is unfolded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.engine.replay_request import ForkPoint, Source
from workbench.tui.kinds import KINDS
from workbench.tui.replay_draft import ReplayDraft
from workbench.tui.replay_script import Entry
from workbench.tui.row_text import CURSOR, OPEN, Paints
from workbench.tui.spans import Line
from workbench.tui.wrapping import clean, fit

LineKind = Literal["entry", "text", "fork", "problem"]

SOURCE_WORDS: Mapping[Source, str] = {
    "live": "live",
    "tape_while_unchanged": "tape while unchanged",
    "tape": "tape only",
}
_SOURCE_GLYPHS: Mapping[Source | None, str] = {"tape": "▣", "live": "●", "tape_while_unchanged": "◐", None: " "}
_EDITED = "✎"
_GLYPHS = {"system_prompt": "§", "settings": "⚙", "said": "»", "vendor": "◇"}
_STYLES = {"system_prompt": "message", "settings": "outside", "said": "message", "vendor": "faint"}
_CHANGES = {"removed": Style(strike=True), "added": Style(underline=True)}
_NAMED_FROM = 60
"""Cells from which on an entry's name is shown beside its glyph, whatever its kind."""


class ScriptLine(NamedTuple):
    """One line. `entry` is the entry's number; `part` counts the lines of an unfolded text or of a problem."""

    kind: LineKind
    entry: int
    part: int = 0


def lines_of(
    entries: Sequence[Entry], fork: ForkPoint, unfolded: Mapping[int, int], problem: tuple[int, int] | None
) -> list[ScriptLine]:
    """The lines. `unfolded` gives the height of each unfolded text, `problem` the entry it is about and its height."""
    lines: list[ScriptLine] = []
    forked = False
    for number, entry in enumerate(entries):
        if not forked and entry.place.step >= fork.step and entry.point is not None and not entry.point < fork:
            lines.append(ScriptLine("fork", number))
            forked = True
        lines.append(ScriptLine("entry", number))
        if problem is not None and problem[0] == number:
            lines += [ScriptLine("problem", number, part) for part in range(problem[1])]
        lines += [ScriptLine("text", number, part) for part in range(unfolded.get(number, 0))]
    if not forked:
        lines.append(ScriptLine("fork", len(entries)))
    return lines


def entry_strip(
    draft: ReplayDraft, entry: Entry, gist: str, paints: Paints, width: int, *, cursor: bool, unfolded: bool
) -> Strip:
    """An entry on one line: where it comes from, its step, its kind, its name and how it begins."""
    origin = _EDITED if entry.edited else _SOURCE_GLYPHS[draft.source(entry)]
    kind = KINDS.get(entry.kind)
    style = "error" if entry.is_error else kind.style if kind else _STYLES.get(entry.kind, "faint")
    segments = [
        Segment(CURSOR if cursor else " ", paints["faint"]),
        Segment(origin + (OPEN if unfolded else " "), paints["hit"] if entry.edited else paints["faint"]),
        Segment(f"{_number(entry):<{_number_width(draft)}} ", paints["faint"]),
        Segment(f"{'✗' if entry.is_error else kind.glyph if kind else _GLYPHS.get(entry.kind, '·')} ", paints[style]),
    ]
    room = max(0, width - sum(segment.cell_length for segment in segments))
    name = clean(entry.name).replace("\n", " ")
    if width >= _NAMED_FROM or entry.place.part not in ("block", "input"):
        named = fit(name, min(len(name), max(4, room // 2)))
        segments.append(Segment(f"{named}  ", paints[style]))
        room = max(0, room - len(named) - 2)
    aside = entry.fixed or entry.note
    said = f"{gist}  ({aside})" if gist and aside else gist or (f"({aside})" if aside else "")
    asked_anew = draft.source(entry) == "live" and not entry.edited
    segments.append(Segment(fit(said, room), paints["faint"] if aside or asked_anew else None))
    whole = paints["base"] + paints["cursor"] if cursor else paints["base"]
    return Strip(Segment.apply_style(segments, whole)).adjust_cell_length(width, whole)


def fork_strip(draft: ReplayDraft, paints: Paints, width: int) -> Strip:
    """The fork point: what is above it comes from the tape, what is below is answered as the switches say."""
    texts = [f"━━ {text} " for text in _fork_texts(draft)]
    line = next((text for text in texts if cell_len(text) <= width), texts[-1])
    style = paints["base"] + paints["run"]
    return Strip([Segment(fit(line + "━" * max(0, width - len(line)), width), style)])


def _fork_texts(draft: ReplayDraft) -> Sequence[str]:
    """What the line of the fork point says, from the whole of it to the least."""
    fork, steps = draft.fork, len(draft.tape.turns)
    chosen = "" if draft.asked.fork is None else " (chosen)"
    if fork.step > steps:
        return [f"▲ from tape ✓ all {steps} steps{chosen}", f"▲ from tape ✓{chosen}"]
    where = f"step {fork.step}" if fork.call == 0 else f"call {fork.step}.{fork.call}"
    return [
        f"▲ from tape ✓   ▼ from {where} {below(draft)}{chosen}",
        f"▲ from tape ✓  ▼ {where}: {draft.asked.model.split('_')[0]}{chosen}",
        f"▲ tape ✓  ▼ {where}{chosen}",
    ]


def below(draft: ReplayDraft) -> str:
    """What answers from the fork point on, in a few words."""
    model, tools = draft.asked.model, draft.asked.tools
    if model == tools:
        return SOURCE_WORDS[model]
    return f"model {SOURCE_WORDS[model]}, tools {SOURCE_WORDS[tools]}"


def text_strip(line: Line, paints: Paints, width: int, *, last: bool) -> Strip:
    """A line of an unfolded text. What was taken out is struck, what is new is underlined, whatever their colours."""
    segments = [Segment(f"  {'╰' if last else '│'} ", paints["faint"])]
    for span in line:
        style = paints[span.role] if span.role else None
        if style is not None and span.role in _CHANGES:
            style += _CHANGES[span.role]
        segments.append(Segment(span.text, style))
    return Strip(Segment.apply_style(segments, paints["base"])).adjust_cell_length(width, paints["base"])


def problem_strip(text: str, paints: Paints, width: int) -> Strip:
    """A line of why the draft cannot be, below the entry that is to blame."""
    segments = [Segment("   ✗ ", paints["error"]), Segment(text, paints["error"])]
    return Strip(Segment.apply_style(segments, paints["base"])).adjust_cell_length(width, paints["base"])


def _number(entry: Entry) -> str:
    place = entry.place
    if place.part in ("call", "result"):
        return f"{place.step}.{place.index}"
    return str(place.step) if place.step else ""


def _number_width(draft: ReplayDraft) -> int:
    return len(str(len(draft.tape.turns))) + 2


def steps_from(entries: Sequence[Entry], at: int, direction: int) -> int | None:
    """The number of the first entry of the next step, or of this step or the one before; None where there is none."""
    firsts = [
        number
        for number, entry in enumerate(entries)
        if number == 0 or entry.place.step != entries[number - 1].place.step
    ]
    found = [number for number in firsts if (number > at if direction > 0 else number < at)]
    return (found[0] if direction > 0 else found[-1]) if found else None


def edited_from(entries: Sequence[Entry], at: int, direction: int) -> int | None:
    """The number of the next edited entry, or of the one before; None where there is none."""
    places: Collection[int] = [number for number, entry in enumerate(entries) if entry.edited]
    found = [number for number in places if (number > at if direction > 0 else number < at)]
    return (found[0] if direction > 0 else found[-1]) if found else None
