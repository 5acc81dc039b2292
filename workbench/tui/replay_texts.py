"""The text in which a person edits an entry of the script, and what that text makes of the edits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

from workbench.engine.edited import calls_in, fault_of_reply
from workbench.engine.playback import call_digest
from workbench.engine.replay_request import EditedResult, Edits
from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.digest import canonical
from workbench.trace.events import ToolResult
from workbench.trace.gist import call_text, short_content
from workbench.trace.tape import Tape, TapedCall, TapedTurn
from workbench.trace.terminal import one_line
from workbench.tui.replay_script import Place, blocks_of, call_position, plain_text
from workbench.tui.setting_lines import read_settings, setting_lines, settings_of

_TOLD = ("model.id", "max_iterations", "budget.usd")
"""The settings that are told where none is edited."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class EntryError(ValueError):
    """The text cannot stand for the entry. `str` says where and why, and what could."""


def text_of(tape: Tape, edits: Edits, place: Place) -> str:
    """The text of an entry as it stands, to be edited; what cannot be edited has a text to read."""
    match place.part:
        case "system_prompt":
            return recorded_prompt(tape) if edits.system_prompt is None else edits.system_prompt
        case "input":
            return tape.started.input if edits.input is None else edits.input
        case "settings":
            return setting_lines({**settings_of(tape.started.definition), **edits.settings})
        case "said":
            return edits.messages.get(place.step, tape.said.get(place.step, ""))
        case "result":
            content = _content(tape, edits, place)
            text = plain_text(content)
            return _json(list(content or ())) if text is None else text
        case "reply":
            return _json(list(blocks_of(_turn(tape, place), edits)))
        case "block" | "call":
            return _block_text(_block(tape, edits, place))


def gist_of(tape: Tape, edits: Edits, place: Place) -> str:
    """How an entry begins, on one line and safe to print."""
    match place.part:
        case "settings":
            changed = edits.settings or {name: settings_of(tape.started.definition)[name] for name in _TOLD}
            return one_line("  ".join(setting_lines(changed).split("\n")))
        case "call":
            block = _block(tape, edits, place)
            arguments, name = block.get("input"), str(block.get("name"))
            said = call_text(name, arguments if isinstance(arguments, dict) else {})
            return one_line(said.removeprefix(name))
        case "result":
            return one_line(short_content(_content(tape, edits, place)))
        case "block" if _block(tape, edits, place).get("captured") is False:
            return ""
        case _:
            return one_line(text_of(tape, edits, place))


def with_text(tape: Tape, edits: Edits, place: Place, text: str) -> Edits:
    """The edits when the entry reads `text`; a text that is what the parent had is no edit.

    Raises:
        EntryError: it cannot read so, for example because it is not JSON.
    """
    match place.part:
        case "system_prompt":
            return replace(edits, system_prompt=None if text == recorded_prompt(tape) else text)
        case "input":
            if not text.strip():
                raise EntryError("the input cannot be empty: a run answers something")
            return replace(edits, input=None if text == tape.started.input else text)
        case "settings":
            return replace(edits, settings=_settings(tape, text))
        case "said":
            wanted = text if text.strip() else ""
            same = wanted == tape.said.get(place.step, "")
            return replace(edits, messages=_with(edits.messages, place.step, None if same else wanted))
        case "result":
            return _with_result(tape, edits, place, _result_content(tape, edits, place, text), None)
        case "reply":
            return _with_reply(tape, edits, place, _read_blocks(text))
        case "block" | "call":
            return _with_block(tape, edits, place, text)


def with_error_mark(tape: Tape, edits: Edits, place: Place, is_error: bool) -> Edits:
    """The edits when the result at `place` is given to the model as an error, or not."""
    return _with_result(tape, edits, place, _content(tape, edits, place) or (), is_error)


def without_edit(tape: Tape, edits: Edits, place: Place) -> Edits:
    """The edits without that of one entry: it is again as the parent had it."""
    match place.part:
        case "system_prompt":
            return replace(edits, system_prompt=None)
        case "input":
            return replace(edits, input=None)
        case "settings":
            return replace(edits, settings={})
        case "said":
            return replace(edits, messages=_with(edits.messages, place.step, None))
        case "result":
            return replace(edits, results=_with(edits.results, (place.step, place.index), None))
        case "reply" | "block" | "call":
            return _without_reply_edit(tape, edits, place)


def recorded_prompt(tape: Tape) -> str:
    """The system prompt of the run."""
    prompt = tape.started.definition.get("system_prompt")
    return prompt if isinstance(prompt, str) else ""


def _settings(tape: Tape, text: str) -> Mapping[str, JsonValue]:
    try:
        return read_settings(text, settings_of(tape.started.definition))
    except ValueError as error:
        raise EntryError(str(error)) from None


def _with_block(tape: Tape, edits: Edits, place: Place, text: str) -> Edits:
    turn = _turn(tape, place)
    blocks = list(blocks_of(turn, edits))
    position = _position(blocks, place)
    if place.part == "call":
        blocks[position] = {**blocks[position], "input": _read_object(text)}
    elif text.strip():
        blocks[position] = {**blocks[position], "text": text}
    else:
        del blocks[position]
    return _with_reply(tape, edits, place, blocks)


