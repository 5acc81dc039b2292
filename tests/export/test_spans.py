"""A run as spans: nested as it happened, named by the conventions, decodable by the protocol's own definition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import error_attributes, gen_ai_attributes, server_attributes

from tests.export.conftest import HOSTILE, everything, hostile_run
from tests.export.otlp_decoding import decode
from workbench.export.otlp import traces_of
from workbench.export.spans import Span, span_id, spans_of, trace_id
from workbench.trace.events import Event

SPAN_KIND_INTERNAL, SPAN_KIND_CLIENT, STATUS_ERROR = 1, 3, 2


def named(events: list[Event], *, content: bool = False) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for span in spans_of(events, content=content):
        found.setdefault(span.name, []).append(span)
    return found


def decoded(events: list[Event], *, content: bool = False) -> Any:
    """The spans as a collector reads them: parsed by the protocol's own definition, which refuses unknown fields."""
    request = decode(json.dumps(traces_of(events, content=content)))
    return request.resource_spans[0].scope_spans[0].spans


def test_spans_are_nested_run_step_model_and_tool(finished_run: list[Event]) -> None:
    spans = named(finished_run)
    (run,) = spans["invoke_agent support-triage"]
    assert run.parent_id is None
    steps = [spans["step 1"][0], spans["step 2"][0]]
    assert all(step.parent_id == run.span_id for step in steps)
    assert [span.parent_id for span in spans["chat claude-haiku-4-5"]] == [step.span_id for step in steps]
    assert [span.parent_id for span in spans["execute_tool bash"]] == [step.span_id for step in steps]
    by_id = {span.span_id: span for group in spans.values() for span in group}
    for span in by_id.values():
        assert span.start <= span.end
        if span.parent_id is not None:
            parent = by_id[span.parent_id]
            assert parent.start <= span.start
            assert span.end <= parent.end


def test_ids_follow_from_the_run(finished_run: list[Event]) -> None:
    spans = spans_of(finished_run)
    assert spans == spans_of(finished_run)
    ids = [span.span_id for span in spans]
    assert len(set(ids)) == len(ids)
    run_id = finished_run[0].run_id
    assert {span.trace_id for span in spans} == {trace_id(run_id)}
    assert spans[0].span_id == span_id(run_id, "run")
    assert trace_id("another") != trace_id(run_id)


def test_tokens_and_costs(finished_run: list[Event]) -> None:
    spans = named(finished_run)
    reply = spans["chat claude-haiku-4-5"][0].attributes
    assert reply["gen_ai.usage.input_tokens"] == 1_100  # those from the cache are among them
    assert reply["gen_ai.usage.cache_read.input_tokens"] == 1_000
    assert reply["gen_ai.usage.output_tokens"] == 20
    assert reply["gen_ai.response.finish_reasons"] == ["tool_use"]
    assert reply["gen_ai.request.max_tokens"] == 1024
    assert reply["workbench.cost.usd"] == 0.0003
    run = spans["invoke_agent support-triage"][0].attributes
    assert run["workbench.cost.total_usd"] == 0.00062
    assert run["gen_ai.usage.input_tokens"] == 2_200


def test_every_name_is_one_of_the_conventions() -> None:
    known = {
        value
        for module in (gen_ai_attributes, error_attributes, server_attributes)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    for span in spans_of(everything(), content=True):
        ours = {name for name in span.attributes if not name.startswith("workbench.")}
        assert ours <= known, ours - known
        operation = span.attributes.get("gen_ai.operation.name")
        if operation is not None:
            assert operation in {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
            assert span.name.startswith(f"{operation} ")


def test_what_failed_is_marked() -> None:
    spans = named(everything())
    (run,) = spans["invoke_agent support-triage"]
    assert run.error == "The API is overloaded."
    assert run.attributes["error.type"] == "model_error"
    assert [span.error for span in spans["execute_tool bash"]] == [None, "tool_error"]
    assert [span.attributes.get("error.type") for span in spans["chat claude-haiku-4-5"]] == [
        None,
        None,
        None,
        "model_error",
    ]
    (unanswered,) = spans["execute_tool read"]
    assert unanswered.error == "no result"
    assert "workbench.cost.usd" not in spans["chat claude-haiku-4-5"][2].attributes  # unknown is not 0


def test_the_vendors_tools_are_extensions() -> None:
    (search,) = named(everything())["execute_tool web_search"]
    assert search.attributes["gen_ai.tool.type"] == "extension"


def test_a_replay_is_linked_to_its_parent() -> None:
    (run,) = named(everything())["invoke_agent support-triage"]
    assert run.link == (trace_id("261101-000000-aaaa"), span_id("261101-000000-aaaa", "run"))


def test_what_happened_on_the_way_are_events_of_the_step() -> None:
    spans = named(everything())
    assert [event.name for event in spans["invoke_agent support-triage"][0].events] == ["workbench.notice"]
    assert [event.name for event in spans["step 1"][0].events] == ["workbench.egress", "workbench.permission"]


def test_content_is_left_out_unless_it_is_asked_for(finished_run: list[Event]) -> None:
    text = json.dumps(traces_of(finished_run))
    for said in ("My invoice", "cat ticket", "result 1", "Looking", "about billing"):
        assert said not in text
    text = json.dumps(traces_of(finished_run, content=True))
    for said in ("My invoice", "cat ticket", "result 1", "Looking", "about billing"):
        assert said in text


def test_messages_are_in_the_form_of_the_conventions(finished_run: list[Event]) -> None:
    second = named(finished_run, content=True)["chat claude-haiku-4-5"][1].attributes
    messages = json.loads(str(second["gen_ai.input.messages"]))
    assert [message["role"] for message in messages] == ["tool", "tool"]
    assert {part["type"] for message in messages for part in message["parts"]} == {"tool_call_response"}
    (answer,) = json.loads(str(second["gen_ai.output.messages"]))
    assert [part["type"] for part in answer["parts"]] == ["text", "tool_call"]
    assert answer["finish_reason"] == "tool_use"


def test_the_protocol_decodes_it() -> None:
    events = everything()
    spans = decoded(events, content=True)
    by_name = {span.name: span for span in spans}
    run = by_name["invoke_agent support-triage"]
    assert run.trace_id == bytes.fromhex(trace_id(events[0].run_id))
    assert len(run.span_id) == 8
    assert run.parent_span_id == b""
    assert run.kind == SPAN_KIND_INTERNAL
    assert by_name["chat claude-haiku-4-5"].kind == SPAN_KIND_CLIENT
    assert run.status.code == STATUS_ERROR
    assert run.start_time_unix_nano == 1_795_339_800_133_456_000
    assert run.links[0].trace_id == bytes.fromhex(trace_id("261101-000000-aaaa"))
    values = {each.key: each.value for each in run.attributes}
    assert values["gen_ai.usage.input_tokens"].int_value == 2_205
    assert values["workbench.cost.total_usd"].double_value == pytest.approx(0.123477)


def test_hostile_text_is_only_text() -> None:
    names = {span.name for span in decoded(hostile_run(), content=True)}
    assert f"execute_tool {HOSTILE}" in names


def test_a_run_that_was_cut_off_is_exported_as_far_as_it_goes(finished_run: list[Event]) -> None:
    for length in range(1, len(finished_run)):
        assert decoded(finished_run[:length])[0].name == "invoke_agent support-triage"


def test_there_is_no_trace_of_nothing(finished_run: list[Event]) -> None:
    with pytest.raises(ValueError, match="at least one event"):
        traces_of([])
    with pytest.raises(ValueError, match="begins with run_started"):
        traces_of(finished_run[1:])
