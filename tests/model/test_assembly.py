from __future__ import annotations

from typing import Any

import pytest

from workbench.cost.usage import Usage
from workbench.model.assembly import Assembled, Assembly
from workbench.model.block_assembly import BrokenStreamError, well_formed
from workbench.model.conversation import Delta

STOP: list[dict[str, Any]] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int | None, kind: str, **piece: Any) -> dict[str, Any]:
    event: dict[str, Any] = {"type": "content_block_delta", "delta": {"type": kind, **piece}}
    return event if index is None else {**event, "index": index}


def assemble(*events: object, deltas: list[Delta] | None = None) -> Assembled:
    ticks = iter(range(1000))
    assembly = Assembly(lambda: float(next(ticks)), (deltas if deltas is not None else []).append)
    for event in events:
        assembly.take(event)
    return assembly.finish(lambda at: f"made_{at}")


def only(*events: object) -> Any:
    """The one block of a reply."""
    (block,) = assemble(*events, *STOP).content
    return block


def test_thinking_keeps_its_signature_to_the_byte() -> None:
    block = only(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="so"),
        delta(0, "thinking_delta", thinking=" then\n"),
        delta(0, "signature_delta", signature="EqQBCg=="),
    )
    assert block == {"type": "thinking", "thinking": "so then\n", "signature": "EqQBCg=="}


def test_hidden_thinking_stays_though_it_is_empty() -> None:
    block = only(start(0, type="thinking", thinking="", signature=""), delta(0, "signature_delta", signature="x"))
    assert block == {"type": "thinking", "thinking": "", "signature": "x"}


def test_redacted_thinking_and_server_results_stay_as_they_are() -> None:
    redacted: dict[str, Any] = {"type": "redacted_thinking", "data": "EmwKAhgB"}
    found = {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "e", "page_age": None}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [found]}
    unknown = {"type": "invented_next_year", "payload": {"a": [1, 2.0, None]}}
    blocks: list[dict[str, Any]] = [redacted, result, unknown]
    events = [start(at, **block) for at, block in enumerate(blocks)]
    assert assemble(*events, *STOP).content == blocks


def test_what_requests_do_not_take_is_left_out() -> None:
    block = only(start(0, type="tool_use", id="t1", name="read", input={}, caller=None, toolset_name=None))
    assert block == {"type": "tool_use", "id": "t1", "name": "read", "input": {}}
    block = only(start(0, type="text", text="", citations=None), delta(0, "text_delta", text="x"))
    assert block == {"type": "text", "text": "x"}


@pytest.mark.parametrize("blank", ["", " \n"])
def test_blank_texts_are_left_out(blank: str) -> None:
    assert assemble(start(0, type="text", text=""), delta(0, "text_delta", text=blank), *STOP).content == []


def test_citations_are_collected() -> None:
    block = only(
        start(0, type="text", text="", citations=[]),
        delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "a"}),
        delta(0, "text_delta", text="A"),
        delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "b"}),
    )
    assert [citation["cited_text"] for citation in block["citations"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], {}),
        ([""], {}),
        (['{"a', '": [1', ", 2.5]}"], {"a": [1, 2.5]}),
        (['{"emoji": "\\ud83d', '\\ude00"}'], {"emoji": "😀"}),
        (['{"half": "\\ud83d"}'], {"half": "\ufffd"}),
    ],
)
def test_arguments_are_put_together(pieces: list[str], expected: object) -> None:
    deltas = [delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    assert only(start(0, type="tool_use", id="t", name="read", input={}), *deltas)["input"] == expected


def test_arguments_may_come_with_the_start() -> None:
    assert only(start(0, type="tool_use", id="t", name="read", input={"path": "a"}))["input"] == {"path": "a"}


@pytest.mark.parametrize("text", ['{"a": ', "[1]", '"x"', "{]", '{"a": NaN}', '{"a": 1e999}', "[" * 100_000])
def test_broken_arguments_break_the_reply(text: str) -> None:
    events = [start(0, type="tool_use", id="t", name="read"), delta(0, "input_json_delta", partial_json=text)]
    with pytest.raises(BrokenStreamError, match="the arguments of the call to read are not"):
        assemble(*events, *STOP)


def test_arguments_that_a_limit_cut_off_are_kept_as_far_as_they_go() -> None:
    events = [
        start(0, type="tool_use", id="t", name="write"),
        delta(0, "input_json_delta", partial_json='{"path": "a", "content": "lo'),
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
    ]
    (block,) = assemble(*events).content
    assert block["input"] == {"path": "a"}


def test_calls_without_an_id_of_their_own_get_one() -> None:
    events = [
        start(0, type="tool_use", name="a"),
        start(1, type="tool_use", name="b", id="same"),
        start(2, type="tool_use", name="c", id="same"),
    ]
    assert [block["id"] for block in assemble(*events, *STOP).content] == ["made_0", "same", "made_2"]


def test_indexes_and_starts_may_be_missing() -> None:
    reply = assemble(
        delta(0, "thinking_delta", thinking="t"),
        delta(1, "text_delta", text="a"),
        delta(None, "text_delta", text="b"),
        *STOP,
    )
    assert reply.content == [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "ab"}]


