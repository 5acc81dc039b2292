"""The difference of two runs as one JSON object, for programs."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.jsontypes import JsonObject, JsonValue
from workbench.trace.codec import money_to_text
from workbench.trace.events import RunCompleted
from workbench.trace.run_diff import CallDiff, RunDiff, Setting, StepDiff, result_value
from workbench.trace.run_record import CallRecord, RunRecord, StepRecord
from workbench.trace.word_diff import word_diff


def diff_to_json(diff: RunDiff) -> JsonObject:
    """The whole difference. Texts that differ are pieces `[tag, text]`: same, removed (left only), added (right only).

    Money is a string in USD or null when unknown, durations are seconds. Of steps that are the same only numbers,
    costs and times are told.
    """
    parting = diff.parting
    prompts = [str(run.started.definition.get("system_prompt") or "") for run in (diff.left, diff.right)]
    return {
        "same": diff.is_same,
        "left": _run(diff.left),
        "right": _run(diff.right),
        "given": list(diff.given),
        "system_prompt": _words(*prompts) if "system prompt" in diff.given else None,
        "input": _words(diff.left.started.input, diff.right.started.input) if "input" in diff.given else None,
        "settings": [_setting(setting) for setting in diff.settings],
        "tools": [_setting(tool) for tool in diff.tools],
        "parting": None if parting is None else _place(parting),
        "outcome_differs": diff.outcome_differs,
        "steps": [_step(step) for step in diff.steps],
    }


def _run(run: RunRecord) -> JsonObject:
    end = run.end
    usage = None if end is None else end.usage
    return {
        "run_id": run.run_id,
        "agent": run.started.agent,
        "model": run.started.model,
        "parent_run_id": run.started.parent_run_id,
        "fork_step": run.started.fork_step,
        "outcome": None if end is None else "completed" if isinstance(end, RunCompleted) else end.error,
        "output": end.output if isinstance(end, RunCompleted) else None,
        "steps": len(run.steps),
        "input_tokens": None if usage is None else usage.total_input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "model_usd": None if end is None or end.costs.model is None else money_to_text(end.costs.model),
        "total_usd": None if end is None or end.costs.total is None else money_to_text(end.costs.total),
        "duration": run.duration,
    }


def _place(step: StepDiff) -> JsonObject:
    return {**_numbers(step), "parts": list(step.parts)}


def _numbers(step: StepDiff) -> JsonObject:
    return {
        "left": None if step.left is None else step.left.number,
        "right": None if step.right is None else step.right.number,
    }


def _step(step: StepDiff) -> JsonObject:
    told: dict[str, JsonValue] = {
        **_numbers(step),
        "same": step.is_same,
        "parts": list(step.parts),
        "costs": [None if side is None else _costs(side) for side in (step.left, step.right)],
    }
    if step.is_same:
        return told
    texts = [(side.message, side.reasoning) if side is not None else ("", "") for side in (step.left, step.right)]
    return {
        **told,
        "message": _words(texts[0][0], texts[1][0]),
        "reasoning": _words(texts[0][1], texts[1][1]),
        "calls": [_call(call) for call in step.calls],
        "files": list(step.files),
    }


def _costs(step: StepRecord) -> JsonObject:
    reply = step.response
    return {
        "origin": step.origin,
        "from_tape": step.from_tape,
        "input_tokens": None if reply is None else reply.usage.total_input_tokens,
        "output_tokens": None if reply is None else reply.usage.output_tokens,
        "model_usd": None if reply is None or reply.cost_usd is None else money_to_text(reply.cost_usd),
        "model_seconds": None if reply is None else reply.duration,
        "tool_seconds": [None if call.result is None else call.result.latency for call in step.calls],
    }


def _call(call: CallDiff) -> JsonObject:
    return {
        "same": not call.call_differs and not call.result_differs,
        "call_differs": call.call_differs,
        "result_differs": call.result_differs,
        "left": _call_side(call.left),
        "right": _call_side(call.right),
    }


def _call_side(record: CallRecord | None) -> JsonValue:
    if record is None:
        return None
    arguments = record.call.arguments
    return {"tool": record.call.tool, "arguments": arguments, "result": result_value(record)}


def _setting(setting: Setting) -> JsonObject:
    return {"name": setting.name, "left": setting.left, "right": setting.right}


def _words(left: str, right: str) -> Sequence[JsonValue]:
    return [[piece.tag, piece.text] for piece in word_diff(left, right)]
