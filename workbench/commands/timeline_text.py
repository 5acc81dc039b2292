"""The timeline as lines of text: live while a run goes on, and of a stored run."""

from __future__ import annotations

import shutil
from typing import TextIO

from workbench.commands.money import cost_lines, seconds, short_usd, tokens
from workbench.commands.style import Style
from workbench.engine.world import LiveText
from workbench.trace.events import (
    Event,
    Message,
    ModelRequest,
    ModelResponse,
    Notice,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolResult,
)
from workbench.trace.gist import gist
from workbench.trace.terminal import printable

_COLOURS = {
    "run_started": ("bold",),
    "run_completed": ("green", "bold"),
    "run_failed": ("red", "bold"),
    "model_request": ("dim",),
    "model_response": ("blue",),
    "reasoning": ("magenta",),
    "message": (),
    "tool_call": ("cyan",),
    "tool_result": ("cyan",),
    "egress": ("yellow",),
    "permission": ("yellow",),
    "notice": ("yellow",),
}
_MESSAGE_LINES = 12
_SOURCES = {"offline": "OFFLINE SCRIPT", "endpoint": "endpoint", "api": "API", "tape": "TAPE"}


class TimelineText:
    """Writes a timeline to a stream, one event after the other; streaming text only to a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._style = Style.of(stream)
        self._width = max(60, shutil.get_terminal_size((120, 24)).columns) if stream.isatty() else 160
        self._live = ""
        self._live_shown = False
        self._replay = False

    def event(self, event: Event) -> None:
        """Write the line of one event, and what follows from it."""
        self._clear_live()
        data = event.data
        if isinstance(data, RunStarted):
            self._header(event, data)
        colours = ("red",) if _is_bad(event) else _COLOURS.get(event.type, ())
        prefix = f"{event.offset:9.3f}s {event.step or '':>3} {self._origin(event)}"
        name = f"{event.type:<14} "
        room = max(20, self._width - len(prefix) - len(name))
        first, *more = self._gist_lines(event, room)
        self._line(self._style(prefix, "dim") + self._style(name, *colours) + first)
        for line in more:
            self._line(" " * (len(prefix) + len(name)) + line)
        if isinstance(data, RunCompleted | RunFailed):
            self._end(event, data)
        self._stream.flush()

    def live(self, delta: LiveText) -> None:
        """Show the last of a streaming reply on one line that the next event replaces."""
        if not self._stream.isatty():
            return
        if delta.kind == "reset":
            self._live = ""
        self._live = (self._live + delta.text)[-1000:]
        tail = printable(" ".join(self._live.split()))[-(self._width - 20) :]
        self._stream.write(f"\r\x1b[2K{self._style(f'   … {delta.kind:<11}', 'dim')} {tail}")
        self._stream.flush()
        self._live_shown = True

    def _clear_live(self) -> None:
        self._live = ""
        if self._live_shown:
            self._stream.write("\r\x1b[2K")
            self._live_shown = False

    def _line(self, text: str) -> None:
        self._stream.write(text.rstrip() + "\n")

    def _header(self, event: Event, data: RunStarted) -> None:
        source = _SOURCES[data.model_source] + (f" {printable(data.endpoint)}" if data.endpoint else "")
        self._replay = data.parent_run_id is not None
        self._line(
            f"{self._style(printable(data.agent), 'bold')} · {printable(data.model)} · "
            f"{self._style(source, 'yellow' if data.model_source == 'offline' else 'green')} · run {event.run_id}"
        )

    def _origin(self, event: Event) -> str:
        """In a replay, a word for where an event came from."""
        if not self._replay:
            return ""
        origin = getattr(event.data, "origin", "live")
        return f"{'' if origin == 'live' else origin:<7}"

    def _gist_lines(self, event: Event, room: int) -> list[str]:
        data = event.data
        text = gist(data)
        if isinstance(data, ModelRequest):
            worst = f" · at most {short_usd(data.worst_case_usd)}" if data.worst_case_usd is not None else ""
            return [f"{data.message_count} messages{worst}"]
        if isinstance(data, ModelResponse):
            return [
                f"{printable(str(data.stop_reason))} · {tokens(data.usage)} · {short_usd(data.cost_usd)} · "
                f"{seconds(data.duration)}"
            ]
        if isinstance(data, ToolResult):
            text = f"{seconds(data.latency)}{' · truncated' if data.truncated else ''} · {text}"
            files = [f"{change.change} {printable(change.path)}" for change in data.changed[:5]]
            more = [f"… and {len(data.changed) - 5} more files"] if len(data.changed) > 5 else []
            return [text[:room], *files, *more]
        if isinstance(data, Message):
            return _wrapped(printable(data.text, keep="\n"), room)
        if isinstance(data, RunCompleted | RunFailed):
            return [text[: room - 1] + "…" if len(text) > room else text]
        if isinstance(data, Notice):
            return _wrapped(text, room)
        return [text[: room - 1] + "…" if len(text) > room else text]

    def _end(self, event: Event, data: RunCompleted | RunFailed) -> None:
        self._line("")
        if isinstance(data, RunCompleted):
            self._line(self._style("answer", "green", "bold"))
            self._line(printable(data.output, keep="\n").strip())
        else:
            self._line(self._style(f"failed: {printable(data.error)}", "red", "bold"))
            self._line(printable(data.message, keep="\n"))
            if data.stack_trace:
                self._line(printable(data.stack_trace, keep="\n"))
        self._line("")
        for line in cost_lines(data.usage, data.costs):
            self._line(line)
        self._line(f"time     {seconds(data.duration)} · {data.steps} steps · workbench show {event.run_id}")


def _is_bad(event: Event) -> bool:
    data = event.data
    return (isinstance(data, ToolResult) and data.is_error) or (isinstance(data, Notice) and data.level == "error")


def _wrapped(text: str, room: int) -> list[str]:
    import textwrap

    lines = [piece for line in text.splitlines() for piece in (textwrap.wrap(line, room) or [""])] or [""]
    if len(lines) > _MESSAGE_LINES:
        lines = [*lines[:_MESSAGE_LINES], f"… {len(lines) - _MESSAGE_LINES} more lines"]
    return lines
