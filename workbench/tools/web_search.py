"""The vendor's web search as a tool parameter; it runs on the vendor's servers and no call passes through here."""

from __future__ import annotations

from workbench.definition.agent import WebSearchServer
from workbench.jsontypes import JsonObject, JsonValue

VERSION = "web_search_20250305"
"""The version that every model takes, and compatible endpoints that have a web search at all.

Later versions (20260209, 20260318 in anthropic 2.12) let newer models filter results with code that they run on the
vendor's servers: calls that no trace here would show in full and no replay could repeat.
"""

NAME = "web_search"
"""The only name that the API takes for it."""


def parameter(server: WebSearchServer) -> JsonObject:
    """What a request sends for `server` among its `tools`."""
    tool: dict[str, JsonValue] = {"type": VERSION, "name": NAME}
    if server.allowed_domains:
        tool["allowed_domains"] = list(server.allowed_domains)
    if server.blocked_domains:
        tool["blocked_domains"] = list(server.blocked_domains)
    if server.max_uses is not None:
        tool["max_uses"] = server.max_uses
    return tool