@pytest.mark.parametrize(
    "event",
    [
        "text",
        ["list"],
        None,
        delta(0, "input_json_delta", partial_json="{"),
        start(0, text="no type"),
        start(0, type="tool_use", id="1"),
    ],
)
def test_what_makes_no_sense_is_refused(event: object) -> None:
    with pytest.raises(BrokenStreamError):
        assemble(event, *STOP)


def test_unknown_events_and_deltas_are_passed_over() -> None:
    events = [{"type": "surprise"}, {"no": "type"}, start(0, type="text", text="x"), delta(0, "odd_delta", odd=1)]
    assert assemble(*events, *STOP).content == [{"type": "text", "text": "x"}]


def test_a_stream_that_ends_early_is_refused() -> None:
    with pytest.raises(BrokenStreamError, match="ended before the reply did"):
        assemble(start(0, type="text", text="x"))
    with pytest.raises(BrokenStreamError, match="no events"):
        assemble()


def test_a_stop_reason_or_a_final_event_ends_a_reply() -> None:
    text = start(0, type="text", text="x")
    assert assemble(text, STOP[0]).stop_reason == "end_turn"
    assert assemble(text, STOP[1]).stop_reason is None


def test_usage_is_taken_from_both_ends() -> None:
    first = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 2}}}
    assert assemble(first, *STOP).usage == Usage(input_tokens=5, output_tokens=7, cache_read_tokens=2)
    assert assemble({"type": "message_start"}, STOP[1]).usage == Usage()


def test_everything_is_shown_as_it_comes() -> None:
    shown: list[Delta] = []
    assemble(
        start(0, type="thinking", thinking="a"),
        delta(0, "thinking_delta", thinking="b"),
        start(1, type="text", text=""),
        delta(1, "text_delta", text="c"),
        start(2, type="tool_use", id="t", name="read"),
        delta(2, "input_json_delta", partial_json=""),
        delta(2, "input_json_delta", partial_json="{}"),
        *STOP,
        deltas=shown,
    )
    assert shown == [
        Delta("reasoning", "a"),
        Delta("reasoning", "b"),
        Delta("text", "c"),
        Delta("tool_input", "", "read"),
        Delta("tool_input", "{}", "read"),
    ]


def test_times_are_those_of_the_clock() -> None:
    stop = {"type": "content_block_stop", "index": 0}
    reply = assemble(start(0, type="thinking", thinking=""), stop, start(1, type="text", text="x"), *STOP)
    assert (reply.first_content, reply.thinking_duration) == (0.0, 1.0)
    assert assemble(start(0, type="text", text="x"), *STOP).thinking_duration is None


@pytest.mark.parametrize(("text", "expected"), [("é", "é"), ("\ud83d\ude00!", "😀!"), ("a\ud83d", "a\ufffd")])
def test_halves_of_characters_are_joined(text: str, expected: str) -> None:
    assert well_formed(text) == expected
