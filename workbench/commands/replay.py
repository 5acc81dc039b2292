"""`workbench replay`: a run again, from its tape up to the fork point, with edits, live from there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.commands.input_option import standard_input
from workbench.commands.replaying import replaying
from workbench.definition.inputs import resolve_input
from workbench.engine.replay_request import EditedResult, Edits, ForkPoint, ReplayRequest, Source
from workbench.jsontypes import JsonObject, JsonValue

SOURCES: Mapping[str, Source] = {
    "live": "live",
    "tape-while-unchanged": "tape_while_unchanged",
    "tape": "tape",
}
"""How the switches are written on the command line."""


def run(options: argparse.Namespace) -> int:
    """Replay the run and return the exit code of how the replay ended."""
    return replaying(options, lambda folder, run_id: _request(options, folder, run_id), trigger="replay")


def _request(options: argparse.Namespace, folder: Path, run_id: str) -> ReplayRequest:
    edits = Edits(
        system_prompt=None if options.prompt is None else _text_of(Path(options.prompt)),
        input=None if options.input is None else resolve_input(folder, options.input, standard_input([options.input])),
        settings={**settings_of(options.set), **({"model.id": options.model} if options.model is not None else {})},
        replies={_step(where): _blocks(value) for where, value in map(_pair, options.reply)},
        results={
            **{_place(where): _result(value, failed=False) for where, value in map(_pair, options.result)},
            **{_place(where): _result(value, failed=True) for where, value in map(_pair, options.error)},
        },
        messages={_step(where): value for where, value in map(_pair, options.say)},
    )
    fork = None if options.start is None else _fork(options.start)
    unchanged = edits == Edits() and fork is None
    model = SOURCES[options.model_from or ("tape" if unchanged else "live")]
    tools = SOURCES[options.tools or ("tape" if unchanged else "tape-while-unchanged")]
    return ReplayRequest(run_id, fork, edits, model, tools)


def _fork(text: str) -> ForkPoint:
    step, _, call = text.partition(".")
    try:
        return ForkPoint(int(step), int(call or 0))
    except ValueError:
        raise ValueError(f"--from takes a step such as 3, or a call such as 3.2, not {text!r}") from None


def _pair(text: str) -> tuple[str, str]:
    where, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} lacks its value: write PLACE=TEXT or PLACE=@FILE")
    if value.startswith("@"):
        value = _text_of(Path(value[1:]))
    return where, value


def _step(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no step: steps are numbered from 1") from None


def _place(text: str) -> tuple[int, int]:
    step, _, call = text.partition(".")
    try:
        return int(step), int(call or 1)
    except ValueError:
        raise ValueError(f"{text!r} is no tool result: write STEP.CALL, such as 3.1") from None


def _result(text: str, *, failed: bool) -> EditedResult:
    return EditedResult([{"type": "text", "text": text}], failed)


def _blocks(text: str) -> Sequence[JsonObject]:
    """A reply as content blocks: a JSON list of blocks, anything else is its text."""
    if text.lstrip().startswith("["):
        try:
            blocks = json.loads(text)
        except ValueError as error:
            raise ValueError(f"the edited reply looks like JSON and is none: {error}") from None
        if all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks):
            return [dict(block) for block in blocks]
        raise ValueError("an edited reply in JSON is a list of content blocks, each an object with a type")
    return [{"type": "text", "text": text}]


def settings_of(pairs: Sequence[str]) -> dict[str, JsonValue]:
    """What `--set KEY=VALUE` options say; a value is JSON, or else text."""
    found: dict[str, JsonValue] = {}
    for text in pairs:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set takes KEY=VALUE, such as max_iterations=30, not {text!r}")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (byte {error.start})") from None
