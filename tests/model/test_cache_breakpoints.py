from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.jsontypes import JsonObject, JsonValue
from workbench.model.cache_breakpoints import with_breakpoints

MARK = {"type": "ephemeral"}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def marks(value: JsonValue, at: str = "") -> list[str]:
    """The places of all breakpoints in a body."""
    if isinstance(value, dict):
        own = [at] if "cache_control" in value else []
        return own + [mark for name, item in value.items() for mark in marks(item, f"{at}.{name}")]
    if isinstance(value, list):
        return [mark for number, item in enumerate(value) for mark in marks(item, f"{at}[{number}]")]
    return []


def test_system_and_last_message_are_marked() -> None:
    body: Any = {
        "system": [text("a"), text("b")],
        "tools": [{"name": "t"}],
        "messages": [{"role": "user", "content": [text("x")]}],
    }
    assert marks(with_breakpoints(body)) == [".system[1]", ".messages[0].content[0]"]


def test_without_a_system_prompt_the_last_tool_is_marked() -> None:
    body: Any = {"tools": [{"name": "a"}, {"name": "b"}], "messages": [{"role": "user", "content": [text("x")]}]}
    assert marks(with_breakpoints(body)) == [".tools[1]", ".messages[0].content[0]"]


def test_the_end_of_the_previous_user_message_is_marked_too() -> None:
    body: Any = {
        "messages": [
            {"role": "user", "content": [text("1")]},
            {"role": "assistant", "content": [text("2")]},
            {"role": "user", "content": [text("3"), text("4")]},
            {"role": "assistant", "content": [text("5")]},
            {"role": "user", "content": [text("6")]},
        ]
    }
    assert marks(with_breakpoints(body)) == [".messages[2].content[1]", ".messages[4].content[0]"]


def test_the_previous_requests_last_breakpoint_stands_again_in_the_next() -> None:
    first: Any = [{"role": "user", "content": [text("1")]}]
    calls = [{"type": "tool_use", "id": str(n), "name": "t", "input": {}} for n in range(30)]
    results = [{"type": "tool_result", "tool_use_id": str(n), "content": "r"} for n in range(30)]
    later: Any = [*first, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    before, after = marks(with_breakpoints({"messages": first})), marks(with_breakpoints({"messages": later}))
    assert set(before) < set(after)


def test_a_plain_text_becomes_a_block() -> None:
    marked = with_breakpoints({"messages": [{"role": "user", "content": "x"}]})
    assert marked["messages"] == [{"role": "user", "content": [{**text("x"), "cache_control": MARK}]}]


def test_thinking_is_never_marked() -> None:
    content = [text("a"), {"type": "thinking", "thinking": "t", "signature": "s"}]
    body: Any = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}]}
    assert ".messages[1].content[0]" in marks(with_breakpoints(body))
    only: Any = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": content[1:]}]}
    assert marks(with_breakpoints(only)) == [".messages[0].content[0]"]


def test_the_request_itself_is_not_changed() -> None:
    body: Any = {"system": [text("a")], "messages": [{"role": "user", "content": [text("x")]}]}
    with_breakpoints(body)
    assert marks(body) == []


blocks = st.sampled_from([text("a"), text(""), {"type": "thinking", "thinking": "t"}, {"type": "tool_use", "id": "1"}])
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.lists(blocks, max_size=4)}),
    max_size=6,
)


def without(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: without(item) for name, item in value.items() if name != "cache_control"}
    return [without(item) for item in value] if isinstance(value, list) else value


@given(system=st.lists(blocks, max_size=3), tools=st.lists(st.just({"name": "t"}), max_size=2), messages=messages)
def test_breakpoints_are_few_and_change_nothing_else(
    system: list[JsonObject], tools: list[JsonObject], messages: list[JsonObject]
) -> None:
    body: JsonObject = {"system": system, "tools": tools, "messages": messages}
    marked = with_breakpoints(body)
    assert len(marks(marked)) <= 3
    assert without(marked) == body
