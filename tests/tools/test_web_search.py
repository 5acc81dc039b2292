"""The vendor's web search as a parameter."""

from __future__ import annotations

from workbench.definition.agent import WebSearchServer
from workbench.tools.web_search import parameter


def test_only_what_was_declared_is_sent() -> None:
    assert parameter(WebSearchServer()) == {"type": "web_search_20250305", "name": "web_search"}


def test_domains_and_uses_are_passed_on() -> None:
    assert parameter(WebSearchServer(allowed_domains=("example.com",), max_uses=5)) == {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": ["example.com"],
        "max_uses": 5,
    }
    assert parameter(WebSearchServer(blocked_domains=("bad.example",)))["blocked_domains"] == ["bad.example"]