def _with_reply(tape: Tape, edits: Edits, place: Place, blocks: Sequence[JsonObject]) -> Edits:
    fault = fault_of_reply(blocks)
    if fault is not None:
        raise EntryError(f"the reply {fault}")
    reply = _turn(tape, place).reply
    same = reply is not None and canonical(list(blocks)) == canonical(list(reply.content or ()))
    calls = len(calls_in(blocks))
    results = {at: edit for at, edit in edits.results.items() if at[0] != place.step or at[1] <= calls}
    replies = _with(edits.replies, place.step, None if same else tuple(blocks))
    return replace(edits, replies=replies, results=results)


def _without_reply_edit(tape: Tape, edits: Edits, place: Place) -> Edits:
    """Put one block back where the reply still has as many; else the whole reply."""
    turn = _turn(tape, place)
    blocks = list(blocks_of(turn, edits))
    original = (turn.reply.content or ()) if turn.reply is not None else ()
    if place.part == "reply" or len(blocks) != len(original):
        return _with_reply(tape, edits, place, original)
    position = _position(blocks, place)
    blocks[position] = original[position]
    return _with_reply(tape, edits, place, blocks)


def _with_result(tape: Tape, edits: Edits, place: Place, content: Sequence[JsonObject], is_error: bool | None) -> Edits:
    """The edits with another content of a result; `is_error` None leaves the mark as it is."""
    key = (place.step, place.index)
    original = _result(tape, edits, place)
    now = edits.results.get(key)
    if is_error is None:
        is_error = now.is_error if now is not None else original is not None and original.is_error
    same = (
        original is not None
        and is_error == original.is_error
        and canonical(list(content)) == canonical(list(original.content or ()))
    )
    return replace(edits, results=_with(edits.results, key, None if same else EditedResult(tuple(content), is_error)))


def _result_content(tape: Tape, edits: Edits, place: Place, text: str) -> Sequence[JsonObject]:
    content = _content(tape, edits, place)
    plain = plain_text(content)
    if plain is None:
        return _read_blocks(text)
    if text == plain:
        return content or ()
    original = _result(tape, edits, place)
    if original is not None and text == plain_text(original.content):
        return original.content or ()
    return [{"type": "text", "text": text}] if text.strip() else []


def _content(tape: Tape, edits: Edits, place: Place) -> Sequence[JsonObject] | None:
    edit = edits.results.get((place.step, place.index))
    if edit is not None:
        return edit.content
    result = _result(tape, edits, place)
    return result.content if result is not None else None


def _result(tape: Tape, edits: Edits, place: Place) -> ToolResult | None:
    """The tape's result of a call, None where it has none: the run ended before, or the call is edited."""
    turn = _turn(tape, place)
    taped = turn.calls[place.index - 1] if 0 < place.index <= len(turn.calls) else None
    calls = calls_in(edits.replies.get(place.step, ()))
    if taped is None or (place.step in edits.replies and not _is_call(taped, calls, place.index)):
        return None
    return taped.result


def _is_call(taped: TapedCall, calls: Sequence[JsonObject], index: int) -> bool:
    return index <= len(calls) and taped.call.digest == call_digest(calls[index - 1])


def _turn(tape: Tape, place: Place) -> TapedTurn:
    turn = tape.turn(place.step)
    if turn is None:
        raise EntryError(f"the run has {len(tape.turns)} steps; there is no step {place.step}")
    return turn


def _block(tape: Tape, edits: Edits, place: Place) -> JsonObject:
    blocks = blocks_of(_turn(tape, place), edits)
    return blocks[_position(blocks, place)] if blocks else {"type": "text", "text": ""}


def _position(blocks: Sequence[JsonObject], place: Place) -> int:
    position = call_position(blocks, place.index) if place.part == "call" else place.index - 1
    if position is None or not 0 <= position < len(blocks):
        raise EntryError(f"the reply of step {place.step} has no such part any more")
    return position


def _block_text(block: JsonObject) -> str:
    kind = block.get("type")
    if block.get("captured") is False:
        return "(not captured)"
    if kind == "text":
        return str(block.get("text", ""))
    if kind == "thinking":
        return str(block.get("thinking") or "(kept back by the model)")
    if kind == "tool_use":
        return _json(block.get("input") or {})
    return _json(block)


def _read_object(text: str) -> JsonObject:
    value = _read(text)
    if not isinstance(value, dict):
        raise EntryError('the arguments of a call are a JSON object, such as {"path": "notes.md"}')
    return value


def _read_blocks(text: str) -> Sequence[JsonObject]:
    value = _read(text)
    if not isinstance(value, list):
        raise EntryError('content is a JSON list of blocks, such as [{"type": "text", "text": "Done."}]')
    for number, block in enumerate(value, start=1):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise EntryError(f'block {number} is no content block: it needs a "type", such as "text" or "tool_use"')
    return value


def _read(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise EntryError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise EntryError("this JSON is nested too deeply") from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise EntryError(f"{constant} is no JSON number")


def _json(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates: only their escapes can be written and read back
        return json.dumps(value, indent=2)
    return text


def _with(mapping: Mapping[Key, Value], key: Key, value: Value | None) -> Mapping[Key, Value]:
    """The mapping with another value at `key`, without the key for None."""
    others = {other: kept for other, kept in mapping.items() if other != key}
    return others if value is None else {**others, key: value}
