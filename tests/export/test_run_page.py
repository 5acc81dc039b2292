"""The HTML page of a run, read as text."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from tests.export.conftest import HOSTILE, a_thousand_events, everything, hostile_run
from workbench.export.run_page import MOST_EVENTS, run_page
from workbench.trace.errors import SequenceError
from workbench.trace.events import Event, Message

VOID = {"meta", "line", "rect", "circle", "br"}


class Elements(HTMLParser):
    """Checks that elements are properly nested, and collects their names and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def elements(page: str) -> Elements:
    found = Elements()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def test_a_run_is_told_whole(finished_run: list[Event]) -> None:
    page = run_page(finished_run)
    text = unescape(re.sub(r"<[^>]+>", "", page))
    for said in ("My invoice is wrong", "The ticket is about billing.", "cat ticket.txt", "result 2", "notes.txt"):
        assert said in text
    assert "$0.000600" in text  # the model's cost, to the microdollar
    assert "$0.000620" in text
    assert "OFFLINE SCRIPT" in text
    assert all(f">{event.type}<" in page for event in finished_run)


def test_a_failed_run_says_why() -> None:
    text = unescape(run_page(everything()))
    assert "failed: model_error" in text
    assert "The API is overloaded." in text
    assert "$0.123457" in text
    assert "run 261101-000000-aaaa, live from step 2" in text


def test_a_run_without_an_end(finished_run: list[Event]) -> None:
    assert "it has no end" in run_page(finished_run[:-1])


def test_a_thousand_events_stay_below_two_megabytes() -> None:
    events = a_thousand_events()
    assert len(events) == 1_000
    page = run_page(events)
    assert len(page.encode("utf-8")) < 2_000_000
    assert page.count("more characters: workbench show 261122-100000-long --events --step") > 100
    assert unescape(page).count("<row 7> & 'quoted'") > 1
    elements(page)


def test_of_a_very_long_run_both_ends_are_there(finished_run: list[Event]) -> None:
    begin, end = finished_run[0], finished_run[-1]
    middle = [Event(begin.run_id, seq, 1, begin.at, seq / 100, Message(f"message {seq}.")) for seq in range(2, 9_000)]
    last = Event(end.run_id, 9_000, 2, end.at, 90.0, end.data)
    page = run_page([begin, *middle, last])
    assert page.count("<li") == MOST_EVENTS
    assert f"{9_000 - MOST_EVENTS} events in the middle are left out" in page
    assert "message 2." in page
    assert "message 8999." in page
    assert "message 4500." not in page


def test_nothing_of_a_run_becomes_markup() -> None:
    page = run_page(hostile_run())
    found = elements(page)
    assert found.names <= {
        *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "span", "pre", "dl", "dt"),
        *("dd", "ul", "li", "details", "summary", "svg", "line", "rect"),
    }
    assert not {name for name in found.attributes if name.startswith("on") or name in ("href", "src", "style")}
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert HOSTILE not in page


def test_the_policy_allows_the_style_alone(finished_run: list[Event]) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', run_page(finished_run))
    assert policy is not None
    assert unescape(policy[1]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_only_a_whole_run_is_a_page(finished_run: list[Event]) -> None:
    with pytest.raises(SequenceError):
        run_page(finished_run[1:])
