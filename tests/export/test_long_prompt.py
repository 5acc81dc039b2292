"""A system prompt that is longer than any line of a timeline: the page and the spans have all of it."""

from __future__ import annotations

import json
from dataclasses import replace

from workbench.export.otlp import traces_of
from workbench.export.run_page import run_page
from workbench.trace.events import Event, ModelRequest

LONG = f"{'Be kind. ' * 1_000}Never promise a refund."


def with_long_prompt(events: list[Event]) -> list[Event]:
    system = ({"type": "text", "text": LONG},)
    return [
        replace(event, data=replace(event.data, system=system)) if isinstance(event.data, ModelRequest) else event
        for event in events
    ]


def test_a_page_has_the_whole_system_prompt(finished_run: list[Event]) -> None:
    assert LONG in run_page(with_long_prompt(finished_run))


def test_spans_with_content_have_the_whole_system_prompt(finished_run: list[Event]) -> None:
    assert LONG in json.dumps(traces_of(with_long_prompt(finished_run), content=True))
