"""What a whole event holds, in parts and in facts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.test_json_lines import PNG
from tests.tui.timeline_cases import BEGIN, HOSTILE, STATE, a_failed_end, a_run, obeyed, text_block
from workbench.cost.usage import Usage
from workbench.jsontypes import JsonObject
from workbench.trace.events import EVENT_TYPES, Event, FileChange, Message, ModelResponse, ToolCall, ToolResult
from workbench.tui.event_content import Part, edit_diff, event_text, parts_of
from workbench.tui.event_facts import facts_of

EVENTS = {event.seq: event for event in a_run()}


def event(data: Any) -> Event:
    return Event("run-1", 5, 2, BEGIN, 1.5, data)


def parts(data: Any) -> list[tuple[str, str, Any]]:
    return [(part.title, part.form, part.value) for part in parts_of(event(data))]


def result(*blocks: JsonObject, **more: Any) -> ToolResult:
    return ToolResult("t1", "read", "filesystem", blocks, 9, False, 0.1, **more)


def test_every_kind_of_event_has_facts_and_text() -> None:
    events = [*EVENTS.values(), event(a_failed_end())]
    assert {item.type for item in events} == set(EVENT_TYPES)
    for item in events:
        facts = dict(facts_of(item))
        assert facts[item.type].endswith(f"event {item.seq}")
        text = event_text(item)
        assert text.startswith(item.type)
        assert not obeyed(text.replace("\n", ""))


def test_an_edit_is_a_difference() -> None:
    assert edit_diff("a.py", "one\ntwo\nthree", "one\n2\n3\nthree").split("\n") == [
        *("--- a.py", "+++ a.py", "@@ 3 lines, 4 after @@", " one", "-two", "+2", "+3", " three"),
    ]
    found = parts(EVENTS[9].data)
    assert [(title, form) for title, form, _ in found] == [
        *(("edit of a.py", "diff"), ("arguments", "json"), ("files changed since the last call", "diff")),
    ]


@pytest.mark.parametrize(
    ("tool", "arguments", "first"),
    [
        ("bash", {"command": "ls\npwd"}, ("command", "text", "ls\npwd")),
        ("write", {"file_path": "/a", "content": "x"}, ("write to /a", "text", "x")),
        ("edit", {"file_path": "/a"}, ("arguments", "json", {"file_path": "/a"})),
        ("other", {"command": "ls"}, ("arguments", "json", {"command": "ls"})),
    ],
)
def test_arguments_of_well_known_tools(tool: str, arguments: dict[str, Any], first: tuple[str, str, Any]) -> None:
    assert parts(ToolCall("t", 1, tool, "s", arguments, 9, "d"))[0] == first


def test_what_was_not_captured_is_said() -> None:
    assert parts(ToolCall("t", 1, "bash", "s", None, 4_321, "d")) == [
        ("arguments", "note", "Not captured: 4,321 bytes.")
    ]
    assert parts(ToolResult("t", "bash", "s", None, 4_321, False, 0.1))[0][2] == "Not captured: 4,321 bytes."
    assert parts(EVENTS[15].data)[0][2] == "The content was not captured."
    assert parts(result())[0][2] == "The result is empty."


def test_results_are_shown_as_what_they_are() -> None:
    diff = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y"
    image: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    found = parts(result(text_block('{"a": 1}'), text_block("plain {text}"), text_block(diff), image))
    assert found == [
        ("result", "json", {"a": 1}),
        ("result", "text", "plain {text}"),
        ("result", "diff", diff),
        ("image", "note", "image/png, 640x480, 125 bytes"),
    ]
    changed = (FileChange("a", "added", 1_234), FileChange("b", "modified", 2), FileChange("c", "deleted"))
    assert parts(result(text_block("ok"), changed=changed))[1] == (
        *("files changed", "diff", "+ a  1,234 bytes\n~ b  2 bytes\n- c"),
    )


def test_deeply_nested_or_broken_json_is_text() -> None:
    for text in ("[" * 100_000, '{"a": ', "[]", "{}"):
        assert parts(result(text_block(text)))[0][:2] == ("result", "text")


def test_raw_base64_is_nowhere() -> None:
    image: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    nested: JsonObject = {"type": "tool_result", "tool_use_id": "x", "content": [image]}
    reply = ModelResponse("m", [nested], None, Usage(), None, 1, None, None)
    for item in (event(result(image, nested)), event(reply)):
        assert PNG[:40] not in event_text(item)
        assert "image/png, 640x480" in event_text(item)


def test_the_head_of_a_part() -> None:
    assert Part("t", "text", "abc\ndef").head(5) == (["abc", "d"], False)
    assert Part("t", "text", "abc\ndef").head(7) == (["abc", "def"], True)
    assert Part("t", "json", {"a": [1, 2]}).head(11) == (["{", '  "a": ['], False)
    assert Part("t", "json", {"a": 1}).head(100) == (["{", '  "a": 1', "}"], True)
    assert Part("t", "json", "x" * 100).head(10) == (['"' + "x" * 9], False)


def test_facts() -> None:
    call, failed, unpriced = dict(facts_of(EVENTS[8])), dict(facts_of(EVENTS[13])), dict(facts_of(EVENTS[15]))
    assert call["tool"] == "bash of bash · call 2 of its turn · t2"
    assert call["sandbox"] == "/workspace · 31.0 MB of memory · 0.40 s of CPU"
    assert call["workspace"] == STATE.snapshot
    assert failed["ended"] == "error · exit code 1"
    assert failed["took"] == "2.57 s"
    assert unpriced["cost"] == "unknown: the model has no known price"
    assert unpriced["from"] == "tape"
    assert dict(facts_of(EVENTS[4]))["tokens"] == "1,200 in · 140 out · 900 cache read"
    assert dict(facts_of(EVENTS[19]))["cost"] == "$0.014200 · model $0.014000 · runtime $0.000200 for 7.82 s"
    assert "HOSTILE" not in dict(facts_of(event(Message(HOSTILE))))
