"""Where a run comes from: its parents, the fork points, what was edited, what was captured. Lines, safe to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.events import RunStarted
from workbench.trace.terminal import one_line

_SOURCES = {"live": "live", "tape_while_unchanged": "tape while unchanged", "tape": "tape only"}
_TOLD_APART = 4
"""The last characters of a run's id, which tell it from the others of its folder."""
_NAMED = 4
"""Places of one kind of edit that are named; of more, how many they are."""


def lineage_lines(chain: Sequence[tuple[str, RunStarted]]) -> list[str]:
    """The run at the end of `chain` and its parents before it, the first of all first; a line or two for each.

    Where the first has a parent itself, that one is named though nothing else is known of it.
    """
    lines: list[str] = []
    first = chain[0][1] if chain else None
    if first is not None and first.parent_run_id is not None:
        lines.append(one_line(first.parent_run_id))
    for run_id, started in chain:
        lead = f"{'  ' * (len(lines) - 1)}└ " if lines else ""
        lines.append(f"{lead}{one_line(run_id)}  {_born(started)}")
    return lines


def captured_line(started: RunStarted) -> str:
    """What the trace of the run holds, and what it does not."""
    kinds = {"tool calls and results": started.captured.tool_calls, "reasoning": started.captured.reasoning}
    captured = ["replies", *(name for name, held in kinds.items() if held)]
    missing = [name for name, held in kinds.items() if not held]
    return f"captured: {', '.join(captured)}" + (f"; not captured: {', '.join(missing)}" if missing else "")


def parent_line(started: RunStarted) -> str:
    """What a replay was made from, on one line; "" for a run that is none."""
    if started.parent_run_id is None:
        return ""
    made = f"{started.trigger.kind} of {started.parent_run_id[-_TOLD_APART:]} from {fork_words(started)}"
    return one_line(f"{made}: {edits_words(started.replay or {})}", 400)


def edits_words(replay: JsonObject) -> str:
    """What was edited, such as `system prompt, result 2.1`; `nothing edited` where nothing was."""
    edits = replay.get("edits")
    said = list(_edited(edits)) if isinstance(edits, Mapping) else []
    return one_line(", ".join(said), 400) if said else "nothing edited"


def fork_words(started: RunStarted) -> str:
    """The fork point of a replay, such as `step 3` or `call 3.2`."""
    call = started.fork_call or 0
    return f"call {started.fork_step}.{call}" if call else f"step {started.fork_step}"


def _born(started: RunStarted) -> str:
    """What made the run."""
    if started.parent_run_id is None:
        return f"{started.trigger.kind}: {one_line(started.input, 60)}"
    replay = started.replay or {}
    who = ", ".join(
        f"{name} {_SOURCES[source]}" for name in ("model", "tools") if (source := str(replay.get(name))) in _SOURCES
    )
    parts = [f"{started.trigger.kind} from {fork_words(started)}", edits_words(replay), who]
    return "; ".join(part for part in parts if part)


def _edited(edits: Mapping[str, JsonValue]) -> Iterator[str]:
    for key, name in (("system_prompt", "system prompt"), ("input", "input")):
        if edits.get(key) is not None:
            yield name
    settings = edits.get("settings")
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        yield f"{name} = {value if isinstance(value, str | int | float) else 'null'}"
    for key, one, many in (
        ("replies", "reply", "replies"),
        ("results", "result", "results"),
        ("messages", "your words after step", "messages of yours"),
    ):
        places = edits.get(key)
        if isinstance(places, Mapping) and places:
            yield f"{one} {', '.join(places)}" if len(places) <= _NAMED else f"{len(places)} {many}"
