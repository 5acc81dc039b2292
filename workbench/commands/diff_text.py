"""The difference of two runs as text for a terminal of 80 columns or more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from workbench.commands.diff_summary import summary_rows
from workbench.commands.money import seconds, short_usd
from workbench.commands.style import Style
from workbench.jsontypes import JsonValue
from workbench.trace.diff_lines import elided, wrapped
from workbench.trace.line_diff import unified_lines
from workbench.trace.run_diff import CallDiff, RunDiff, Setting, StepDiff
from workbench.trace.run_record import CallRecord, RunRecord, StepRecord
from workbench.trace.terminal import one_line, printable
from workbench.trace.whole_text import arguments_text, content_text
from workbench.trace.word_diff import Piece, word_diff

if TYPE_CHECKING:
    from workbench.sandbox.snapshots import FileDiff

FileDiffs = Callable[[str | None, str | None, str], "FileDiff | None"]

_COLOURS = {"same": (), "removed": ("red",), "added": ("green",), "hunk": ("cyan",)}
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}
_MOST_LINES = 60
"""Lines of one text that are shown, unless everything is asked for."""
_RATHER_APART = 0.4
"""Below this share of unchanged text, two texts are shown one after the other."""
_TAPE = "▣"


class DiffText:
    """Writes a difference to a stream; without colour, words are marked as [-left-] and {+right+}."""

    def __init__(self, stream: TextIO, files: FileDiffs, *, show_all: bool = False) -> None:
        self._stream = stream
        self._style = Style.of(stream)
        self._files = files
        self._show_all = show_all
        columns = shutil.get_terminal_size((80, 24)).columns if stream.isatty() else 80
        self._width = max(60, min(columns, 120))

    def write(self, diff: RunDiff) -> None:
        """Write it all: where the runs part, a summary, what they were given, and the steps."""
        self._head(diff)
        self._summary(diff)
        self._given(diff)
        self._steps(diff.steps)

    # --- the head

    def _head(self, diff: RunDiff) -> None:
        for side, run in (("left ", diff.left), ("right", diff.right)):
            name = f"{run.run_id}  {one_line(run.started.agent, 30)}  {one_line(run.started.model, 40)}"
            self._line(f"{self._style(side, 'bold')}  {name}{_lineage(run, diff)}")
        self._line("")
        if diff.is_same:
            self._line(self._style("The same in all that they were given, said and did.", "green", "bold"))
        else:
            self._line(self._style(_parting(diff), "yellow", "bold"))
            if diff.given:
                self._line(f"They were given another {_listed(diff.given)}.")
        self._line("")

    def _summary(self, diff: RunDiff) -> None:
        self._line(self._style(f"{'':<14} {'left':>16}  {'right':>16}  difference", "dim"))
        for name, left, right, difference in summary_rows(diff.left, diff.right):
            self._line(f"{name:<14} {left:>16}  {right:>16}  {difference}")

    # --- what they were given

    def _given(self, diff: RunDiff) -> None:
        left, right = diff.left.started, diff.right.started
        if "system prompt" in diff.given:
            self._title("system prompt")
            old, new = (str(run.definition.get("system_prompt") or "") for run in (left, right))
            for line in unified_lines(old, new):
                sign, colours = str(line)[: len(str(line)) - len(line.text)], _COLOURS[line.tag]
                for number, part in enumerate(wrapped([Piece("same", line.text)], self._width - 4)):
                    text = "".join(piece.text for piece in part)
                    self._line("  " + self._style((sign if not number else " " * len(sign)) + text, *colours))
        if "input" in diff.given:
            self._title("input")
            self._words(left.input, right.input, 2)
        if diff.settings:
            self._title("settings")
            for setting in diff.settings:
                self._setting(setting)
        if diff.tools:
            self._title("tools")
            for tool in diff.tools:
                self._line(f"  {printable(tool.name)}  {_only(tool.left, tool.right) or 'described otherwise'}")

    def _setting(self, setting: Setting) -> None:
        left, right = _short_value(setting.left), _short_value(setting.right)
        self._line(f"  {printable(setting.name)}  {self._style(left, 'red')} → {self._style(right, 'green')}")

    # --- steps

    def _steps(self, steps: Sequence[StepDiff]) -> None:
        alike: list[StepDiff] = []
        for step in steps:
            if step.is_same:
                if alike and _taped(alike[-1]) != _taped(step):
                    self._alike(alike)
                    alike = []
                alike.append(step)
                continue
            self._alike(alike)
            alike = []
            self._step(step)
        self._alike(alike)

    def _alike(self, steps: Sequence[StepDiff]) -> None:
        """One line for steps that are the same, or a line each when everything is asked for."""
        if not steps:
            return
        self._line("")
        if self._show_all:
            for step in steps:
                self._line(self._style(f"{_name(step)}  the same{_taped(step)}", "dim"))
                self._own(step.left or step.right)
            return
        name = _name(steps[0])
        if len(steps) > 1:
            name = f"steps {name.removeprefix('step ')} to {_name(steps[-1]).removeprefix('step ')}"
        self._line(self._style(f"{name}  the same{_taped(steps[0])}", "dim"))

    def _step(self, step: StepDiff) -> None:
        if step.left is None or step.right is None:
            side, colour = ("right", "green") if step.left is None else ("left", "red")
            self._title(f"{_name(step)}  only in {side}{_taped(step)}", colour)
            self._own(step.left or step.right)
            return
        self._title(f"{_name(step)}  {_listed(step.parts)}{_taped(step)}")
        if "reasoning" in step.parts:
            self._line("  reasoning")
            self._words(step.left.reasoning, step.right.reasoning, 4)
        if "message" in step.parts:
            self._line("  message")
            self._words(step.left.message, step.right.message, 4)
        if "stop reason" in step.parts:
            self._line(f"  stop reason  {_stop(step.left)} → {_stop(step.right)}")
        for number, call in enumerate(step.calls, start=1):
            self._call(number, call)
        for path in step.files:
            self._file(step.left, step.right, path)
        for line in wrapped([Piece("same", _figures(step.left, step.right))], self._width - 2):
            self._line("  " + self._style("".join(piece.text for piece in line), "dim"))

    def _own(self, step: StepRecord | None) -> None:
        """A step that only one run has, or that is the same in both."""
        if step is None:
            return
        for text in (step.reasoning, step.message):
            if text:
                self._text(text, 4)
        for record in step.calls:
            self._line(f"  {self._style(printable(record.call.tool), 'cyan')}")
            self._text(arguments_text(record.call.arguments), 4)
            if record.result is not None:
                self._line("  gives")
                self._text(content_text(record.result.content), 4)

    def _call(self, number: int, call: CallDiff) -> None:
        if not call.call_differs and not call.result_differs:
            return
        known = call.left or call.right
        if known is None:
            return
        if call.left is None or call.right is None:
            side, colour = ("right", "green") if call.left is None else ("left", "red")
            self._line(f"  {self._style(f'call {number}  {printable(known.call.tool)}  only in {side}', colour)}")
            self._text(arguments_text(known.call.arguments), 4)
            return
        tools = dict.fromkeys((call.left.call.tool, call.right.call.tool))
        self._line(f"  call {number}  {self._style(' → '.join(map(printable, tools)), 'cyan')}")
        if call.call_differs:
            self._words(arguments_text(call.left.call.arguments), arguments_text(call.right.call.arguments), 4)
        if call.result_differs:
            self._line(f"  result {number}{_origins(call.left, call.right)}")
            self._words(_result_text(call.left), _result_text(call.right), 4)

    def _file(self, left: StepRecord, right: StepRecord, path: str) -> None:
        self._line(f"  file  {printable(path)}")
        diff = self._files(left.snapshot, right.snapshot, path)
        if diff is None:
            self._line("    changed otherwise; the snapshots to compare are not there")
            return
        if diff.note:
            self._line(f"    {printable(diff.note)}")
        lines = [line for line in diff.text.split("\n")[:-1] if not line.startswith(("--- ", "+++ "))]
        painted = [self._style(printable(line, keep="\t"), *_line_colours(line)) for line in lines]
        self._cut("    ", painted)

    # --- texts

    def _words(self, left: str, right: str, indent: int) -> None:
        """Two texts as one, with what differs marked; as two when little is shared."""
        pieces = word_diff(left, right)
        if all(piece.tag == "same" for piece in pieces):
            return
        shared = sum(len(piece.text) for piece in pieces if piece.tag == "same")
        room = self._width - indent - 2
        if shared < _RATHER_APART * max(len(left), len(right)):
            for sign, tag, text in (("- ", "removed", left), ("+ ", "added", right)):
                lines = wrapped([Piece("same", text)], room) if text else []
                painted = [self._style(sign + "".join(piece.text for piece in line), *_COLOURS[tag]) for line in lines]
                self._cut(" " * indent, painted)
            return
        marked = pieces if self._style.coloured else list(_marked(pieces))
        shown = elided(wrapped(marked, room + 2))
        painted = [
            self._style(f"⋮ {line} lines the same", "dim") if isinstance(line, int) else self._painted(line)
            for line in shown
        ]
        self._cut(" " * indent, painted)

    def _painted(self, line: Iterable[Piece]) -> str:
        return "".join(self._style(piece.text, *_COLOURS[piece.tag]) for piece in line)

    def _text(self, text: str, indent: int) -> None:
        lines = wrapped([Piece("same", text)], self._width - indent)
        self._cut(" " * indent, [self._painted(line) for line in lines])

    def _cut(self, indent: str, lines: Sequence[str]) -> None:
        most = len(lines) if self._show_all else _MOST_LINES
        for line in lines[:most]:
            self._line(indent + line)
        if len(lines) > most:
            self._line(indent + self._style(f"… {len(lines) - most} more lines; --all shows them", "dim"))

    def _title(self, text: str, *colours: str) -> None:
        self._line("")
        self._line(self._style(text, "bold", *colours))

    def _line(self, text: str) -> None:
        self._stream.write(text.rstrip() + "\n")


def _lineage(run: RunRecord, diff: RunDiff) -> str:
    parents = {diff.left.run_id: "left", diff.right.run_id: "right"}
    parent = run.started.parent_run_id
    if parent not in parents or parent == run.run_id:
        return ""
    fork = "" if run.started.fork_step is None else f" from step {run.started.fork_step}"
    return f"  a replay of {parents[parent]}{fork}"


def _parting(diff: RunDiff) -> str:
    step = diff.parting
    if step is None:
        return "They end otherwise." if diff.outcome_differs else "They said and did the same."
    if step.left is None:
        return f"They part where left ends: {_name(step)} is only in right."
    if step.right is None:
        return f"They part where right ends: {_name(step)} is only in left."
    return f"They part at {_name(step)}: {_listed(step.parts)}."


def _name(step: StepDiff) -> str:
    numbers = dict.fromkeys(side.number for side in (step.left, step.right) if side is not None)
    return f"step {' / '.join(map(str, numbers))}"


def _taped(step: StepDiff) -> str:
    """Which of the two took the step from a tape."""
    sides = [name for name, side in (("left", step.left), ("right", step.right)) if side is not None and side.from_tape]
    return f"  {_TAPE} {' and '.join(sides)} from tape" if sides else ""


def _origins(left: CallRecord, right: CallRecord) -> str:
    edited = [
        name
        for name, record in (("left", left), ("right", right))
        if record.result is not None and record.result.origin == "edited"
    ]
    return f"  edited in {' and '.join(edited)}" if edited else ""


def _result_text(record: CallRecord) -> str:
    if record.result is None:
        return "(no result)"
    mark = "error: " if record.result.is_error else ""
    return mark + content_text(record.result.content)


def _stop(step: StepRecord) -> str:
    return printable(str(step.response.stop_reason)) if step.response is not None else "(no reply)"


def _figures(left: StepRecord, right: StepRecord) -> str:
    """Tokens, cost and time of a step on both sides."""
    one, other = left.response, right.response
    if one is None or other is None:
        return ""
    tokens = [f"{reply.usage.total_input_tokens:,} in {reply.usage.output_tokens:,} out" for reply in (one, other)]
    tools = [sum(call.result.latency for call in step.calls if call.result is not None) for step in (left, right)]
    parts = [
        _both(*tokens),
        _both(*(short_usd(reply.cost_usd) for reply in (one, other))),
        f"model {_both(*(seconds(reply.duration) for reply in (one, other)))}",
        *([f"tools {_both(*map(seconds, tools))}"] if any(tools) else []),
    ]
    return " · ".join(parts)


def _both(left: str, right: str) -> str:
    return left if left == right else f"{left} → {right}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _only(left: JsonValue, right: JsonValue) -> str:
    return "only in right" if left is None else "only in left" if right is None else ""


def _short_value(value: JsonValue) -> str:
    return one_line("not set" if value is None else value if isinstance(value, str) else json.dumps(value), 60)


def _marked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces with marks, which leave the white space around them outside."""
    space_before = None
    for piece in pieces:
        core = piece.text.strip()
        if piece.tag == "same" or not core:
            space_before = None
            yield piece
            continue
        before, after = piece.text.split(core, 1)
        begin, end = _MARKS[piece.tag]
        yield Piece(piece.tag, f"{'' if before == space_before else before}{begin}{core}{end}{after}")
        space_before = before


def _line_colours(line: str) -> Sequence[str]:
    return _COLOURS[{"-": "removed", "+": "added", "@": "hunk"}.get(line[:1], "same")]
