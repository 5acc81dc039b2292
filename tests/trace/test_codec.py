"""Events survive being written as JSON, whatever is in them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.jsontypes import JsonValue
from workbench.trace.codec import (
    data_from_json,
    data_to_json,
    event_from_json,
    event_to_json,
    json_line,
    money_to_text,
    parsed_json,
    stored_json,
    time_from_text,
    time_to_text,
)
from workbench.trace.errors import EventFormatError
from workbench.trace.events import EVENT_TYPES, Event, EventData, Message, Notice, ToolCall

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", EVENT_TYPES)
@settings(CALM, max_examples=40)
@given(drawn=st.data())
def test_every_type_of_event_comes_back_as_it_was(
    name: str, drawn: st.DataObject, any_data: dict[str, st.SearchStrategy[EventData]]
) -> None:
    data = drawn.draw(any_data[name])
    text = stored_json(data_to_json(data))
    text.encode("utf-8")
    assert data_from_json(name, parsed_json(text)) == data


@CALM
@given(drawn=st.data())
def test_an_event_comes_back_through_a_line_of_ascii(drawn: st.DataObject, any_event: st.SearchStrategy[Event]) -> None:
    event = drawn.draw(any_event)
    line = json_line(event_to_json(event))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert event_from_json(parsed_json(line)) == event


def test_the_form_is_as_documented() -> None:
    call = ToolCall("t1", 1, "bash", "bash", {"command": "ls", "flags": ("-a", "-l")}, 13, "d1")
    event = Event("run-1", 3, 1, datetime(2026, 11, 22, 10, 0, 0, 5, timezone(timedelta(hours=1))), 0.25, call)
    assert event_to_json(event) == {
        "run_id": "run-1",
        "seq": 3,
        "type": "tool_call",
        "step": 1,
        "at": "2026-11-22T09:00:00.000005Z",
        "offset": 0.25,
        "data": {
            "call_id": "t1",
            "index": 1,
            "tool": "bash",
            "server": "bash",
            "arguments": {"command": "ls", "flags": ["-a", "-l"]},
            "arguments_bytes": 13,
            "digest": "d1",
            "container": None,
            "origin": "live",
        },
    }


def test_mappings_and_sequences_of_other_kinds_become_plain() -> None:
    class Text(str):
        __slots__ = ()

    data = Notice("server", "x", data=MappingProxyType({"list": (1, MappingProxyType({})), "text": Text("t")}))
    plain = data_to_json(data)["data"]
    assert plain == {"list": [1, {}], "text": "t"}
    assert type(plain["text"]) is str


def test_fields_of_a_later_version_are_ignored_and_missing_ones_get_their_defaults() -> None:
    whole = dict(event_to_json(Event("r", 1, 0, AT, 0.0, Notice("server", "up")))) | {"invented": 1}
    whole["data"] = {"kind": "server", "text": "up", "colour": "red"}
    assert event_from_json(whole).data == Notice("server", "up", "info", None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "tool_cal"}, "unknown event type 'tool_cal'; known are run_started"),
        ({"seq": 0}, "event.seq"),
        ({"seq": "1"}, "event.seq: input should be a valid integer"),
        ({"seq": 2**53 + 1}, "event.seq"),
        ({"at": "2026-11-22T09:00:00"}, "event.at"),
        ({"run_id": "../../etc"}, "event.run_id"),
        ({"run_id": "\ud800"}, "event.run_id"),
        ({"data": {"text": 5}}, "message.text: input should be a valid string"),
        ({"data": {}}, "message.text"),
        ({"data": []}, "event.data"),
        ({"offset": "soon"}, "event.offset"),
    ],
)
def test_what_is_no_event_is_refused_with_the_place(change: dict[str, JsonValue], said: str) -> None:
    good = dict(event_to_json(Event("r", 1, 0, AT, 0.0, Message("hello"))))
    with pytest.raises(EventFormatError) as caught:
        event_from_json({**good, **change})
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "x", 5, {}])
def test_other_json_is_no_event(value: JsonValue) -> None:
    with pytest.raises(EventFormatError):
        event_from_json(value)


@pytest.mark.parametrize("amount", ["1e999999999", "-1e99", "1e-999999", "NaN", "much"])
def test_an_amount_of_money_cannot_be_a_bomb(amount: str) -> None:
    started = {"model": amount, "runtime": "0", "total": None, "runtime_seconds": "0"}
    data = {"output": "", "stop_reason": "end_turn", "steps": 0, "usage": {}, "costs": started, "duration": 0.0}
    with pytest.raises(EventFormatError):
        data_from_json("run_completed", data)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not a JSON number"):
        data_to_json(Notice("server", "x", data={"n": number}))


def test_what_is_no_json_value_is_refused() -> None:
    odd: Any = {"raw": b"bytes"}
    with pytest.raises(TypeError, match="bytes"):
        data_to_json(Notice("server", "x", data=odd))
    odd = {1: "a"}
    with pytest.raises(TypeError, match="key"):
        data_to_json(Notice("server", "x", data=odd))


def test_what_is_nested_too_deeply_is_refused_both_ways() -> None:
    nested: JsonValue = []
    for _ in range(5_000):
        nested = [nested]
    with pytest.raises(ValueError, match="nested too deeply"):
        data_to_json(Notice("server", "x", data={"deep": nested}))
    with pytest.raises(EventFormatError, match="nested too deeply"):
        parsed_json("[" * 100_000 + "]" * 100_000)


@pytest.mark.parametrize("text", ["", "{", "[1,]", '{"a": NaN}', "9" * 5_000, "\x00"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(EventFormatError, match="not JSON"):
        parsed_json(text)


def test_two_surrogates_that_make_a_character_are_that_character_afterwards() -> None:
    for write in (json_line, stored_json):
        text: Callable[[JsonValue], str] = write
        assert json.loads(text("\ud83d\ude00")) == "😀"


@CALM
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_times_come_back(at: datetime) -> None:
    text = time_to_text(at)
    assert text.endswith("Z")
    assert time_from_text(text) == at.astimezone(UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        time_to_text(datetime(2026, 1, 1))


@pytest.mark.parametrize(("amount", "text"), [("1E-7", "0.0000001"), ("1E+2", "100"), ("0.50", "0.50")])
def test_money_is_written_plainly(amount: str, text: str) -> None:
    assert money_to_text(Decimal(amount)) == text


def test_money_must_be_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        money_to_text(Decimal("Infinity"))


def test_writing_events_needs_none_of_the_big_libraries() -> None:
    code = (
        "import sys, workbench.trace.store, workbench.trace.export, workbench.cost.prices, workbench.cost.fuse;"
        "print([name for name in ('pydantic', 'pydantic_core', 'yaml') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
